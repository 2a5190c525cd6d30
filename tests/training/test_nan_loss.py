"""A loss that is no number ends the run, names step and batch, and costs no finished epoch."""

import keras
import numpy as np
import pytest

from csnn_tf.data import load_point_clouds
from csnn_tf.data.batches import BatchPlan
from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.models import PointCloudClassifier
from csnn_tf.models.loading import load_model
from csnn_tf.training.finite_loss import FiniteLoss
from csnn_tf.training.trainer import train
from tests.helpers import eagerly
from tests.training.test_trainer import config

pytestmark = eagerly


class Spoil(keras.callbacks.Callback):
    """Makes a weight NaN before a step of the second epoch."""

    def __init__(self, step, hidden=False):
        super().__init__()
        self.step, self.epoch = step, 0
        # Of the logits: no ReLU hides it. Or the first, which one may.
        self.place = 0 if hidden else -1

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == (1, self.step):
            weight = self.model.trainable_variables[self.place]
            weight.assign(np.full(weight.shape, np.nan, "float32"))


@pytest.fixture
def shapes(tmp_path):
    """Shapes in files of their own."""
    made = builtin_shapes("train", 4, num_points=64)
    for cloud, label, name in zip(made.clouds, made.labels, made.names, strict=True):
        folder = tmp_path / "data" / made.class_names[label] / "train"
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{name}.npy", cloud)
    return load_point_clouds(tmp_path / "data", "train", 64)


def test_the_step_and_the_batch_are_named_and_the_run_can_go_on(tmp_path, shapes):
    assert all(name.endswith(".npy") for name in shapes.names)
    settings = config(epochs=3, batch_size=16, data="modelnet")
    with pytest.raises(InputError) as caught:
        train(settings, shapes, tmp_path / "run", callbacks=[Spoil(1)])
    message = str(caught.value)
    assert "step 2 of 3 of epoch 2" in message
    assert "epoch 1" in message
    named = [name for name in shapes.names if name in message]
    assert len(named) == 5
    assert "and 11 more" in message
    assert "\n" not in message
    model = load_model(tmp_path / "run", PointCloudClassifier)  # refuses weights that are NaN
    assert np.isfinite(np.asarray(model(shapes.clouds[:1]))).all()
    run = train(settings, shapes, tmp_path / "run", resume=True)
    assert len((run.path / "history.csv").read_text().splitlines()) == 4


def test_the_first_step_is_named_in_whatever_order_they_are_looked_at():
    callback = FiniteLoss(BatchPlan(8, 2, seed=0), [f"shape {number}" for number in range(8)])
    callback.on_epoch_begin(3)
    for step in (3, 0, 2):
        callback.on_train_batch_end(step, {"loss": np.nan if step else 1.0})
        callback.on_train_batch_begin(3)  # step 1 may be the first: it has not been looked at
    callback.on_train_batch_end(1, {"loss": np.nan})
    with pytest.raises(InputError, match="step 2 of 4 of epoch 4"):
        callback.on_train_batch_begin(3)
    with pytest.raises(InputError, match="step 2 of 4 of epoch 4"):
        callback.on_epoch_end(3)
    callback.on_epoch_begin(4)
    callback.on_epoch_end(4)


def test_weights_that_no_loss_shows_are_not_saved(tmp_path, shapes):
    settings = config(epochs=3, batch_size=16, data="modelnet")
    with pytest.raises(InputError, match=r"became (NaN|nan)"):
        train(settings, shapes, tmp_path / "run", callbacks=[Spoil(1, hidden=True)])
    load_model(tmp_path / "run", PointCloudClassifier)
    run = train(settings, shapes, tmp_path / "run", resume=True)
    assert len((run.path / "history.csv").read_text().splitlines()) == 4

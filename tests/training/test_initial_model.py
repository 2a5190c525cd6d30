"""Runs that begin with a trained classifier."""

import json

import keras
import numpy as np
import pytest

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.models import CloudClassifier, PointCloudClassifier
from csnn_tf.models.architectures import ARCHITECTURES
from csnn_tf.models.loading import load_model
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.trained_fields import trained_fields
from csnn_tf.training.trainer import train
from tests.helpers import ONE_LEVEL, eagerly

pytestmark = eagerly
SMALL = {**ONE_LEVEL, "hidden": [16]}


@pytest.fixture(scope="module")
def shapes():
    return builtin_shapes("train", 4, num_points=64)


@pytest.fixture(scope="module")
def trained(shapes, tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "trained.keras"
    fields = {"class_names": [*shapes.class_names[2:], "bolt"], "tilt": [10, 20, 30]}
    PointCloudClassifier.from_preset("tiny", **SMALL, **fields).save(path)
    return path


def config(trained, **changes):
    fields = {"data": "shapes", "num_points": 64, "epochs": 2, "batch_size": 16, **changes}
    return TrainingConfig.from_recipe("finetune", initial=str(trained), **fields)


def weights_before_logits(model):
    last = {id(weight) for weight in model.network.get_layer("logits").weights}
    return [w.numpy() for w in model.network.trainable_variables if id(w) not in last]


def test_the_model_is_like_the_trained_one_but_for_changes(trained):
    found = config(trained, learning_rate=0.1)
    assert (found.architecture, found.preset) == ("csnn", "tiny")
    assert found.model == {**SMALL, "tilt": [10, 20, 30]}
    assert config(trained, tilt=None).model["tilt"] is None
    assert TrainingConfig.from_dict(json.loads(json.dumps(found.to_dict()))).initial == str(trained)


def test_a_recipe_changes_what_it_says_of_the_model(trained):
    tilted = TrainingConfig.from_recipe("tilted", initial=str(trained))
    assert tilted.model["tilt"] == TrainingConfig.from_recipe("tilted").model["tilt"]
    quick = TrainingConfig.from_recipe("quick", initial=str(trained))
    assert quick.model == {**SMALL, "tilt": [10, 20, 30], "dropout": 0.1}


def test_fields_of_the_trained_models_of_the_package():
    small = trained_fields("modelnet40_small_so3", CloudClassifier, ARCHITECTURES)
    assert small == {"architecture": "csnn", "preset": "small"}
    paper = trained_fields("modelnet40_paper_z", CloudClassifier, ARCHITECTURES)
    assert paper["preset"] == "paper"
    assert paper["tilt"] == [-0.82, 2.28, 0.76]


def test_training_begins_with_the_weights(trained, shapes, tmp_path):
    still = config(trained, learning_rate=0.0, weight_decay=0.0, epochs=1)
    run = train(still, shapes, tmp_path / "run")
    before, after = (load_model(path, PointCloudClassifier) for path in (trained, run.last))
    assert after.class_names == shapes.class_names
    pairs = zip(weights_before_logits(before), weights_before_logits(after), strict=True)
    assert all(np.array_equal(one, two) for one, two in pairs)
    columns = [m.network.get_layer("logits").kernel.numpy() for m in (before, after)]
    np.testing.assert_array_equal(columns[0][:, :-1], columns[1][:, 2:])


def test_the_trained_model_is_measured_where_it_has_the_same_classes(trained, shapes, tmp_path):
    still = config(trained, learning_rate=0.0, weight_decay=0.0, epochs=1)
    first = train(still, shapes, tmp_path / "first")
    assert not (first.path / "initial.json").exists()
    again = train(
        config(first.last, learning_rate=0.0, weight_decay=0.0, epochs=1), shapes, tmp_path / "run"
    )
    assert again.read_json("initial.json").keys() == {"val_loss", "val_accuracy"}
    assert again.last.is_file()


def test_a_resumed_run_needs_the_trained_model_no_more(shapes, trained, tmp_path):
    moved = tmp_path / "moved.keras"
    moved.write_bytes(trained.read_bytes())
    whole = train(config(moved), shapes, tmp_path / "whole")

    class After(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        train(config(moved), shapes, tmp_path / "part", callbacks=[After()])
    moved.unlink()
    part = train(TrainingConfig.of_run(tmp_path / "part"), shapes, tmp_path / "part", resume=True)
    one, two = (load_model(run.last, PointCloudClassifier).get_weights() for run in (whole, part))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"preset": "tiny"}, "leave out preset"),
        ({"architecture": "pointnet"}, "leave out architecture"),
        ({"initial": "nowhere"}, "nowhere"),
        ({"initial": 3}, "initial"),
        ({"initial": "carbon_dos_small"}, "not a classifier"),
    ],
)
def test_bad_beginnings_are_named(changes, named, trained):
    with pytest.raises(InputError, match=named):
        TrainingConfig.from_recipe("finetune", **{"initial": str(trained), **changes})


def test_weights_that_do_not_fit_leave_no_folder(trained, shapes, tmp_path):
    wider = config(trained, hidden=[24])
    with pytest.raises(InputError, match="do not fit .*hidden0/kernel"):
        train(wider, shapes, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_configuration_of_another_preset_is_told_where_to_get_the_fields(shapes, tmp_path):
    initial = "modelnet40_small_so3"
    direct = TrainingConfig(data="shapes", preset="tiny", num_points=64, initial=initial)
    with pytest.raises(InputError, match=r"preset small, not tiny: TrainingConfig.from_recipe\("):
        train(direct, shapes, tmp_path / "run")

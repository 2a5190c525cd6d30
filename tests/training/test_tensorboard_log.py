"""Logs for TensorBoard hold what the history holds."""

from types import SimpleNamespace

import numpy as np
import pytest

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.training import tensorboard_log
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.tensorboard_log import TensorBoardLog
from csnn_tf.training.trainer import train
from tests.helpers import tensorflow_only

pytestmark = tensorflow_only


def test_scalars_confusion_matrix_and_shapes_are_logged(tmp_path):
    from tensorflow import make_ndarray

    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    shapes = builtin_shapes("train", 3, num_points=32)
    config = TrainingConfig.from_recipe(
        "quick", data="shapes", preset="tiny", num_points=32, epochs=2, hidden=[8], level=1,
        spheres=1, intra_filters=[4], intra_layers=[1], co_radial_filters=[4], co_radial_layers=[1],
    )  # fmt: skip
    log = TensorBoardLog(tmp_path / "logs", shapes.class_names)
    run = train(config, shapes, tmp_path / "run", callbacks=[log])
    events = reading.EventAccumulator(str(tmp_path / "logs"), size_guidance={"tensors": 0})
    events.Reload()
    tags = events.Tags()["tensors"]
    assert {"held_out/confusion_matrix", "held_out/shapes", "training/loss"} <= set(tags)
    header, *rows = (run.path / "history.csv").read_text().splitlines()
    column = header.split(",").index("val_loss")
    logged = events.Tensors("held_out/loss")
    assert [event.step for event in logged] == [1, 2]
    for event, row in zip(logged, rows, strict=True):
        value = float(make_ndarray(event.tensor_proto))
        assert value == pytest.approx(float(row.split(",")[column]), rel=1e-6)


def test_shapes_stand_as_they_were_trained(monkeypatch):
    pytest.importorskip("tensorboard")
    seen = []
    for name in ("confusion_pixels", "shapes_pixels"):
        monkeypatch.setattr(f"csnn_tf.plots.pixels.{name}", lambda *_, **given: seen.append(given))
    scores = SimpleNamespace(probabilities=lambda clouds: np.eye(2))
    held = SimpleNamespace(predictor=scores, clouds=np.zeros((2, 8, 3)), labels=np.arange(2))
    TensorBoardLog("logs", ("a", "b"), 2)._pictures(held)
    assert {"upright_axis": 2} in seen


def test_without_tensorboard_a_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard_log, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"csnn-tf\[tensorboard\]"):
        TensorBoardLog(tmp_path)

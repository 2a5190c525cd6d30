"""ONNX exports in their own runtime, and what other runtimes lack."""

import re

import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.export import ExportOptions, export_model
from csnn_tf.grid import random_rotations
from tests.export.conftest import CLASSES
from tests.helpers import clouds, long_run, numpy_of, relative

SIZES = [(1, 100), (3, 57), (2, 5)]


@pytest.fixture(scope="module")
def file(tiny_classifier, tmp_path_factory):
    path = tmp_path_factory.mktemp("portable") / "shapes.keras"
    tiny_classifier.save(path)
    return path


def _expected(model, points, votes: int) -> dict[str, np.ndarray]:
    if votes == 1:
        turned = [points]
    else:
        rotations = random_rotations(votes, np.random.default_rng(20))
        centred = points - points.mean(axis=1, keepdims=True)
        turned = [np.float32(centred @ matrix.T) for matrix in rotations]
    probabilities = np.mean([numpy_of(model.probabilities(cloud)) for cloud in turned], axis=0)
    return {
        "probabilities": probabilities,
        "logits": numpy_of(model(points)) if votes == 1 else np.log(probabilities),
        "embedding": np.mean([numpy_of(model.descriptor(cloud)) for cloud in turned], axis=0),
    }


def _check(run, model, votes: int) -> None:
    for size in SIZES:
        points = clouds(*size)
        outputs = run(points)
        for name, expected in _expected(model, points, votes).items():
            assert relative(outputs[name], expected) < 1e-5, name


@pytest.mark.parametrize("votes", [pytest.param(1, marks=long_run), 2])
def test_onnx(tiny_classifier, file, tmp_path, votes):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    options = ExportOptions(votes=votes)
    path = export_model(file, tmp_path, options=options, file_format="onnx").path
    session = onnxruntime.InferenceSession(path / "model.onnx")
    assert session.get_inputs()[0].shape == ["batch", "points", 3]
    labels = session.get_modelmeta().custom_metadata_map["labels"]
    assert labels.splitlines() == list(CLASSES)
    assert (path / "labels.txt").read_text("utf-8").splitlines() == list(CLASSES)
    names = [output.name for output in session.get_outputs()]
    card = (path / "model_card.md").read_text("utf-8")
    assert session.get_modelmeta().custom_metadata_map["model_card"] == card
    told = set(re.findall(r"`(\w+)`", card.partition("## Limits")[0]))
    assert told == {"points", *names}  # and nothing of signatures

    def run(points):
        return dict(zip(names, session.run(None, {"points": points}), strict=True))

    _check(run, tiny_classifier, votes)


def test_tflite_says_what_is_in_its_way(file, tmp_path):
    """Which operations its converter lacks may depend on TensorFlow's version."""
    message = r"the model cannot be converted to tflite: the converter lacks the operations [\w, ]+"
    with pytest.raises(InputError, match=rf"^{message}\.$"):
        export_model(file, tmp_path, file_format="tflite")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file_format", ["onnx", "tflite"])
def test_reduced_precision_is_refused(file, tmp_path, file_format):
    options = ExportOptions(precision="bfloat16")
    with pytest.raises(InputError, match=f"precision must be float32 for {file_format}"):
        export_model(file, tmp_path, options=options, file_format=file_format)
    assert not (tmp_path / "shapes").exists()


@pytest.mark.parametrize("name", ["top", "max_points", "max_clouds", "max_atoms"])
def test_choices_that_would_count_for_nothing(file, tmp_path, name):
    options = ExportOptions(**{name: 3})
    with pytest.raises(InputError, match=f"{name} counts for nothing in onnx, .*: leave it out"):
        export_model(file, tmp_path, options=options, file_format="onnx")
    assert not (tmp_path / "shapes").exists()


def test_formats_do_not_share_a_name(file, tmp_path):
    (tmp_path / "shapes" / "1").mkdir(parents=True)
    (tmp_path / "shapes" / "1" / "saved_model.pb").touch()
    with pytest.raises(InputError, match="choose another name"):
        export_model(file, tmp_path, file_format="tflite")


def test_a_failing_converter(file, tmp_path, monkeypatch):
    convert = pytest.importorskip("tf2onnx").convert

    def fail(*_, **__):
        raise RuntimeError("no such operation\nmore")

    monkeypatch.setattr(convert, "from_function", fail)
    with pytest.raises(InputError, match="cannot be converted to onnx: no such operation.$"):
        export_model(file, tmp_path, file_format="onnx")
    assert not (tmp_path / "shapes").exists()


def test_missing_converter(file, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tf2onnx", None)
    with pytest.raises(InputError, match=r"needs tf2onnx: pip install 'csnn-tf\[onnx\]'"):
        export_model(file, tmp_path, file_format="onnx")

"""Which JSON files are taken for the record of a model's training."""

import json
import shutil

import pytest

from csnn_tf.models import PointCloudClassifier
from csnn_tf.models.loading import trained_models, training_record

RECORD = {"preset": "tiny", "recipe": "paper", "model": {}, "epochs": 3}


@pytest.mark.parametrize(
    ("model", "record", "content", "taken"),
    [
        ("best", "config.json", RECORD, True),
        ("last", "config.json", RECORD, True),
        ("mine", "mine.json", RECORD, True),
        ("mine", "config.json", RECORD, True),
        ("best", "config.json", {"password": "secret"}, False),
        ("mine", "config.json", {"password": "secret"}, False),
        ("mine", "mine.json", {**RECORD, "epochs": "3"}, False),
        ("mine", "mine.json", [RECORD], False),
    ],
)
def test_only_records_of_the_training_are_taken(tmp_path, model, record, content, taken):
    """Any config.json beside a model was, and ended in its model card."""
    (tmp_path / f"{model}.keras").touch()
    (tmp_path / record).write_text(json.dumps(content))
    assert training_record(tmp_path / f"{model}.keras") == (content if taken else {})


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        ({"classes": ["a", "b"]}, True),
        ({"classes": ["b", "a"]}, False),
        ({"classes": ["a", "b", "c"]}, False),
        ({"elements": ["C"]}, True),  # of which a classifier says nothing
        ({}, True),
    ],
)
def test_a_record_is_of_the_same_classes(tmp_path, found, taken):
    """A copy in its run folder was measured as if nobody knew what it was trained on."""
    path = tmp_path / "chairs.keras"
    PointCloudClassifier.from_preset("tiny", class_names=["a", "b"]).save(path)
    (tmp_path / "config.json").write_text(json.dumps({**RECORD, **found}))
    assert training_record(path) == ({**RECORD, **found} if taken else {})


@pytest.mark.parametrize(("elements", "taken"), [(["C"], True), (["H", "C"], False)])
def test_a_record_is_of_the_same_elements(tmp_path, elements, taken):
    path = tmp_path / "carbon.keras"
    shutil.copy(trained_models()["carbon_dos_small"], path)
    (tmp_path / "config.json").write_text(json.dumps({**RECORD, "elements": elements}))
    assert bool(training_record(path)) is taken


def test_trained_models_have_one():
    assert all(training_record(name) for name in trained_models())

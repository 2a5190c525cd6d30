"""Which JSON files are taken for the record of a model's training."""

import json

import pytest

from csnn_tf.models.loading import trained_models, training_record

RECORD = {"preset": "tiny", "recipe": "paper", "model": {}, "epochs": 3}


@pytest.mark.parametrize(
    ("model", "record", "content", "taken"),
    [
        ("best", "config.json", RECORD, True),
        ("last", "config.json", RECORD, True),
        ("mine", "mine.json", RECORD, True),
        ("mine", "config.json", RECORD, False),
        ("best", "config.json", {"password": "secret"}, False),
        ("mine", "mine.json", {**RECORD, "epochs": "3"}, False),
        ("mine", "mine.json", [RECORD], False),
    ],
)
def test_only_records_of_the_training_are_taken(tmp_path, model, record, content, taken):
    """Any config.json beside a model was, and ended in its model card."""
    (tmp_path / f"{model}.keras").touch()
    (tmp_path / record).write_text(json.dumps(content))
    assert training_record(tmp_path / f"{model}.keras") == (content if taken else {})


def test_trained_models_have_one():
    assert all(training_record(name) for name in trained_models())

"""The options of `csnn-tf export`; tests/export/test_exporter.py has the export itself."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from csnn_tf.cli import export as command
from csnn_tf.errors import InputError
from csnn_tf.export import Exported, ExportOptions


@pytest.fixture
def run(monkeypatch):
    calls = []

    def stand_in(model, folder, **choices):
        calls.append((model, folder, choices))
        return Exported(Path(folder) / "name" / "3", ("No warm-up.",))

    monkeypatch.setattr(command, "export_model", stand_in)

    def invoke(*arguments):
        result = CliRunner().invoke(command.export_command, list(arguments))
        return result, calls

    return invoke


def test_defaults(run):
    result, [call] = run("runs/a", "served")
    assert call == (
        "runs/a",
        Path("served"),
        {"name": None, "version": None, "options": ExportOptions(), "file_format": "savedmodel"},
    )
    assert result.stdout == "served/name/3\n"
    assert result.stderr == "No warm-up.\n"


def test_every_option(run):
    _, [(*_, choices)] = run(
        *("a.keras", "served", "--name", "parts", "--version", "7", "--votes", "4", "--no-fold"),
        *("--precision", "bfloat16", "--top", "2", "--max-points", "9", "--max-clouds", "8"),
        *("--max-atoms", "7", "--format", "onnx"),
    )
    assert choices == {
        "name": "parts",
        "version": 7,
        "options": ExportOptions(4, "bfloat16", False, 2, 9, 8, 7),
        "file_format": "onnx",
    }


def test_bad_option(run):
    result, calls = run("a.keras", "served", "--votes", "0")
    assert isinstance(result.exception, InputError)
    assert "votes" in str(result.exception)
    assert calls == []

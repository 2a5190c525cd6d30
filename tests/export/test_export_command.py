"""The options of `csnn-tf export`; tests/export/test_exporter.py has the export itself."""

import errno
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

import csnn_tf_command
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
        {
            "name": None,
            "version": None,
            "options": ExportOptions(),
            "file_format": "savedmodel",
            "other_labels": False,
        },
    )
    assert result.stdout == "served/name/3\n"
    assert result.stderr == "No warm-up.\n"


def test_every_option(run):
    _, [(*_, choices)] = run(
        *("a.keras", "served", "--name", "parts", "--version", "7", "--votes", "4", "--no-fold"),
        *("--precision", "bfloat16", "--top", "2", "--max-points", "9", "--max-clouds", "8"),
        *("--max-atoms", "7", "--format", "onnx", "--other-labels"),
    )
    assert choices == {
        "name": "parts",
        "version": 7,
        "options": ExportOptions(4, "bfloat16", False, 2, 9, 8, 7),
        "file_format": "onnx",
        "other_labels": True,
    }


def test_a_terminated_export_cleans_up(monkeypatch):
    """As one that Ctrl-C ends does."""
    cleaned, before = [], signal.getsignal(signal.SIGTERM)

    def terminated(*_, **__):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            cleaned.append(True)

    monkeypatch.setattr(command, "export_model", terminated)
    result = CliRunner().invoke(command.export_command, ["a.keras", "served"])
    assert (result.exit_code, cleaned) == (128 + signal.SIGTERM, [True])
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_full_output(monkeypatch, capsys):
    """The system's error is of no file then."""

    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(csnn_tf_command, "cli", full)
    with pytest.raises(SystemExit) as ended:
        csnn_tf_command.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "csnn-tf: No space left on device.\n"


def test_bad_option(run):
    result, calls = run("a.keras", "served", "--votes", "0")
    assert isinstance(result.exception, InputError)
    assert "votes" in str(result.exception)
    assert calls == []

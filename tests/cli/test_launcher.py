"""The installed command as a process, and what it does before any command runs."""

import io
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import csnn_tf_command
from tests.cli.running import run
from tests.helpers import long_run


def test_the_real_command_ends_bad_input_with_status_2_and_one_line(tmp_path):
    command = [os.path.join(os.path.dirname(sys.executable), "csnn-tf")]
    command += ["train", "modelnet", "--data", "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "nowhere" in done.stderr
    assert not list(tmp_path.iterdir())


def test_nothing_is_silenced_where_stderr_is_closed(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with csnn_tf_command._silenced():
        pass


@long_run
def test_the_real_command_runs_with_a_closed_stderr():
    code = "import sys; from csnn_tf_command import main; main()"
    command = [sys.executable, "-c", code, "data", "--help"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", *command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Get or make data sets" in done.stdout) == (0, True)


def test_a_name_that_is_not_utf8_is_printed(monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), "utf-8", "strict")
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(csnn_tf_command, "cli", lambda: click.echo("in caf\udce9"))
    csnn_tf_command.main()
    assert stdout.buffer.getvalue() == b"in caf\\udce9\n"


class ResourceExhaustedError(Exception):
    """Called as TensorFlow's."""


@pytest.mark.parametrize(
    ("error", "is_told"),
    [
        (MemoryError(), True),
        (ResourceExhaustedError("OOM when allocating tensor"), True),
        (ResourceExhaustedError("run.v2; No space left on device"), False),
        (ResourceExhaustedError("run.v2; Too many open files"), False),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory"), True),
        (RuntimeError("Exception when calling Conv.\nRESOURCE_EXHAUSTED: Out of memory"), True),
        (RuntimeError("another one"), False),
    ],
)
def test_too_little_memory_is_one_line(monkeypatch, capsys, error, is_told):
    def ends():
        raise error

    monkeypatch.setattr(csnn_tf_command, "cli", ends)
    with pytest.raises(SystemExit if is_told else type(error)) as caught:
        csnn_tf_command.main()
    if is_told:
        assert caught.value.code == 2
        assert capsys.readouterr().err == "csnn-tf: there is not enough memory for this.\n"


def test_an_interruption_while_a_command_loads_has_its_status(monkeypatch):
    def stopped(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(csnn_tf_command, "_loaded", stopped)
    result = CliRunner().invoke(csnn_tf_command.cli, ["data"])
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


def test_help_needs_neither_keras_nor_tensorflow():
    code = (
        "import sys; from csnn_tf_command import cli; cli(['--help'], standalone_mode=False);"
        "assert not {'keras', 'tensorflow', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "train" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian", "shapes"], "there is no command 'trian': did you mean train?"),
        (["--nothing"], "No such option"),
        (["fly"], "No such command 'fly'"),
        (["train", "--seed", 1, "dos"], "dos stands before the options"),
        (["train", "shape"], "'modelnet', 'shapes', 'dos'"),
    ],
)
def test_mistyped_commands(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output

"""scripts/serve.sh with a stand-in for Docker that prints what it is asked to do."""

import csv
import io
import os
import subprocess

import pytest

from tests.export.conftest import HERE

SERVE = HERE.parents[1] / "scripts" / "serve.sh"


@pytest.fixture
def serve(tmp_path):
    stand_in = tmp_path / "docker"
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    stand_in.chmod(0o755)

    def run(*arguments, cwd=None, **settings):
        return subprocess.run(
            [SERVE, *arguments],
            cwd=cwd,
            env={**os.environ, "CONTAINER": str(stand_in), **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_starts_the_official_image_on_the_folder(serve, tmp_path):
    folder = tmp_path / "my models"
    folder.mkdir()
    (folder / "models.config").touch()
    started = serve(folder, "--enable_batching")
    assert started.returncode == 0
    arguments = started.stdout.splitlines()
    assert arguments[:3] == ["run", "--rm", "--init"]
    assert f"type=bind,source={folder},target=/models,readonly" in arguments
    assert "127.0.0.1:8501:8501" in arguments
    image = arguments.index("tensorflow/serving")
    assert "--model_config_file=/models/models.config" in arguments[image:]
    assert arguments[-1] == "--enable_batching"
    opened = serve(folder, HOST="0.0.0.0", REST_PORT="9000", IMAGE="tensorflow/serving:2.19.0")
    assert "0.0.0.0:9000:8501" in opened.stdout
    assert "tensorflow/serving:2.19.0" in opened.stdout.splitlines()


@pytest.mark.parametrize("name", ["one,two", 'a "b"', 'both,"x', "new\nline"])
def test_the_option_is_a_row_of_csv(serve, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "models.config").touch()
    started = serve(name, cwd=tmp_path, CDPATH=str(tmp_path))
    _, option = started.stdout.split("--mount\n")
    row = next(csv.reader(io.StringIO(option)))
    assert row == ["type=bind", f"source={folder}", "target=/models", "readonly"]


def test_no_docker(serve, tmp_path):
    (tmp_path / "models.config").touch()
    failed = serve(tmp_path, CONTAINER="no-such-command")
    assert failed.returncode == 127
    assert failed.stderr == (
        "serve.sh: no-such-command is not installed: scripts/serve_kserve.py serves without it\n"
    )


def test_says_what_is_missing(serve, tmp_path):
    failed = serve(tmp_path)
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 1
    assert "models.config" in failed.stderr
    usage = serve()
    assert usage.returncode == 2
    assert "scripts/serve.sh DIR" in usage.stderr
    assert "pipefail" not in usage.stderr

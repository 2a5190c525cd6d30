"""Two processes never train in one folder."""

import errno
import os
import subprocess
import sys

import pytest

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.training import run_lock
from csnn_tf.training.trainer import train
from tests.helpers import eagerly
from tests.training.test_trainer import config

pytestmark = eagerly
pytest.importorskip("fcntl", reason="systems without it have no locks")

HOLDS = """
import fcntl, sys, time
file = open(sys.argv[1], "r+b")
fcntl.flock(file, fcntl.LOCK_EX)
print("holds", flush=True)
time.sleep(600)
"""


def test_a_folder_that_another_process_trains_in_is_refused(tmp_path):
    shapes = builtin_shapes("train", 2, num_points=64)
    run = train(config(epochs=1), shapes, tmp_path / "run")
    files = sorted(run.path.iterdir())
    written = run.path / ".best-abcdefgh.keras"
    written.touch()
    command = [sys.executable, "-c", HOLDS, str(run.path / "config.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "holds\n"
        with pytest.raises(InputError, match=r"another process trains in .*run: wait"):
            train(config(epochs=2), shapes, run.path, resume=True)
        assert written.exists()
        other.kill()
    train(config(epochs=2), shapes, run.path, resume=True)
    assert sorted(run.path.iterdir()) == sorted([*files, run.path / "resumed.json"])


def test_it_ends_while_a_forked_process_goes_on(tmp_path, monkeypatch):
    held = []

    def opened(*arguments):
        file = open(*arguments)  # noqa: SIM115 - which the lock closes
        held.append(os.dup(file.fileno()))  # as a fork does
        return file

    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(run_lock, "open", opened, raising=False)
    with run_lock.locked(tmp_path):
        pass
    with pytest.raises(InputError), run_lock.locked(tmp_path), run_lock.locked(tmp_path):
        pass
    for handle in held:
        os.close(handle)


def test_systems_without_locks_train(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(run_lock.fcntl, "flock", refused)
    with run_lock.locked(tmp_path):  # no config.json to lock
        pass
    (tmp_path / "config.json").write_text("{}")
    with run_lock.locked(tmp_path), run_lock.locked(tmp_path):
        pass
    monkeypatch.setattr(run_lock, "fcntl", None)
    with run_lock.locked(tmp_path), run_lock.locked(tmp_path):
        pass

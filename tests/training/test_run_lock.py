"""Two processes never train in one folder."""

import errno
import os
import subprocess
import sys
from contextlib import ExitStack

import keras
import pytest

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.training import run_folder, run_lock
from csnn_tf.training.trainer import train
from tests.helpers import eagerly
from tests.training.test_trainer import config

pytestmark = eagerly
pytest.importorskip("fcntl", reason="systems without it have no locks")

HOLDS = """
import fcntl, os, sys, time
file = os.open(sys.argv[1], os.O_RDONLY)
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
    (run.path / ".test_history-abcdefgh.csv").touch()
    command = [sys.executable, "-c", HOLDS, str(run.path / "config.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "holds\n"
        with pytest.raises(InputError, match=r"another process trains in .*run: wait"):
            train(config(epochs=2), shapes, run.path, resume=True)
        assert written.exists()
        other.kill()
    train(config(epochs=2), shapes, run.path, resume=True)
    assert sorted(run.path.iterdir()) == sorted([*files, run.path / "resumed.json"])


def test_a_folder_in_which_another_process_begins_is_refused(tmp_path):
    shapes = builtin_shapes("train", 2, num_points=64)
    run = tmp_path / "run"
    run.mkdir()
    command = [sys.executable, "-c", HOLDS, str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "holds\n"
        with pytest.raises(InputError, match=r"another process trains in .*run: wait"):
            train(config(epochs=1), shapes, run)
        assert not list(run.iterdir())
        other.kill()


def test_what_trains_leaves_the_folder_itself_to_exports(tmp_path):
    exported = []

    class Export(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            with run_lock.locked(tmp_path / "run"):
                exported.append(epoch)

    shapes = builtin_shapes("train", 2, num_points=64)
    train(config(epochs=1), shapes, tmp_path / "run", callbacks=[Export()])
    assert exported == [0]


def test_of_two_runs_that_begin_in_a_folder_one_does(tmp_path, monkeypatch):
    def finds_it_begun(path):
        (path / "config.json").write_text("{}")  # between the first look and the lock
        return run_lock.locked(path)

    monkeypatch.setattr(run_folder, "locked", finds_it_begun)
    with ExitStack() as locks, pytest.raises(InputError, match="run exists already: choose"):
        run_folder.RunFolder.create(tmp_path / "run", locks)


def test_it_ends_while_a_forked_process_goes_on(tmp_path, monkeypatch):
    held, plain = [], os.open

    def opened(*arguments):
        handle = plain(*arguments)
        held.append(os.dup(handle))  # as a fork does
        return handle

    file = tmp_path / "config.json"
    file.write_text("{}")
    with monkeypatch.context() as patch:
        patch.setattr(run_lock.os, "open", opened)
        for path in (file, tmp_path):
            with run_lock.locked(path):
                pass
            with pytest.raises(InputError), run_lock.locked(path), run_lock.locked(path):
                pass
    for handle in held:
        os.close(handle)


def test_systems_without_locks_train(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(run_lock.fcntl, "flock", refused)
    file = tmp_path / "config.json"
    with run_lock.locked(file):  # nothing to lock
        pass
    file.write_text("{}")
    with run_lock.locked(file), run_lock.locked(file), run_lock.locked(tmp_path):
        pass
    monkeypatch.setattr(run_lock, "fcntl", None)
    with run_lock.locked(file), run_lock.locked(file):
        pass

"""Several processes train as one does, end when one of them is killed, and go on afterwards."""

import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from csnn_tf.errors import InputError
from csnn_tf.training.distribution import Distribution, distributed
from csnn_tf_command import cli

WORKER = """
import pathlib, sys, time
import keras
from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.training.distribution import distributed
from csnn_tf.training.trainer import train
from tests.training.test_trainer import config

out, waits, *group = sys.argv[1:]

class Wait(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if waits == "waits" and epoch == 2:
            time.sleep(3600)

group = (group[0], int(group[1]), int(group[2])) if group else ()
with distributed(*group) as part:
    train(config(epochs=4, batch_size=8, dropout=0.3), builtin_shapes("train", 4, num_points=64),
          out, resume=pathlib.Path(out, "checkpoint.npz").exists(), callbacks=[Wait()],
          distribution=part)
"""


def start(out, *group, waits=False):
    command = [sys.executable, "-c", WORKER, str(out), "waits" if waits else "works", *group]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


def start_two(out, second_waits=False):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    return [start(out, place, "2", str(i), waits=second_waits and i == 1) for i in range(2)]


def finish(*processes):
    for process in processes:
        _, messages = process.communicate(timeout=540)
        assert process.returncode == 0, messages


def curve(out):
    with open(out / "history.csv", newline="") as file:
        return [[float(row["loss"]), float(row["val_loss"])] for row in csv.DictReader(file)]


@pytest.mark.slow
def test_two_processes_train_as_one_and_outlive_a_killed_one(tmp_path):
    finish(start(tmp_path / "one"))
    expected = curve(tmp_path / "one")
    assert len(expected) == 4

    out = tmp_path / "two"
    first, second = start_two(out, second_waits=True)
    while len(curve(out) if (out / "history.csv").exists() else []) < 2:
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.1)
    second.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    messages = first.communicate(timeout=540)[1]
    assert time.monotonic() - killed < 60
    assert first.returncode == 1
    assert "cannot go on without the others" in messages
    assert "--resume" in messages
    second.communicate()
    np.testing.assert_allclose(curve(out), expected[:2], rtol=1e-4)

    shutil.copytree(out, tmp_path / "again")
    finish(start(out))
    np.testing.assert_allclose(curve(out), expected, rtol=1e-4)
    finish(*start_two(tmp_path / "again"))
    np.testing.assert_allclose(curve(tmp_path / "again"), expected, rtol=1e-4)


def test_rows_are_shared_evenly():
    assert Distribution(2, 0).rows(8) == slice(0, 4)
    assert Distribution(2, 1).rows(8) == slice(4, 8)
    assert Distribution().rows(7) == slice(0, 7)


@pytest.mark.parametrize(
    "group", [("nowhere", 2, 0), ("a:1", None, None), ("a:1", 2, 2), ("a:0", 2, 0), ("a:1", 0, 0)]
)
def test_what_does_not_fit_together_is_refused(group, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match="--coordinator|--process-id"), distributed(*group):
        pass


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="about the other backends")
def test_other_backends_point_to_jax(tmp_path):
    arguments = ["train", "shapes", "--distribute", "--out", str(tmp_path / "run")]
    with pytest.raises(InputError, match="KERAS_BACKEND=jax"):
        CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert not (tmp_path / "run").exists()

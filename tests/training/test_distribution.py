"""Several processes train as one does, end when one of them is killed, and go on afterwards."""

import csv
import importlib.util
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

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.models import PointCloudClassifier
from csnn_tf.models.loading import load_model
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.distribution import Distribution, distributed
from csnn_tf.training.validation import Validation
from csnn_tf_command import cli
from tests.helpers import long_run
from tests.training.killing import KILLS

LONG = KILLS > 0
"""Go on with two processes as well as with one."""
FLAGS = "" if LONG else os.environ.get("XLA_FLAGS", "")  # of all processes that are compared
CASES = 4 if LONG else 1
"""Kill the first process too, and one while the other is busy by itself."""
WORKER = """
import contextlib, pathlib, sys, time
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

settings = config(epochs=4, batch_size=8, dropout=0.3, per_class=4)
several = distributed(group[0], int(group[1]), int(group[2])) if group else None
with several or contextlib.nullcontext() as part:
    train(settings, builtin_shapes("train", 4, num_points=64), out,
          resume=pathlib.Path(out, "checkpoint.npz").exists(), callbacks=[Wait()],
          distribution=part)
"""


def start(out, *group, waits=False):
    return popen(["-c", WORKER, str(out), "waits" if waits else "works", *group])


def resume_on_two_devices(out):
    """By the command line, in one process."""
    command = "from csnn_tf_command import main; main()"
    arguments = ["-c", command, "train", "shapes", "--out", str(out), "--resume", "--distribute"]
    return popen(arguments, devices="--xla_force_host_platform_device_count=2")


def popen(arguments, devices=""):
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": f"{FLAGS} {devices}".strip()},
    )


def start_two(out, waits=()):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    return [start(out, place, "2", str(i), waits=i in waits) for i in range(2)]


def finish(*processes):
    for process in processes:
        _, messages = process.communicate(timeout=540)
        assert process.returncode == 0, messages


def curve(out):
    with open(out / "history.csv", newline="") as file:
        return [[float(row["loss"]), float(row["val_loss"])] for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """The run of one process on one device."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("processes train together on JAX only")
    out = tmp_path_factory.mktemp("one") / "run"
    finish(start(out))
    return out


@pytest.fixture(scope="module")
def expected(one):
    found = curve(one)
    assert len(found) == 4
    return found


@pytest.mark.slow
@long_run
def test_a_model_trained_on_jax_gives_the_same_here(one, expected):
    settings = TrainingConfig.of_run(one)
    shapes = builtin_shapes("train", 4, num_points=64)
    _, held_out = shapes.split(settings.validation, settings.seed)
    model = load_model(one / "last.keras", PointCloudClassifier)
    found = Validation(model, held_out, settings)()
    assert found["val_loss"] == pytest.approx(expected[-1][1], rel=1e-5)


@pytest.mark.slow
@long_run
@pytest.mark.parametrize(("killed", "idle"), [(1, ()), (0, ()), (0, (1,)), (1, (0,))][:CASES])
def test_two_processes_train_as_one_and_outlive_a_killed_one(tmp_path, expected, killed, idle):
    out, other = tmp_path / "two", 1 - killed
    processes = start_two(out, waits=(killed, *idle))
    while len(curve(out) if (out / "history.csv").exists() else []) < 2:
        for process in processes:
            assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    time.sleep(1)  # The one that is to live waits for the other by now, or is busy by itself.
    processes[killed].send_signal(signal.SIGKILL)
    start_of_silence = time.monotonic()
    messages = processes[other].communicate(timeout=540)[1]
    assert time.monotonic() - start_of_silence < 60
    # JAX may notice before Python does, or alone if this process is busy by itself: an abort.
    aborted = processes[other].returncode == -signal.SIGABRT
    assert aborted or processes[other].returncode == 1
    assert aborted or "cannot go on without the others" in messages
    assert f"csnn-tf: process {other} " in messages
    assert "start all processes again with --resume" in messages
    processes[killed].communicate()
    np.testing.assert_allclose(curve(out), expected[:2], rtol=1e-4)

    if LONG:
        again = shutil.copytree(out, tmp_path / "again")
        finish(*start_two(again))
        np.testing.assert_allclose(curve(again), expected, rtol=1e-4)
    finish(resume_on_two_devices(out))
    np.testing.assert_allclose(curve(out), expected, rtol=1e-4)


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

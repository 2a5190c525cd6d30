"""A run that is stopped and resumed ends as if it had never been stopped."""

import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.training.trainer import train
from tests.training.test_trainer import config


def weights(path):
    return keras.models.load_model(path, compile=False).get_weights()


def same(one, two):
    return all((a == b).all() for a, b in zip(weights(one), weights(two), strict=True))


class StopAfter(keras.callbacks.Callback):
    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epochs:
            raise KeyboardInterrupt


@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
def test_resumed_run_equals_the_undisturbed_one_to_the_bit(tmp_path, schedule):
    shapes = builtin_shapes("train", 4, num_points=64)
    # Dropout and augmentation draw random numbers, so they must go on where they stopped.
    settings = config(epochs=4, dropout=0.4, schedule=schedule)
    whole = train(settings, shapes, tmp_path / "whole")
    for stop in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            train(
                settings,
                shapes,
                tmp_path / "parts",
                resume=(tmp_path / "parts").exists(),
                callbacks=[StopAfter(stop)],
            )
    parts = train(settings, shapes, tmp_path / "parts", resume=True)
    assert same(whole.last, parts.last)
    assert same(whole.best, parts.best)
    columns = [
        [line.rsplit(",", 1)[0] for line in (run.path / "history.csv").read_text().splitlines()]
        for run in (whole, parts)
    ]
    assert columns[0] == columns[1]
    # A finished run has nothing left to do.
    before = parts.last.stat().st_mtime_ns
    train(settings, shapes, tmp_path / "parts", resume=True)
    assert parts.last.stat().st_mtime_ns == before


def test_damaged_checkpoint_is_named(tmp_path):
    shapes = builtin_shapes("train", 3, num_points=64)
    run = train(config(epochs=1), shapes, tmp_path / "run")
    path = run.path / "checkpoint.npz"
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"PK\x03\x04" + bytes(50)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"checkpoint\.npz"):
            train(config(epochs=2), shapes, tmp_path / "run", resume=True)


SCRIPT = """
import sys
from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.training.trainer import train
from tests.training.test_trainer import config
import pathlib
out = pathlib.Path(sys.argv[1])
train(config(epochs=6, dropout=0.4), builtin_shapes("train", 4, num_points=64), out,
      resume=out.exists())
"""
KILLS = int(os.environ.get("CSNN_TF_KILLS", "1"))


@pytest.mark.slow
def test_killed_runs_resume_to_the_same_weights(tmp_path):
    whole = train(
        config(epochs=6, dropout=0.4), builtin_shapes("train", 4, num_points=64), tmp_path / "whole"
    )
    rng = np.random.default_rng(0)
    out = tmp_path / "killed"
    command = [sys.executable, "-c", SCRIPT, str(out)]
    for _ in range(KILLS):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while process.poll() is None and not (out / "checkpoint.npz").exists():
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 1.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in (out / "last.keras", out / "best.keras"):
            weights(path)  # readable whenever it was killed
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert same(whole.last, out / "last.keras")

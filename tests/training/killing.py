"""Runs in a process of their own that are killed, now at any moment, now while they save."""

import os
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGKILL

import keras
import numpy as np

KILLS = int(os.environ.get("CSNN_TF_KILLS", "0"))
"""How often each run is killed; without it once, while it saves its second epoch."""
EPOCHS = 4 + 8 * KILLS
"""Of a run that is killed: more than it gets through meanwhile."""

# Every file is saved by touch, fsync, replace and fsync of the folder. The run kills itself
# before the given one of these calls; without one it tells of its epochs.
CHILD = """
import os, pathlib, signal, sys
import keras
from {module} import run_to_kill

fatal, calls = int(sys.argv[2]), 0

def counted(real):
    def call(*args, **options):
        global calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)
    return call

class Watch(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        pathlib.Path.touch, os.fsync, os.replace = map(
            counted, (pathlib.Path.touch, os.fsync, os.replace))

    def on_epoch_begin(self, epoch, logs=None):
        print(epoch, flush=True)

run_to_kill(pathlib.Path(sys.argv[1]), [Watch()])
"""
SAVING = 16
"""At most so many calls save an epoch, four for each of last, checkpoint, best and history."""
MIDST = SAVING + 10
"""A call that flushes what follows the second epoch's checkpoint: the best model or the history."""


def kill(module: str, out: Path, moments: np.random.Generator, *, first: bool) -> None:
    """Start or resume the run `module` makes in `out`, and kill it; one epoch is finished then."""
    saving = bool(moments.integers(2))
    fatal = int(moments.integers(1, 2 * SAVING)) + (SAVING if first else 0)
    command = [sys.executable, "-c", CHILD.format(module=module), str(out)]
    if not KILLS:
        saving, fatal = True, MIDST
    with subprocess.Popen(
        [*command, str(fatal if saving else 0)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        if not saving:
            for _ in range(2 if first else moments.integers(1, 3)):
                process.stdout.readline()
            time.sleep(moments.uniform(0, 0.5))
            process.kill()
        process.stdout.read()  # until it is gone; a closed pipe would stop it otherwise
    assert process.returncode == -SIGKILL, "the run ended by itself"
    check_readable(out)


def check_readable(out: Path) -> None:
    """Every file that a run keeps is whole."""
    for name in ("last.keras", "best.keras"):
        keras.models.load_model(out / name, compile=False)
    with np.load(out / "checkpoint.npz", allow_pickle=False) as stored:
        assert all(stored[name].size for name in stored.files if name != "state")
        assert len(stored["state"]) > 0
    assert (out / "history.csv").read_text().endswith("\n")


def left_over(out: Path) -> list[str]:
    """Files that were being written when a run was killed."""
    return [path.name for path in out.iterdir() if path.name.startswith(".")]


def killed_and_whole(module: str, run_to_kill, folder: Path, seed: int):
    """The run of a module that was killed again and again, and the same one undisturbed."""
    out, moments = folder / "killed", np.random.default_rng(seed)
    for number in range(max(KILLS, 1)):
        kill(module, out, moments, first=number == 0)
    return run_to_kill(out), run_to_kill(folder / "whole")

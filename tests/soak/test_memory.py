"""Memory stays flat over many predictions and many epochs; `make soak` for as long as it takes."""

import gc
import os

import keras
import numpy as np
import pytest

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.inference import Predictor
from csnn_tf.models import PointCloudClassifier
from csnn_tf.training.trainer import train
from tests.helpers import ONE_LEVEL, long_run
from tests.training.test_trainer import config

SHAPES = int(os.environ.get("CSNN_TF_SOAK_SHAPES", "6000"))
EPOCHS = int(os.environ.get("CSNN_TF_SOAK_EPOCHS", "12"))
WARM_UP = 0.3
"""Share of a soak that goes by before the first look."""
GROWTH = 0.02
"""Share of the memory after warm-up by which it may grow."""

pytestmark = [
    long_run,
    pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read from /proc"),
]


def resident():
    """Memory of this process, bytes."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def check_flat(memory, what):
    memory = np.asarray(memory) / 1e6
    warm = memory[int(WARM_UP * len(memory)) :]
    found = f"{warm[0]:.1f} MB after warm-up, {warm.max():.1f} at most, {warm[-1]:.1f} at the end"
    print(f"\n{what}: {found}")
    assert np.median(warm[-3:]) < (1 + GROWTH) * warm[0]


@pytest.mark.slow
def test_predictions():
    rng = np.random.default_rng(0)
    fields = {**ONE_LEVEL, "hidden": [16], "spheres": 2}
    model = PointCloudClassifier.from_preset("tiny", num_classes=16, **fields)
    predictor, memory, done = Predictor(model, batch_size=256), [], 0
    requests = max(SHAPES // 1000, 10)
    for _ in range(requests):
        sizes = rng.integers(1, 65, SHAPES // requests)
        clouds = [rng.normal(size=(size, 3)).astype(np.float32) for size in sizes]
        logits = predictor.logits(clouds)
        assert np.isfinite(logits).all()
        done += len(logits)
        memory.append(resident())
    assert done == SHAPES // requests * requests
    check_flat(memory, f"{done} predictions")


class Watch(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.memory = []

    def on_epoch_end(self, epoch, logs=None):
        if epoch % max(1, EPOCHS // 500) == 0:  # looking takes longer than such an epoch
            self.memory.append(resident())


@pytest.mark.slow
def test_epochs(tmp_path):
    watch = Watch()
    settings = config(epochs=EPOCHS, batch_size=16, dropout=0.2)
    train(settings, builtin_shapes("train", 2, num_points=32), tmp_path / "run", callbacks=[watch])
    assert len(watch.memory) >= min(EPOCHS, 500)
    rows = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert len(rows) == EPOCHS + 1
    check_flat(watch.memory, f"{EPOCHS} epochs")

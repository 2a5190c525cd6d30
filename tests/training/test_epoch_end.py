"""The end of an epoch, on a model of one weight."""

import keras
import pytest

from csnn_tf.training.epoch_end import EpochEnd
from csnn_tf.training.schedules import Plateau
from csnn_tf.training.silent_run import SilentRun


@pytest.mark.parametrize("first", [1e-2, 1e-3, 1e-4, 1e-5])
def test_the_plateau_schedule_trains_at_the_smallest_rate(first, tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(first), loss="mse")
    ending = EpochEnd(model, SilentRun(tmp_path), None, Plateau(patience=0), 1e-5)
    ending.set_model(model)
    for epoch in range(9):
        ending.on_epoch_begin(epoch)
        ending.on_epoch_end(epoch, {"loss": 1.0})
        if ending.finished:
            break
    assert ending.rows[-1]["learning_rate"] == pytest.approx(1e-5)

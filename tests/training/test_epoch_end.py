"""The end of an epoch, on a model of one weight."""

import os

import keras
import numpy as np
import pytest

from csnn_tf.training.checkpoint import CHECKPOINT, Checkpoint
from csnn_tf.training.epoch_end import EpochEnd
from csnn_tf.training.run_folder import RunFolder, history_numbers
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


@pytest.mark.parametrize("stopped_at", ["last", "checkpoint", "best", "history"])
def test_the_best_model_is_of_an_epoch_that_the_run_has(stopped_at, tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer="sgd", loss="mse")
    model.optimizer.build(model.trainable_variables)
    run = RunFolder(tmp_path)

    def begin():
        ending = EpochEnd(model, run, None, None, 0.0)
        checkpoint = Checkpoint(tmp_path / CHECKPOINT, ending)
        ending.set_model(model)
        checkpoint.set_model(model)
        return ending, checkpoint

    def epoch(number, loss, ending, checkpoint):
        model.set_weights([np.array([[loss]])])
        for callback in (ending, checkpoint):
            callback.on_epoch_begin(number)
            callback.on_epoch_end(number, {"loss": loss})

    def stop(source, target):
        if target.stem == stopped_at:
            raise KeyboardInterrupt
        return replace(source, target)

    callbacks, replace = begin(), os.replace
    epoch(0, 2.0, *callbacks)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", stop)
        with pytest.raises(KeyboardInterrupt):
            epoch(1, 1.0, *callbacks)
    callbacks = begin()
    if callbacks[1].restore(model) == 1:
        epoch(1, 3.0, *callbacks)  # as on another machine
    losses = [row["loss"] for row in history_numbers(tmp_path / "history.csv")]
    assert len(losses) == 2
    best = keras.models.load_model(run.best, compile=False)
    assert best.get_weights()[0].item() == min(losses)

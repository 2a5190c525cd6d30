"""Stops a run at the first step whose loss is no number."""

import threading
from collections.abc import Sequence
from typing import NoReturn

import keras
import numpy as np

from csnn_tf.data.batches import BatchPlan
from csnn_tf.errors import InputError

_SHOWN = 5


class FiniteLoss(keras.callbacks.Callback):
    """Ends the run with an `InputError` that names the step and the batch.

    The loss that Keras reports is the mean over the epoch so far, which stays NaN once a step's is:
    the first step where it is not finite is the one. What the run has on disk is of the last
    finished epoch and stays as it is: this callback comes before those that write.

    Args:
        plan: The order of the run.
        names: Name of every training shape or structure, such as its file.
    """

    async_safe = True
    """Keras may call `on_train_batch_end` from other threads: the next step need not wait for it.

    A read of the loss waits for the device, which on a GPU would idle meanwhile.
    """

    def __init__(self, plan: BatchPlan, names: Sequence[str]) -> None:
        super().__init__()
        self.plan, self.names = plan, names
        self._lock = threading.Lock()
        self.on_epoch_begin(0)

    def on_epoch_begin(self, epoch, logs=None):
        """Nothing has gone wrong yet."""
        self._epoch, self._finite = epoch, 0
        self._first: tuple[int, float] | None = None

    def on_train_batch_end(self, batch, logs=None):
        """Look at the loss, and remember the first that is no number."""
        # Not self.model: with JAX, to ask for it is to move the weights, which the step has.
        loss = float(logs["loss"])
        with self._lock:
            if np.isfinite(loss):
                self._finite += 1
            elif self._first is None or batch < self._first[0]:
                self._first = batch, loss

    def on_train_batch_begin(self, batch, logs=None):
        """End the run once it is sure which step was the first."""
        if self._first is not None and self._first[0] == self._finite:
            self._end(*self._first)

    def on_epoch_end(self, epoch, logs=None):
        """End the run: all steps have been looked at."""
        if self._first is not None:
            self._end(*self._first)

    def _end(self, step: int, loss: float) -> NoReturn:
        chosen = [str(self.names[index]) for index in self.plan.epoch(self._epoch)[0][step]]
        more = f" and {len(chosen) - _SHOWN} more" if len(chosen) > _SHOWN else ""
        kept = (
            f"the models of epoch {self._epoch}" if self._epoch else "nothing, as it was the first"
        )
        raise InputError(
            f"the loss became {loss} in step {step + 1} of {self.plan.steps} of epoch "
            f"{self._epoch + 1}, with the batch of {', '.join(chosen[:_SHOWN])}{more}: look at "
            f"these, or try a lower learning_rate. The run folder keeps {kept}."
        )

"""Stops a run at the first step whose loss is no number."""

from collections.abc import Sequence

import keras
import numpy as np

from csnn_tf.data.batches import BatchPlan
from csnn_tf.errors import InputError

_SHOWN = 5


class FiniteLoss(keras.callbacks.Callback):
    """Ends the run with an `InputError` that names the step and the batch.

    The loss that Keras reports is the mean over the epoch so far, which stays NaN once a step's is:
    the first step where it is not finite is the one. What the run has on disk is of the last
    finished epoch and stays as it is.

    Args:
        plan: The order of the run.
        names: Name of every training shape or structure, such as its file.
    """

    def __init__(self, plan: BatchPlan, names: Sequence[str]) -> None:
        super().__init__()
        self.plan, self.names = plan, names
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Know the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Look at the loss."""
        loss = float(logs["loss"])
        if np.isfinite(loss):
            return
        chosen = [str(self.names[index]) for index in self.plan.epoch(self._epoch)[0][batch]]
        more = f" and {len(chosen) - _SHOWN} more" if len(chosen) > _SHOWN else ""
        kept = (
            f"the models of epoch {self._epoch}" if self._epoch else "nothing, as it was the first"
        )
        raise InputError(
            f"the loss became {loss} in step {batch + 1} of {self.plan.steps} of epoch "
            f"{self._epoch + 1}, with the batch of {', '.join(chosen[:_SHOWN])}{more}: look at "
            f"these, or try a lower learning_rate. The run folder keeps {kept}."
        )

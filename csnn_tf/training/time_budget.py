"""An end to training by the clock."""

import time
from collections.abc import Callable

import keras


class TimeBudget(keras.callbacks.Callback):
    """Stops after the epoch whose successor would no longer fit; one epoch is always trained.

    The clock runs from the construction on, so that preparation counts.

    Args:
        seconds: What there is.
        clock: Gives the time in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.seconds, self.clock = seconds, clock
        self.started = self._epoch_started = clock()

    def on_epoch_begin(self, epoch, logs=None):
        """Start the epoch's clock."""
        self._epoch_started = self.clock()

    def on_epoch_end(self, epoch, logs=None):
        """Stop if another epoch as long as this one ends too late."""
        now = self.clock()
        if now - self.started + (now - self._epoch_started) > self.seconds:
            self.model.stop_training = True

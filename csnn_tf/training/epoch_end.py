"""What happens after every epoch: validation, schedule, history, models on disk."""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from csnn_tf.errors import InputError
from csnn_tf.models.loading import not_finite
from csnn_tf.training.best_epoch import best_row, refines
from csnn_tf.training.run_folder import INITIAL, RunFolder, history_rows
from csnn_tf.training.schedules import Plateau

_ROUNDING = 1e-6
"""Share of a learning rate that rounding to float32 may take, a few stages together."""


class EpochEnd(keras.callbacks.Callback):
    """Validate, keep the best and the last model, move the learning rate, write the history.

    The best model and the history follow the checkpoint, see `keep`: so they never tell of an epoch
    that a run which goes on does not have.

    Args:
        saved: The model that is saved; the model in training shares its weights.
        run: Where to.
        validate: Gives val_loss and further measures, or None to go by the training loss.
        plateau: The published schedule, or None.
        min_learning_rate: The plateau schedule ends the training below it.
        begun: What there is to say of the trained model that the run begins with, or None if it
            begins with none, or goes on. It is written to initial.json together with what
            `validate` gives before the first epoch, and the callbacks that follow have it when
            training begins. It is no epoch that could be the best: what is held out here may have
            been trained on there.
    """

    def __init__(
        self,
        saved: keras.Model,
        run: RunFolder,
        validate: Callable[[], dict[str, float]] | None,
        plateau: Plateau | None,
        min_learning_rate: float,
        begun: dict[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.saved, self.run, self.validate = saved, run, validate
        self.plateau, self.min_learning_rate = plateau, min_learning_rate
        self.begun = begun
        self.rows: list[dict[str, float]] = []
        self.finished = False
        self._started = 0.0

    def on_train_begin(self, logs=None):
        """Record what the run begins with."""
        if self.begun is not None:
            found = {} if self.validate is None else self.validate()
            self.run.write_json(INITIAL, {**self.begun, **found})
            logs.update({**self.begun, **found})

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Do all of it."""
        rate = float(np.asarray(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))
        self._check_weights()
        row = {"epoch": epoch + 1, "loss": float(logs["loss"])}
        row |= {name: float(value) for name, value in logs.items() if name != "loss"}
        if self.validate is not None:
            row |= self.validate()
        row |= {"learning_rate": rate, "seconds": round(time.perf_counter() - self._started, 2)}
        self.rows.append(row)
        # The other callbacks' epoch is an argument; ModelCheckpoint takes no second one.
        logs.update({name: value for name, value in row.items() if name != "epoch"})
        self.run.save_model(self.run.last, self.saved)
        if self.plateau is not None:
            if refines(row) != refines(self.rows[max(len(self.rows) - 2, 0)]):
                self.plateau.reset()  # the losses so far are of another stage
            rate = self.plateau.update(rate, row.get("val_loss", row["loss"]))
            self.model.optimizer.learning_rate = rate
            if rate < self.min_learning_rate * (1 - _ROUNDING):
                self.finished = self.model.stop_training = True

    def keep(self) -> None:
        """Save the model if the last epoch was the best, then write the history.

        Raises:
            InputError: If the folder cannot be written.
        """
        if best_row(self.rows) is self.rows[-1]:
            self.run.save_model(self.run.best, self.saved)
        self.run.write_history(self.rows)

    def _check_weights(self) -> None:
        """Raise `InputError` before a model is measured and saved that could not be loaded.

        The loss need not have shown it: ReLU makes zeros of NaN on TensorFlow.
        """
        damaged = not_finite(self.saved)
        if damaged is not None:
            raise InputError(
                f"the weights {damaged} became NaN or infinite: look at the data, or try a lower "
                f"learning_rate. {self.run.path} keeps what it had."
            )

    def state(self) -> dict[str, Any]:
        """What `restore` needs, ready for JSON."""
        plateau = None if self.plateau is None else [self.plateau.best, self.plateau.waited]
        return {
            "rows": self.rows,
            "plateau": plateau,
            "finished": self.finished,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, whose weights the model has; `keep` what was not kept any more."""
        self.rows, self.finished = list(state["rows"]), bool(state["finished"])
        if len(history_rows(self.run.path / "history.csv")) != len(self.rows):
            self.keep()
        if self.plateau is not None:
            self.plateau.best, self.plateau.waited = state["plateau"]

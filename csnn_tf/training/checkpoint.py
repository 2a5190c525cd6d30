"""Everything that a run needs to go on as if it had never stopped."""

import json
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np

from csnn_tf.atomic_files import write_aside
from csnn_tf.errors import InputError
from csnn_tf.training.epoch_end import EpochEnd

CHECKPOINT = "checkpoint.npz"
"""File of a run folder that a stopped run goes on from."""


class Checkpoint(keras.callbacks.Callback):
    """Writes the state of a run after every epoch, and puts it back.

    Keras's own backup leaves out the states of random generators, such as those of dropout. This
    one keeps every variable of the model and the optimiser, the schedule and the history. Order
    and augmentation of the batches follow from the seed and the epoch and need no state.

    Args:
        path: The .npz file. It is written aside and renamed: a crash leaves the previous one.
        ending: What validates and keeps the history; its state is part of the checkpoint.
        writes: Whether this process writes; of several with the same state one does.
    """

    def __init__(self, path: Path, ending: EpochEnd, *, writes: bool = True) -> None:
        super().__init__()
        self.path, self.ending, self.writes = path, ending, writes

    def on_epoch_end(self, epoch, logs=None):
        """Write, then let `ending` keep the epoch."""
        if not self.writes:
            return
        state: dict[str, Any] = {"epoch": epoch + 1, "ending": self.ending.state()}
        text = np.frombuffer(json.dumps(state).encode("utf-8"), dtype=np.uint8)
        arrays = {
            f"variable{place}": _storable(keras.ops.convert_to_numpy(variable))
            for place, variable in enumerate(self._variables(self.model))
        }
        write_aside(self.path, lambda file: np.savez(file, state=text, **arrays))
        self.ending.keep()

    def restore(self, model: keras.Model) -> int:
        """Put the state back into a compiled model; the number of the epoch to go on with.

        Raises:
            InputError: If the file is not there, damaged, or of another model.
        """
        model.optimizer.build(model.trainable_variables)
        variables = self._variables(model)
        try:
            with open(self.path, "rb") as file, np.load(file, allow_pickle=False) as stored:
                state = json.loads(stored["state"].tobytes().decode("utf-8"))
                count = sum(name.startswith("variable") for name in stored.files)
                values = [stored[f"variable{place}"] for place in range(count)]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
            raise InputError(f"{self.path} cannot be read as a checkpoint: {error}.") from error
        if [tuple(variable.shape) for variable in variables] != [value.shape for value in values]:
            raise InputError(f"{self.path} is the checkpoint of another model.")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.ending.restore(state["ending"])
        return int(state["epoch"])

    @staticmethod
    def _variables(model: keras.Model) -> list[Any]:
        return [*model.variables, *model.optimizer.variables]


def _storable(values: np.ndarray) -> np.ndarray:
    """The values in a type that .npz files know; bfloat16 is none."""
    return values if np.dtype(values.dtype).isbuiltin == 1 else values.astype(np.float32)

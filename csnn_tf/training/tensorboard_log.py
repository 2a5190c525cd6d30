"""Logs that TensorBoard shows."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from csnn_tf.errors import InputError
from csnn_tf.plots.matplotlib_extra import pyplot

if TYPE_CHECKING:
    from csnn_tf.training.validation import Validation

FOLDER = "tensorboard"
_SHOWN = 6


class TensorBoardLog(keras.callbacks.Callback):
    """Writes the history as scalars, and of a classifier the confusion matrix and a few shapes.

    The pictures are of the held-out shapes in the run's fixed orientations, which costs a further
    pass over them in every epoch. To be seen with `tensorboard --logdir RUN`.

    Args:
        folder: Where the event files go.
        class_names: Names of a classifier's classes; None for scalars only.
        upright_axis: Coordinate along which the shapes stand.

    Raises:
        InputError: If TensorBoard is not installed; the message says how to get it.
    """

    validation: "Validation | None" = None
    """The held-out shapes, which the trainer sets."""

    def __init__(
        self,
        folder: str | Path,
        class_names: tuple[str, ...] | None = None,
        upright_axis: int = 1,
    ) -> None:
        super().__init__()
        if find_spec("tensorboard") is None:
            raise InputError(
                "--tensorboard needs TensorBoard: install it with "
                "`pip install 'csnn-tf[tensorboard]'`."
            )
        if class_names is not None:
            pyplot()  # the pictures' library; missing, it ends the run before it begins
        self.folder, self.class_names = Path(folder), class_names
        self.upright_axis = upright_axis
        self._writer: Any = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Write the epoch."""
        import tensorflow as tf

        if self._writer is None:
            # Only now: a run that is refused leaves no files.
            self._writer = tf.summary.create_file_writer(str(self.folder))
        with self._writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                tf.summary.scalar(_tag(name), float(value))
            if self.validation is not None and self.class_names is not None:
                for name, pixels in self._pictures(self.validation).items():
                    tf.summary.image(name, pixels[None])
        self._writer.flush()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Close the files."""
        if self._writer is not None:
            self._writer.close()

    def _pictures(self, held: "Validation") -> dict[str, np.ndarray]:
        from csnn_tf.plots.pixels import confusion_pixels, shapes_pixels

        names = self.class_names or ()
        scores = held.predictor.probabilities(held.clouds)
        predicted = scores.argmax(axis=1)
        counts = np.zeros((len(names), len(names)), int)
        np.add.at(counts, (held.labels, predicted), 1)
        # The same shapes in every epoch, spread over the classes, which come in order.
        rows = np.unique(np.linspace(0, len(predicted) - 1, _SHOWN).astype(int))
        titles = [
            f"{names[held.labels[row]]}\n{names[predicted[row]]} {scores[row].max():.0%}"
            for row in rows
        ]
        clouds = [held.clouds[row] for row in rows]
        shown = shapes_pixels(clouds, titles, upright_axis=self.upright_axis)
        matrix = confusion_pixels(counts, names)
        return {"held_out/confusion_matrix": matrix, "held_out/shapes": shown}


def _tag(name: str) -> str:
    """The scalar's name, by which TensorBoard groups: training/loss, held_out/loss."""
    if name.startswith("val_"):
        return f"held_out/{name.removeprefix('val_')}"
    return f"run/{name}" if name in ("learning_rate", "seconds") else f"training/{name}"

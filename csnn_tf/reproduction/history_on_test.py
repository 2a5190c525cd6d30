"""Accuracy on the test set after every epoch: what choosing the epoch there would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from csnn_tf.atomic_files import write_aside
from csnn_tf.data.fingerprint import fingerprint
from csnn_tf.inference import Predictor
from csnn_tf.models import CloudClassifier
from csnn_tf.models.loading import load_model
from csnn_tf.reproduction.tables import comma_separated
from csnn_tf.rotating import rotated
from csnn_tf.training.run_folder import RunFolder, history_rows

if TYPE_CHECKING:
    from csnn_tf.data.shape_set import ShapeSet

FILE = "test_history.csv"
"""File of a run folder with one row an epoch."""


class HistoryOnTest(keras.callbacks.Callback):
    """Classifies the test shapes after every epoch and keeps the accuracies in a file.

    It changes nothing in the training. Each test shape has one fixed orientation of each kind, that
    of `csnn_tf.evaluation.evaluate` with the same seed.

    Args:
        folder: The run folder.
        shapes: The test shapes.
        rotations: Rotations under which they are classified ("z", "so3").
        upright_axis: Coordinate along which the shapes stand.
        seed: Of the rotations.
    """

    def __init__(
        self,
        folder: RunFolder,
        shapes: ShapeSet,
        rotations: Sequence[str],
        *,
        upright_axis: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.folder, self.shapes, self.rotations = folder, shapes, tuple(rotations)
        self.upright_axis, self.seed = upright_axis, seed
        self._test_set = _test_set(shapes, seed)
        self._clouds: dict[str, Sequence[np.ndarray]] = {}
        self._predictor: Predictor | None = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Make up for the epoch before, if a run that goes on was killed before this did its part.

        The model of that epoch is still the last one in the folder.
        """
        known = {int(row["epoch"]) for row in _rows(self.folder, self._test_set)}
        if epoch not in known and (epoch == 1 or epoch - 1 in known):
            self._classify(epoch)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Classify, with the model that the epoch left in the folder."""
        self._classify(epoch + 1)

    def _classify(self, epoch: int) -> None:
        """Add the row of an epoch, counted from 1, that has just ended."""
        model = load_model(self.folder.last, CloudClassifier)
        if self._predictor is None:
            self._predictor = Predictor(model)
            for name in self.rotations:
                rng = np.random.default_rng([self.seed, 0])
                self._clouds[name] = rotated(
                    self.shapes.clouds, name, rng, self.upright_axis, centred=model.centred
                )
        else:  # compiled once
            self._predictor.model.set_weights(model.get_weights())
        row = [epoch, self._test_set]
        for name in self.rotations:
            found = self._predictor.logits(self._clouds[name]).argmax(axis=1)
            row.append(float((found == self.shapes.labels).mean()))
        path = self.folder.path / FILE
        kept = [  # of other test sets too: they cannot be measured again
            line
            for line in history_rows(path)
            if line.get("test_set") != self._test_set or int(line["epoch"]) < epoch
        ]
        header = list(dict.fromkeys(["epoch", "test_set", *self.rotations, *chain(*kept)]))
        rows = [[line.get(name, "") for name in header] for line in kept]
        row += [""] * (len(header) - len(row))
        text = comma_separated(header, [*rows, row])
        write_aside(path, lambda temporary: temporary.write_text(text, "utf-8"))


def best_on_test(
    folder: RunFolder, rotation: str, shapes: ShapeSet, seed: int = 0
) -> tuple[int, float, int] | None:
    """The epoch with the best test accuracy, that accuracy, and how many epochs were looked at.

    Args:
        folder: A run folder.
        rotation: Rotation of the test shapes.
        shapes: The test shapes; accuracies on others do not count.
        seed: Of the rotations, likewise.

    Returns:
        None if the run kept no accuracies on the test set.
    """
    rows = [row for row in _rows(folder, _test_set(shapes, seed)) if row.get(rotation)]
    if not rows:
        return None
    best = max(rows, key=lambda row: float(row[rotation]))
    return int(best["epoch"]), float(best[rotation]), len(rows)


def _test_set(shapes: ShapeSet, seed: int) -> str:
    """What tells the test shapes and their orientations from others."""
    return f"{fingerprint(shapes)[:16]}-seed{seed}"


def _rows(folder: RunFolder, test_set: str) -> list[dict[str, str]]:
    return [row for row in history_rows(folder.path / FILE) if row.get("test_set") == test_set]

"""Which epoch of a run is its best."""

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

Row = TypeVar("Row", bound=Mapping[str, float])

REFINING = "refining"
"""Column of a history where nothing is held out: whether an epoch refines, whose loss has further
terms, so that it is not to be compared with one that does not."""


def refines(row: Mapping[str, float]) -> bool:
    """Whether a row of a history is of an epoch known to refine."""
    return row.get(REFINING) == 1.0


def epoch_score(row: Mapping[str, float]) -> tuple[float, float, float]:
    """What makes an epoch the best, the higher the better, from its row of the history.

    The accuracy on held-out shapes where there is one; among equals, and where there is none, the
    lower loss on what was held out, or in training where nothing was: there of the epochs that
    refine, if any does. What is not a number is worse than any.
    """
    loss = row.get("val_loss", row.get("loss", math.nan))
    scores = (row.get("val_accuracy", 0.0), float(refines(row)), -loss)
    return tuple(-math.inf if math.isnan(value) else value for value in scores)


def best_row(rows: Iterable[Row]) -> Row | None:
    """The row of the epoch that best.keras is of, the first among equals; None without rows.

    Args:
        rows: A history, see `csnn_tf.training.run_folder.history_numbers`.
    """
    return max(rows, key=epoch_score, default=None)

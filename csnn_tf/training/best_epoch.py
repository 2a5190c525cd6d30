"""Which epoch of a run is its best."""

from collections.abc import Iterable, Mapping


def epoch_score(row: Mapping[str, float]) -> tuple[float, float]:
    """What makes an epoch the best, the higher the better, from its row of the history.

    The accuracy on held-out shapes where there is one; among equals, and where there is none, the
    lower loss on what was held out, or in training where nothing was.
    """
    loss = row["val_loss"] if "val_loss" in row else row["loss"]
    return (row.get("val_accuracy", 0.0), -loss)


def best_row(rows: Iterable[Mapping[str, str | float]]) -> dict[str, float] | None:
    """The row of the epoch that best.keras is of, the first among equals; None without rows.

    Args:
        rows: A history, see `csnn_tf.training.run_folder.history_rows`; empty cells count as not
            there.
    """
    numbers = ({name: float(value) for name, value in row.items() if value != ""} for row in rows)
    return max(numbers, key=epoch_score, default=None)

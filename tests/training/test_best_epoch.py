import pytest

from csnn_tf.errors import InputError
from csnn_tf.training.best_epoch import best_row, epoch_score


def rows(*values):
    return [{"epoch": place + 1, **row} for place, row in enumerate(values)]


@pytest.mark.parametrize(
    ("history", "epoch"),
    [
        (
            (
                {"loss": 2, "val_loss": 3, "val_accuracy": 0.5},
                {"loss": 1, "val_loss": 2, "val_accuracy": 0.4},
            ),
            1,
        ),
        (
            (
                {"loss": 1, "val_loss": 3, "val_accuracy": 0.5},
                {"loss": 2, "val_loss": 2, "val_accuracy": 0.5},
            ),
            2,
        ),
        (
            (
                {"loss": 1, "val_loss": 3, "val_accuracy": 0.5},
                {"loss": 2, "val_loss": 3, "val_accuracy": 0.5},
            ),
            1,
        ),
        (({"loss": 1, "val_loss": 3}, {"loss": 2, "val_loss": 2}), 2),
        (({"loss": 3}, {"loss": 1}, {"loss": 2}), 2),
        (({"loss": "3.5", "val_accuracy": ""}, {"loss": "1.5", "val_accuracy": ""}), 2),
    ],
)
def test_the_best_epoch(history, epoch):
    assert best_row(rows(*history))["epoch"] == epoch


def test_no_rows_have_no_best():
    assert best_row([]) is None


def test_what_is_no_number_is_never_the_best():
    good, bad = {"loss": 2, "val_loss": 3}, {"loss": 1, "val_loss": float("nan")}
    assert best_row(rows(bad, good, {"loss": 1, "val_loss": 5}))["epoch"] == 2
    empty = {"loss": "1", "val_loss": "", "val_accuracy": None}
    assert best_row(rows(empty, {"loss": "2", "val_loss": "4", "val_accuracy": "0"}))["epoch"] == 2
    assert epoch_score({}) < epoch_score({"loss": 1e9})
    with pytest.raises(InputError, match="no number"):
        best_row([{"epoch": "1", "loss": "x"}])

import pytest

from csnn_tf.training.best_epoch import best_row


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

import pytest

from csnn_tf.errors import InputError
from csnn_tf.training.best_epoch import best_row, epoch_score
from csnn_tf.training.run_folder import RunFolder, history_numbers


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
        (
            (
                {"loss": 1, "refining": 0},
                {"loss": 4, "refining": 1},
                {"loss": 3, "refining": 1},
            ),
            3,
        ),
        (({"loss": 2, "refining": 0}, {"loss": 1, "refining": 0}), 2),
    ],
)
def test_the_best_epoch(history, epoch):
    assert best_row(rows(*history))["epoch"] == epoch


def test_no_rows_have_no_best():
    assert best_row([]) is None


def test_what_is_no_number_is_never_the_best():
    good, bad = {"loss": 2, "val_loss": 3}, {"loss": 1, "val_loss": float("nan")}
    assert best_row(rows(bad, good, {"loss": 1, "val_loss": 5}))["epoch"] == 2
    assert epoch_score({}) < epoch_score({"loss": 1e9})


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("epoch,loss,val_accuracy\n1,3.5,\n2,1.5,\n", 2),
        ("epoch,loss,val_loss,val_accuracy\n1,1\n2,2,4,0\n", 2),
    ],
)
def test_cells_that_are_empty_or_missing_are_no_numbers(text, epoch, tmp_path):
    (tmp_path / "history.csv").write_text(text)
    assert best_row(history_numbers(tmp_path / "history.csv"))["epoch"] == epoch


def test_a_history_has_the_line_ends_of_all_tables_and_those_of_before_are_read(tmp_path):
    rows = [{"epoch": 1, "loss": 2.5}, {"epoch": 2, "loss": 1.5}]
    RunFolder(tmp_path).write_history(rows)
    path = tmp_path / "history.csv"
    assert path.read_bytes() == b"epoch,loss\n1,2.5\n2,1.5\n"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert history_numbers(path) == rows


def test_a_cell_that_is_no_number_is_named_with_its_file(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n1,x\n")
    with pytest.raises(InputError, match=r"history\.csv cannot be read as a table of numbers"):
        history_numbers(tmp_path / "history.csv")


def test_epochs_of_runs_that_did_not_record_whether_they_refine_count_as_such_that_do_not():
    before, unrefined = {"loss": 1}, {"loss": 2, "refining": 0.0}
    assert best_row(rows(before, unrefined))["epoch"] == 1
    assert best_row(rows(before, unrefined, {"loss": 5, "refining": 1.0}))["epoch"] == 3

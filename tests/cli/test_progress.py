"""What a training says of its progress without a terminal."""

import io

import pytest
from rich.console import Console

from csnn_tf.cli import progress as module
from csnn_tf.cli.dos_progress import DosProgress, dos_errors
from csnn_tf.cli.progress import TrainingProgress

ROW = {"loss": 1.5, "learning_rate": 1e-3, "seconds": 9.0}


def lines_of(
    monkeypatch, kind, *, step_seconds, terminal=False, steps=100, epochs=3, begun=0, **row
):
    """Lines of two epochs; a step takes so long, the first ten times that."""
    console, now = Console(file=io.StringIO(), force_terminal=terminal, width=100), [0.0]
    monkeypatch.setattr(module, "Console", lambda **_: console)
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    shown = kind(epochs)
    shown.set_params({"steps": steps})
    with shown:
        shown.on_train_begin()
        now[0] = 9 * step_seconds
        for epoch in range(begun, begun + 2):
            shown.on_epoch_begin(epoch)
            for batch in range(steps):
                now[0] += step_seconds
                shown.on_train_batch_end(batch, {"loss": 1.5})
            shown.on_epoch_end(epoch, {**ROW, **row})
    return console.file.getvalue().strip().splitlines()


def test_a_long_run_is_foretold_once(monkeypatch):
    first, *epochs = lines_of(monkeypatch, TrainingProgress, step_seconds=3.0, accuracy=0.25)
    assert first == "an epoch takes some 5 minutes, all that is left 15 minutes"
    assert epochs == [
        f"epoch   {n}/3  loss 1.5000  accuracy 0.2500  rate 1.00e-03  9.0 s" for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("step_seconds", "expected"),
    [
        (0.5, "an epoch takes some 50 seconds, all that is left 2 minutes"),
        (60.0, "an epoch takes some 1.7 hours, all that is left 5.0 hours"),
    ],
)
def test_durations_are_given_in_fitting_units(monkeypatch, step_seconds, expected):
    assert lines_of(monkeypatch, TrainingProgress, step_seconds=step_seconds, accuracy=1)[0] == (
        expected
    )


def test_a_resumed_run_says_where_it_is(monkeypatch):
    options = {"step_seconds": 0.01, "epochs": 9, "begun": 4, "accuracy": 0.25}
    lines = lines_of(monkeypatch, TrainingProgress, **options)
    assert lines[0] == "goes on with epoch 5 of 9"
    assert [line[:10] for line in lines[1:]] == ["epoch   5/", "epoch   6/"]


def test_a_short_epoch_speaks_for_itself(monkeypatch):
    lines = lines_of(
        monkeypatch, TrainingProgress, step_seconds=0.01, accuracy=0.25, val_accuracy=1
    )
    assert [line[:11] for line in lines] == ["epoch   1/3", "epoch   2/3"]
    assert "held out 1.0000" in lines[0]


def test_nothing_is_foretold_where_nothing_is_left(monkeypatch):
    fields = {"steps": 8, "epochs": 1, "accuracy": 0.25}
    assert len(lines_of(monkeypatch, TrainingProgress, step_seconds=3.0, **fields)) == 2


def test_the_bar_tells_on_a_terminal(monkeypatch):
    text = "".join(
        lines_of(monkeypatch, TrainingProgress, step_seconds=3.0, terminal=True, accuracy=0.25)
    )
    assert "an epoch takes" not in text
    assert "epoch 2/3" in text


def test_densities_of_states_name_their_errors(monkeypatch):
    errors = {"val_loss": 2e-4, "val_dos": 0.0121, "val_band": 0.0089}
    lines = lines_of(monkeypatch, DosProgress, step_seconds=0.01, **errors)
    assert lines[0] == (
        "epoch   1/3  loss 1.500e+00  held out 2.000e-04: DOS 0.0121 states/eV/atom, "
        "band energy 0.0089 eV/atom  rate 1.00e-03  9.0 s"
    )


def test_a_dos_without_a_band_energy_says_why():
    text = dos_errors({"val_dos": 0.5, "val_band": float("nan")})
    assert text == (
        "DOS 0.5000 states/eV/atom, no band energy: a predicted DOS does not reach the electron "
        "count"
    )

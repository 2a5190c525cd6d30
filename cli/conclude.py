"""The last words of a training command."""

from collections.abc import Callable
from contextlib import suppress
from math import isfinite, nan
from pathlib import Path

import click

from csnn_tf.training.best_epoch import best_row
from csnn_tf.training.run_folder import history_numbers


def conclude(
    out: Path, held_out: str, describe: Callable[[dict[str, float]], str], *, finished_before: bool
) -> None:
    """Say what came out of all epochs of a run, those before it was resumed included.

    Args:
        out: The run's folder.
        held_out: What was held out.
        describe: What to say of an epoch's row of the history.
        finished_before: Whether there was nothing left to do.
    """
    if finished_before:
        click.echo("The run was finished before.")
    best = best_row(history_numbers(out / "history.csv"))
    if best is not None and isfinite(best.get("val_loss", nan)):
        with suppress(KeyError):  # which a history of another kind may raise
            found = f"{describe(best)} in epoch {best['epoch']:.0f}"
            click.echo(f"Best on the held-out {held_out}: {found}.")
    click.echo(f"Run folder: {out}")

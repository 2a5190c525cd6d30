"""The last words of a training command."""

from collections.abc import Callable
from contextlib import suppress
from math import isfinite, nan
from pathlib import Path

import click

from csnn_tf.training.best_epoch import best_row, epoch_score
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.run_folder import RunFolder, history_numbers


def conclude(
    out: Path,
    held_out: str,
    describe: Callable[[dict[str, float]], str],
    config: TrainingConfig | DosConfig,
    *,
    finished_before: bool,
) -> None:
    """Say what came out of all epochs of a run, those before it was resumed included.

    Args:
        out: The run's folder.
        held_out: What was held out.
        describe: What to say of an epoch's row of the history.
        config: Of the run.
        finished_before: Whether there was nothing left to do.
    """
    if finished_before:
        click.echo("The run was finished before.")
    rows = history_numbers(out / "history.csv")
    if rows and config.schedule == "plateau" and len(rows) < config.epochs:
        click.echo(
            f"Ended after {len(rows)} of {config.epochs} epochs: the learning rate was below "
            f"{config.min_learning_rate:g} (min_learning_rate)."
        )
    best = best_row(rows)
    if best is not None and isfinite(best.get("val_loss", nan)):
        with suppress(KeyError):  # which a history of another kind may raise
            found = f"{describe(best)} in epoch {best['epoch']:.0f}"
            click.echo(f"Best on the held-out {held_out}: {found}.")
            begun = RunFolder(out).read_initial()
            # With bins that began anew it is not that model which was measured.
            same = begun is not None and not begun.get("bins_set_anew")
            if same and epoch_score(begun) > epoch_score(best):
                click.echo(
                    f"No epoch is better there than {config.initial}, which the run began with: "
                    f"{describe(begun)}, unless that one was trained on what is held out here."
                )
    click.echo(f"Run folder: {out}")

"""csnn-tf train dos"""

import time
from pathlib import Path

import click

from csnn_tf.cli.dos_options import electrons_option, structures_of, structures_option
from csnn_tf.cli.options import parse_fields
from csnn_tf.cli.progress import TrainingProgress
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_trainer import train_dos


@click.command("dos")
@structures_option
@electrons_option
@click.option("--preset", default="small", show_default=True, help="Model: paper, small or tiny.")
@click.option(
    "--recipe", help="Optimiser: paper, best or quick [default: best; built-in data: quick]."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one field of the model or the training, e.g. --set cutoff=6.",
)
@click.option(
    "--rotate/--no-rotate", default=True, show_default=True, help="Turn structures at random."
)
@click.option("--epochs", type=int, help="Number of epochs.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/TIME].")
def train_dos_command(path, electrons, preset, recipe, settings, rotate, epochs, seed, out) -> None:
    """Train a density of states on atomic structures, the built-in ones by default."""
    fields = parse_fields(settings)
    if epochs is not None:
        fields["epochs"] = epochs
    config = DosConfig.from_recipe(
        recipe or ("quick" if path is None else "best"),
        data="carbon" if path is None else str(path),
        preset=preset,
        rotate=rotate,
        seed=seed,
        **fields,
    )
    structures = structures_of(path, electrons)
    out = out or Path("runs") / time.strftime("dos-%Y%m%d-%H%M%S")
    progress = _DosProgress(config.epochs)
    try:
        with progress:
            train_dos(config, structures, out, callbacks=[progress])
    except KeyboardInterrupt:
        click.echo(f"Interrupted: {out} holds the {len(progress.history)} finished epochs.")
        raise SystemExit(130) from None
    rows = [row for row in progress.history if "val_loss" in row]
    if rows:
        best = min(rows, key=lambda row: row["val_loss"])
        click.echo(f"Best on the held-out structures: {_errors(best)} in epoch {best['epoch']}.")
    click.echo(f"Run folder: {out}")


class _DosProgress(TrainingProgress):
    """The progress of a classifier's training, with the errors of a density of states."""

    def on_epoch_end(self, epoch, logs=None):
        """One line."""
        row = {name: float(value) for name, value in logs.items()}
        row["epoch"] = epoch + 1
        self.history.append(row)
        text = f"epoch {epoch + 1:3d}/{self.epochs}  loss {row['loss']:.3e}"
        if "val_loss" in row:
            text += f"  held out {row['val_loss']:.3e}: {_errors(row)}"
        text += f"  rate {row['learning_rate']:.2e}  {row['seconds']:.1f} s"
        self.console.print(text, highlight=False, soft_wrap=True)


def _errors(row: dict[str, float]) -> str:
    text = f"DOS {row['val_dos']:.4f} states/eV/atom"
    if "val_band" in row:
        text += f", band energy {row['val_band']:.4f} eV/atom"
    return text

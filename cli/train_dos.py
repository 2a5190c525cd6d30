"""csnn-tf train dos"""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import click

from csnn_tf.cli.conclude import conclude
from csnn_tf.cli.dos_options import (
    ask_about_whole_cells,
    electrons_option,
    on_bins_of,
    parse_electrons,
    reading_options,
    structures_of,
    structures_option,
)
from csnn_tf.cli.dos_progress import DosProgress, dos_errors
from csnn_tf.cli.options import (
    check_leaves_model,
    check_resume,
    check_still_there,
    data_to_record,
    interrupted,
    model_option,
    model_to_record,
    parse_epochs,
    parse_fields,
)
from csnn_tf.data.atoms import StructureSet
from csnn_tf.even_bins import text_of_bins
from csnn_tf.models import AtomicDosModel
from csnn_tf.models.loading import model_arguments
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_data import electrons_by_element, training_parts
from csnn_tf.training.dos_trainer import train_dos
from csnn_tf.training.run_folder import check_run_is_free
from csnn_tf.training.tensorboard_log import FOLDER, TensorBoardLog


@click.command("dos")
@structures_option()
@electrons_option
@reading_options
@click.option(
    "--bins",
    metavar="FIRST:LAST:STEP",
    help="Energies, eV, to which the DOS are re-binned [default: the data's; of VASP runs and the "
    "published layout -30:0.9:0.1; with --from: those of that model].",
)
@model_option(["csnn", "agni", "schnet"], "II")
@click.option(
    "--preset",
    default="small",
    show_default=True,
    help="Its size: paper, small or tiny; that of --from where it is given.",
)
@click.option(
    "--recipe",
    help="Optimiser: paper, best, refine or quick [default: best; built-in data: quick; with "
    "--from: refine].",
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
@click.option("--from", "initial", help="Trained model to begin with; its fields are taken.")
@click.option("--epochs", type=int, help="Number of epochs.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/TIME].")
@click.option("--resume", is_flag=True, help="Go on with the run that stopped in --out.")
@click.option("--tensorboard", is_flag=True, help="Write logs for TensorBoard into the run folder.")
@click.pass_context
def train_dos_command(
    ctx,
    path,
    electrons,
    per_cell,
    reference_energy,
    bins,
    architecture,
    preset,
    recipe,
    settings,
    rotate,
    initial,
    epochs,
    seed,
    out,
    resume,
    tensorboard,
) -> None:
    """Train a density of states on atomic structures, the built-in ones by default.

    A run that stopped goes on with `csnn-tf train dos --out RUN --resume`.
    """
    if resume:
        config = DosConfig.of_run(check_resume(ctx, out, {"tensorboard"}))
        path = None if config.data == "carbon" else Path(config.data)
        if path is not None:
            check_still_there(out, path)
    else:
        fields = parse_epochs(epochs, parse_fields(settings))
        if initial is None:
            fields = {"architecture": architecture, "preset": preset, **fields}
        else:
            check_leaves_model(ctx)
        usual = "refine" if initial else "quick" if path is None else "best"
        config = DosConfig.from_recipe(
            recipe or usual,
            data="carbon" if path is None else data_to_record(path),
            electrons=parse_electrons(electrons),
            per_cell=per_cell,
            reference_energy=reference_energy,
            bins=bins,
            initial=model_to_record(initial),
            rotate=rotate,
            seed=seed,
            **fields,
        )
        if out is not None:
            check_run_is_free(out)  # before data is read
    if not resume and config.initial is not None and bins is None:
        structures, config = _read_for(config.initial, path, config)
    else:
        structures = _read(path, config)
    if not resume:
        _announce(structures, config)
    out = out or Path("runs") / time.strftime("dos-%Y%m%d-%H%M%S")
    progress = DosProgress(config.epochs)
    try:
        with progress:
            shown = [progress, *([TensorBoardLog(out / FOLDER)] if tensorboard else [])]
            train_dos(config, structures, out, resume=resume, callbacks=shown)
    except KeyboardInterrupt:
        interrupted(out, "csnn-tf train dos")
    finished = resume and not progress.history
    conclude(out, "structures", dos_errors, config, finished_before=finished)


def _read(path: Path | None, config: DosConfig) -> StructureSet:
    return structures_of(
        path,
        config.electrons,
        per_cell=config.per_cell,
        reference_energy=config.reference_energy,
        bins=config.bins,
    )


def _read_for(initial: str, path: Path | None, config: DosConfig) -> tuple[StructureSet, DosConfig]:
    """Structures on the energies of a trained model, and the configuration to read them so."""
    energies = model_arguments(initial, AtomicDosModel)[1]["energies"]
    used = config

    def read(bins: Sequence[float] | None) -> StructureSet:
        nonlocal used
        if bins is not None:
            used = dataclasses.replace(config, bins=text_of_bins(bins))
        return _read(path, used)

    return on_bins_of(energies, read), used


def _announce(structures: StructureSet, config: DosConfig) -> None:
    """Say which structures are for what, and what the model will not know."""
    training, held_out = training_parts(structures, config.validation, config.seed)
    held = 0 if held_out is None else len(held_out)
    rest = len(structures) - len(training) - held
    text = f"{len(training)} structures to train on, {held} held out"
    click.echo(text + (f", {rest} left out (split test or none)" if rest else ""), err=True)
    if electrons_by_element(training, config.electrons) is None:
        click.echo(
            "The model will know no Fermi level: nothing says how many electrons each element has "
            "(--electrons).",
            err=True,
        )
    ask_about_whole_cells(training)

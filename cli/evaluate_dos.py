"""csnn-tf evaluate, of a density-of-states model"""

import json
from pathlib import Path

import click
import numpy as np

from csnn_tf.cli.dos_options import (
    electrons_option,
    measured_structures,
    reading_options,
    structures_option,
)
from csnn_tf.cli.options import json_option
from csnn_tf.cli.passes_bar import passes_bar
from csnn_tf.dos_evaluation import DosEvaluation, evaluate_dos
from csnn_tf.dos_inference import least_chunks
from csnn_tf.electronic import CHEMICAL_ACCURACY, format_table
from csnn_tf.errors import InputError
from csnn_tf.models import AtomicDosModel
from csnn_tf.models.loading import load_model, model_arguments, training_record
from csnn_tf.plots.matplotlib_extra import check_picture
from csnn_tf.processor import share_cores_among_batches

_TABLES = {
    "band_energy_mae": "Band energy, mean absolute error, eV/atom",
    "dos_rmse": "DOS, root mean square error, states/eV/atom",
}


@click.command("evaluate")
@click.argument("model")
@structures_option("what the model was trained on")
@electrons_option
@reading_options
@click.option("--split", default="test", show_default=True, help="Split to evaluate, or all.")
@click.option(
    "--convention",
    type=click.Choice(["spline", "published"]),
    default="spline",
    show_default=True,
    help="How the Fermi level and the band energy are taken off the bins.",
)
@click.option(
    "--rotations", type=click.IntRange(0), default=0, help="Turn each structure so often."
)
@click.option("--seed", type=click.IntRange(0), help="Seed of the rotations [default: 0].")
@click.option(
    "--parity", type=click.Path(path_type=Path), help="Plot of band energies: .png, .pdf or .svg."
)
@json_option
def evaluate_dos_command(
    model,
    path,
    electrons,
    per_cell,
    reference_energy,
    split,
    convention,
    rotations,
    seed,
    parity,
    as_json,
) -> None:
    """Measure a density-of-states MODEL (a .keras file, a run folder or a trained model's name).

    Without --data, on the data that it was trained on. The means of the data's training structures
    stand beside it: a model that does not beat them has learned nothing.
    """
    if seed is not None and not rotations:
        raise InputError("--seed is of --rotations, and there are none.")
    if parity is not None:
        check_picture(parity)
    kind, arguments = model_arguments(model, AtomicDosModel)
    trained = training_record(Path(model))
    structures, data = measured_structures(
        model,
        trained,
        arguments["energies"],
        path,
        electrons,
        per_cell=per_cell,
        reference_energy=reference_energy,
    )
    if split != "all" and set(structures.split.tolist()) == {""}:
        raise InputError(
            f"{data} says of no structure which split it is of (atoms.info['split']): "
            "give --split all, of which the training may have seen a part."
        )
    chosen = structures if split == "all" else structures.select(split=split)
    train = structures.select(split="train") if "train" in structures.split else None
    share_cores_among_batches(least_chunks(kind, chosen))
    network = load_model(model, AtomicDosModel)
    with passes_bar() as show:
        result = evaluate_dos(
            network,
            chosen,
            train,
            convention=convention,
            rotations=rotations,
            seed=seed or 0,
            need_electrons=parity is not None,
            progress=show,
        )
    if parity is not None:
        from csnn_tf.plots.dos import plot_parity

        plot_parity(chosen, result.prediction, parity, convention)
    if as_json:
        measured = {"model": str(model), "data": data, "trained": trained}
        click.echo(json.dumps({**measured, **result.to_dict()}))
        return
    click.echo(f"{model}: {len(chosen)} structures of {data}")
    _print(result)


def _print(result: DosEvaluation) -> None:
    reports = {"model": result.report, **result.yardsticks}
    errors, types = result.report.overall, result.report.by_type
    unknown = int(np.isnan(result.prediction.electrons).sum())
    some = unknown < errors.structures
    for metric, title in _TABLES.items():
        if some or metric == "dos_rmse":
            click.echo(f"\n{title}\n{format_table(reports, metric)}")
    click.echo()
    if unknown:
        click.echo(
            f"no Fermi level and band energy of {unknown} of {errors.structures} structures: their "
            "electrons are unknown (--electrons, for example C=4)"
        )
    if some:
        click.echo(f"Fermi level, mean absolute error  {errors.fermi_level_mae:.4f} eV")
    if errors.gapped:
        click.echo(
            f"  {errors.gapped} of {errors.structures} structures have a gap there, in which the "
            "level hangs on the last digits of a DOS"
        )
    click.echo(f"cumulative DOS, RMSE              {errors.cumulative_dos_rmse:.4f} states/atom")
    if some:
        click.echo(
            f"within chemical accuracy ({CHEMICAL_ACCURACY} eV/atom)  "
            f"{errors.within_chemical_accuracy:.1%} of structures, "
            f"{result.report.types_within_chemical_accuracy} of {len(types)} types"
        )
    if result.band_energy_change is not None:
        click.echo(
            f"change of the band energy under arbitrary rotations  "
            f"{result.band_energy_change:.5f} eV/atom"
        )

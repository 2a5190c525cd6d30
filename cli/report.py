"""csnn-tf report"""

import webbrowser
from pathlib import Path
from typing import Any

import click

from csnn_tf.cli.dos_options import electrons_option, reading_options
from csnn_tf.errors import InputError
from csnn_tf.models.kind import is_dos_model
from csnn_tf.models.loading import model_arguments, model_file, training_record
from csnn_tf.processor import share_cores_among_batches


@click.command("report")
@click.argument("run")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Test data, as for `csnn-tf evaluate` [default: what the run was trained on].",
)
@electrons_option
@reading_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File [default: report.html in RUN, or MODEL.html here].",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the rotations."
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def report_command(run, data, electrons, per_cell, reference_energy, out, seed, show) -> None:
    """Write one HTML page about RUN: how good it is, where it fails, does it hold under rotation.

    RUN is a run folder, a .keras file or a trained model's name. The page needs no network.
    """
    model = model_file(run)
    in_run = model == Path(run) / "best.keras"
    path = out or (Path(run) / "report.html" if in_run else Path(f"{model.stem}.html"))
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is no folder: the page cannot be written there.")
    how = {"per_cell": per_cell, "reference_energy": reference_energy}
    write = _dos if is_dos_model(run) else _classifier
    write(run, data, electrons, how, path, seed)
    click.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    if show:
        webbrowser.open(path.resolve().as_uri())


def _step(name: str) -> None:
    click.echo(f"  {name}", err=True)


def _classifier(
    run: str, data: Path | None, electrons: str | None, how: dict[str, Any], path: Path, seed: int
) -> None:
    from csnn_tf.cli.options import measured_shapes, own_name, recorded_axis
    from csnn_tf.report import classifier_report

    given = {
        "--electrons": electrons is not None,
        "--per-cell": how["per_cell"],
        "--reference-energy": how["reference_energy"] is not None,
    }
    for option, is_given in given.items():
        if is_given:
            raise InputError(f"{option} is for density-of-states models, which this is not.")
    share_cores_among_batches()
    config = training_record(run)
    shapes, name = measured_shapes(run, config, data, seed=seed)
    classifier_report(
        run,
        shapes,
        path,
        upright_axis=recorded_axis(config),
        seed=seed,
        data=own_name(name),
        progress=_step,
    )


def _dos(
    run: str, data: Path | None, electrons: str | None, how: dict[str, Any], path: Path, seed: int
) -> None:
    from csnn_tf.cli.dos_options import measured_structures
    from csnn_tf.cli.options import own_name
    from csnn_tf.dos_inference import least_chunks
    from csnn_tf.models import AtomicDosModel
    from csnn_tf.report import dos_report_page

    config = training_record(run)
    kind, arguments = model_arguments(run, AtomicDosModel)
    energies = arguments["energies"]
    structures, name = measured_structures(run, config, energies, data, electrons, **how)
    share_cores_among_batches(least_chunks(kind, structures))
    dos_report_page(run, structures, path, seed=seed, data=own_name(name), progress=_step)

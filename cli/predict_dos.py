"""csnn-tf predict dos"""

import csv
import dataclasses
import io
import json
from pathlib import Path

import click
import numpy as np

from csnn_tf.cli.dos_options import atoms_of, electrons_option, parse_electrons
from csnn_tf.cli.options import json_option, votes_option
from csnn_tf.data.atoms import StructureSet
from csnn_tf.dos_inference import DosPrediction, DosPredictor, least_chunks
from csnn_tf.errors import InputError
from csnn_tf.models import AtomicDosModel
from csnn_tf.models.loading import load_model, model_arguments
from csnn_tf.plots.matplotlib_extra import check_picture
from csnn_tf.processor import share_cores_among_batches


@click.command("dos")
@click.argument("model")
@click.argument("files", nargs=-1, required=True)
@click.option("--csv", "as_csv", is_flag=True, help="Print energies and DOS as CSV.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Plot of the first 12 DOS, E_F marked: PNG, PDF or SVG, by the file's name.",
)
@electrons_option
@votes_option
@json_option
def predict_dos_command(model, files, as_csv, plot, electrons, votes, as_json) -> None:
    """Predict the density of states, Fermi level and band energy of the structures in FILES.

    MODEL is a .keras file, a run folder or a trained model's name; FILES are of any format that ASE
    reads, every frame of them. Energies in eV from the vacuum level, DOS in states/eV/atom.
    """
    if as_csv and as_json:
        raise InputError("--csv and --json cannot be given together.")
    if plot is not None:
        check_picture(plot)
    kind, _ = model_arguments(model, AtomicDosModel)  # refuses what is none before files are read
    frames = [structure for name in files for structure in atoms_of(name)]
    structures = StructureSet.from_structures(frames)
    share_cores_among_batches(least_chunks(kind, structures))
    network = load_model(model, AtomicDosModel)
    predictor = DosPredictor(network, votes=votes, electrons=parse_electrons(electrons))
    prediction = predictor.predict(structures)
    names = [str(name) for name in structures.names]
    if plot is not None:
        from csnn_tf.plots.dos import MOST_STRUCTURES, plot_dos

        shown = _first(prediction, MOST_STRUCTURES)
        plot_dos(shown, names[: len(shown.dos)], plot)
        part = "" if len(shown.dos) == len(names) else f", of the first {len(shown.dos)} structures"
        click.echo(f"Picture: {plot}{part}", err=True)
    if as_json:
        click.echo(json.dumps(_rows(names, prediction)))
    elif as_csv:
        click.echo(_table(names, prediction), nl=False)
    else:
        missing = (
            "the model does not know how many electrons its elements have (--electrons)"
            if predictor.known_electrons is None
            else "the predicted DOS does not reach the electron count"
        )
        for row in _rows(names, prediction):
            level, band = row["fermi_level"], row["band_energy"]
            known = level is not None
            text = (
                f"Fermi level {level:.3f} eV, band energy {band:.4f} eV/atom"
                if known
                else f"no Fermi level: {missing}"
            )
            click.echo(f"{row['structure']}: {row['atoms']} atoms, {text}")


def _first(prediction: DosPrediction, count: int) -> DosPrediction:
    """The prediction for the first structures."""
    fields = ("dos", "fermi_level", "band_energy", "electrons", "counts")
    parts = {name: getattr(prediction, name)[:count] for name in fields}
    return dataclasses.replace(prediction, **parts)


def _rows(names: list[str], prediction: DosPrediction) -> list[dict]:
    energies = np.round(prediction.energies, 6).tolist()
    return [
        {
            "structure": name,
            "atoms": int(prediction.counts[place]),
            "fermi_level": _number(prediction.fermi_level[place]),
            "band_energy": _number(prediction.band_energy[place]),
            "energies": energies,
            "dos": np.round(prediction.dos[place].astype(float), 7).tolist(),
        }
        for place, name in enumerate(names)
    ]


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _table(names: list[str], prediction: DosPrediction) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["energy_eV", *names])
    for energy, values in zip(prediction.energies, prediction.dos.T, strict=True):
        writer.writerow([f"{energy:.6g}", *(f"{value:.7g}" for value in values)])
    return text.getvalue()

"""Options and data that the commands about densities of states share."""

from pathlib import Path
from typing import Any

import click

from csnn_tf.cli.options import check_recorded, data_name, recorded_data
from csnn_tf.data.atoms import StructureSet, builtin_carbon, load_structures
from csnn_tf.data.atoms.fingerprint import fingerprint
from csnn_tf.data.atoms.structure import Electrons, check_electron_counts
from csnn_tf.errors import InputError
from csnn_tf.training.run_folder import CONTENTS


def structures_option(default: str = "the built-in carbon structures"):
    """`--data`, structures with their densities of states.

    Args:
        default: What is taken without it, for the help text.
    """
    return click.option(
        "--data",
        "path",
        type=click.Path(path_type=Path),
        help="Structures with their DOS: NPZ files, the published layout, or a file that ASE reads "
        "with atoms.info['dos'] (states/eV/atom) and ['dos_energies'] (eV from the vacuum level), "
        "where known also ['type'] and ['split'] (train, val or test) "
        f"[default: {default}].",
    )


electrons_option = click.option(
    "--electrons",
    metavar="C=4,O=6",
    multiple=True,
    callback=lambda *given: ",".join(given[-1]) if given[-1] else None,
    help="Valence electrons of each element, where the data does not say; one number for all.",
)


def parse_electrons(text: str | None) -> Electrons:
    """Electrons from `C=4,O=6` or `4`.

    Raises:
        InputError: If it is neither.
    """
    if text is None:
        return None
    try:
        if "=" not in text:
            return _positive(text)
        pairs = [part.split("=") for part in text.split(",")]
        counts = {element.strip(): _positive(count) for element, count in pairs}
        if len(counts) < len(pairs):
            raise ValueError
    except ValueError:
        raise InputError(
            "--electrons needs a positive number, or one for each element such as C=4,O=6, not "
            f"{text!r}."
        ) from None
    check_electron_counts(counts, "--electrons")
    return counts


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def structures_of(path: Path | None, electrons: str | Electrons) -> StructureSet:
    """The structures with DOS that `--data` and `--electrons`, as text or read already, stand for.

    Raises:
        InputError: If they cannot be read or have no DOS.
    """
    if path is None:
        return builtin_carbon()
    if isinstance(electrons, str):
        electrons = parse_electrons(electrons)
    structures = load_structures(path, electrons)
    if structures.dos is None:
        raise InputError(f"{path} holds structures without a DOS (atoms.info['dos']).")
    return structures


def measured_structures(
    model: str, record: dict[str, Any], path: Path | None, electrons: str | None
) -> tuple[StructureSet, str]:
    """What a trained model is measured on, and its name.

    Args:
        model: As it was given.
        record: How it was trained, see `csnn_tf.models.loading.training_record`.
        path: What was given as --data; without it the run's own data.
        electrons: What was given as --electrons; without it what the run had.

    Raises:
        InputError: If that is not at hand, cannot be read or has no DOS.
    """
    given = path is not None
    if path is None:
        check_recorded(model, record)
        if record["data"] != "carbon":
            path = recorded_data(model, record["data"])
    known = electrons if electrons is not None else record.get("electrons")
    structures = structures_of(path, known)
    begun = record.get(CONTENTS)
    if not given and electrons is None and begun and begun != fingerprint(structures):
        raise InputError(
            f"{model} was trained on other structures than {data_name(path)}: they have changed, "
            "or were given in Python; name what to measure on with --data."
        )
    return structures, data_name(path)

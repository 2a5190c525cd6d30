"""Options and data that the commands about densities of states share."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from csnn_tf.cli.options import check_recorded, data_name, recorded_data
from csnn_tf.data.atoms import (
    Structure,
    StructureSet,
    builtin_carbon,
    load_structures,
    read_frames,
    read_npz,
    structure_from_atoms,
)
from csnn_tf.data.atoms.fingerprint import fingerprint
from csnn_tf.data.atoms.npz import is_npz_name
from csnn_tf.data.atoms.rebinning import rebin_structures
from csnn_tf.data.atoms.structure import Electrons, check_electron_counts
from csnn_tf.errors import InputError
from csnn_tf.even_bins import bins_of_text
from csnn_tf.models.atomic_dos_model import described_bins, same_bins
from csnn_tf.training.run_folder import CONTENTS

_MANY = 1.9
"""States for each electron that bands up to the vacuum level hold less of (carbon: 1.2)."""
_VACUUM = 1.0
"""Energy up to which they are counted, eV: far above the vacuum there may be any number."""


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
    help="Valence electrons of each element, where data or model do not say; one number for all.",
)


_READING = (
    click.option(
        "--per-cell", is_flag=True, help="The DOS and electrons of a file are of the whole cell."
    ),
    click.option(
        "--reference-energy",
        type=float,
        help="Vacuum level on VASP's scale, eV, where --data is a VASP run.",
    ),
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How `--data` is read: `per_cell` and `reference_energy`."""
    for option in reversed(_READING):
        command = option(command)
    return command


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


def structures_of(
    path: Path | None,
    electrons: str | Electrons,
    *,
    per_cell: bool = False,
    reference_energy: float | None = None,
    bins: str | Sequence[float] | None = None,
) -> StructureSet:
    """The structures with DOS that `--data` and the options with it stand for.

    Args:
        path, per_cell, reference_energy: As given.
        electrons: As text or read already.
        bins: As given, or energies, eV.

    Raises:
        InputError: If they cannot be read, have no DOS or do not hold their electrons in the bins.
    """
    energies = bins_of_text(bins) if isinstance(bins, str) else bins
    if isinstance(electrons, str):
        electrons = parse_electrons(electrons)
    if path is None:
        if per_cell or reference_energy is not None:
            raise InputError("--per-cell and --reference-energy are about --data.")
        carbon = builtin_carbon()
        return carbon if energies is None else rebin_structures(carbon, energies)
    structures = load_structures(
        path, electrons, energies=energies, reference_energy=reference_energy, per_cell=per_cell
    )
    if structures.dos is None:
        raise InputError(f"{path} holds structures without a DOS (atoms.info['dos']).")
    return structures


def on_bins_of(
    model: Sequence[float], read: Callable[[Sequence[float] | None], StructureSet]
) -> StructureSet:
    """Structures with their DOS on a model's energies, saying so where they were on others.

    Args:
        model: Energies of the model, eV.
        read: Reads them on the energies that it is given, or on the data's own for None.

    Raises:
        InputError: If they cannot be read, or do not reach over the model's energies.
    """
    wanted = described_bins(model)
    try:
        structures, reason = read(None), None
    except InputError as error:
        # The model's energies stand for missing ones, and may suit grids that do not fit together.
        structures, reason = None, error
    if structures is not None and same_bins(structures.energies, model):
        return structures
    found = None if structures is None else described_bins(structures.energies)
    try:
        structures = read(model)
    except InputError as error:
        if found is not None:
            raise InputError(f"the data has {found}, the model {wanted}: {error}") from None
        if str(error) == str(reason):
            raise
        raise InputError(f"the model has {wanted}: {error}") from None
    if found is None:
        click.echo(f"The DOS are read on the model's {wanted}.", err=True)
    else:
        click.echo(f"The DOS are re-binned from {found} to the model's {wanted}.", err=True)
    return structures


def ask_about_whole_cells(structures: StructureSet) -> bool:
    """Say so if the DOS hold so many states that they seem to be of whole cells; returns whether.

    A DOS of the whole cell has room for the electrons of each atom; more than those of one atom may
    also be empty bands, as of metals with few electrons.
    """
    energies = structures.energies
    width = (energies[-1] - energies[0]) / (len(energies) - 1)
    times = structures.dos[:, energies <= _VACUUM].sum(axis=1) * width / structures.electrons
    known = np.isfinite(times)
    if not known.any():
        return False
    many = float(np.median(times[known]))
    if many < _MANY or np.median((times / structures.counts)[known]) < 0.95:
        return False
    click.echo(
        f"The DOS hold {many:.0f} times the electrons: are they of the whole cell (--per-cell)?",
        err=True,
    )
    return True


def measured_structures(
    model: str,
    record: dict[str, Any],
    energies: Sequence[float],
    path: Path | None,
    electrons: str | None,
    *,
    per_cell: bool = False,
    reference_energy: float | None = None,
) -> tuple[StructureSet, str]:
    """What a trained model is measured on, with the DOS on its energies, and the data's name.

    Args:
        model: As it was given.
        record: How it was trained, see `csnn_tf.models.loading.training_record`.
        energies: Of the model, eV.
        path: What was given as --data; without it the run's own data.
        electrons: What was given as --electrons; without it what the run had.
        per_cell, reference_energy: How to read what was given as --data; the run's own data is read
            as in its training.

    Raises:
        InputError: If that is not at hand, cannot be read or has no DOS.
    """
    known = electrons if electrons is not None else record.get("electrons")
    how: dict[str, Any] = {"per_cell": per_cell, "reference_energy": reference_energy}
    if path is not None:
        given = path
        structures = on_bins_of(
            energies, lambda bins: structures_of(given, known, bins=bins, **how)
        )
        # Only what ASE reads may be of the whole cell.
        doubtful = record.get("per_cell") and path.is_file() and not is_npz_name(path)
        if not ask_about_whole_cells(structures) and doubtful and not per_cell:
            click.echo(
                f"{model} was trained on DOS of the whole cell: are these, too (--per-cell)?",
                err=True,
            )
        return structures, data_name(path)
    if per_cell or reference_energy is not None:
        raise InputError("--per-cell and --reference-energy are about --data.")
    how = {name: record[name] for name in (*how, "bins") if name in record}
    check_recorded(model, record)
    if record["data"] != "carbon":
        path = recorded_data(model, record["data"])
    trained_on = structures_of(path, known, **how)
    begun = record.get(CONTENTS)
    if electrons is None and begun and begun != fingerprint(trained_on):
        raise InputError(
            f"{model} was trained on other structures than {data_name(path)}: they have changed, "
            "or were given in Python; name what to measure on with --data."
        )

    def read(bins: Sequence[float] | None) -> StructureSet:
        return trained_on if bins is None else structures_of(path, known, **{**how, "bins": bins})

    return on_bins_of(energies, read), data_name(path)


def atoms_of(file: str | Path) -> Iterator[Structure]:
    """The structures of a file, at least one, with nothing else that it may say of them."""
    if is_npz_name(file):
        found = read_npz(file, atoms_only=True)
        if not len(found):
            raise InputError(f"{file} holds no structures.")
        yield from found
    else:
        for place, atoms in enumerate(read_frames(file)):
            yield structure_from_atoms(atoms, f"{file}[{place}]", atoms_only=True)

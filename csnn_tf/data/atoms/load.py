"""One way in: find out what a path holds and read it."""

from __future__ import annotations

import os
from pathlib import Path

from numpy.typing import ArrayLike

from csnn_tf.checks import check_path
from csnn_tf.data.atoms.ase_files import read_ase
from csnn_tf.data.atoms.npz import is_npz_name, npz_files, read_npz
from csnn_tf.data.atoms.published import read_published
from csnn_tf.data.atoms.rebinning import DEFAULT_ENERGIES
from csnn_tf.data.atoms.structure import Electrons
from csnn_tf.data.atoms.structure_set import StructureSet
from csnn_tf.data.atoms.vasp import read_vasp
from csnn_tf.errors import InputError


def load_structures(
    path: str | os.PathLike,
    electrons: Electrons = None,
    *,
    energies: ArrayLike | None = None,
    reference_energy: float | None = None,
    per_cell: bool = False,
) -> StructureSet:
    """Read structures from a file or folder of any form that this package knows.

    Our NPZ files (`read_npz`), VASP runs (`read_vasp`), the published layout (`read_published`),
    and any other file through ASE (`read_ase`).

    Args:
        path: File or folder; of VASP, the folder of a run or one with the folders of several.
        electrons: Valence electrons per atom, a number or one by chemical symbol.
        energies: [bins], eV, to which a DOS on others is re-binned; None takes a file's own grid,
            or 310 bins of 0.1 eV from -30 eV.
        reference_energy: Vacuum level on VASP's scale, eV, one for all runs; VASP runs need it, and
            nothing else has a use for it.
        per_cell: The DOS and electrons in a file that ASE reads are of the whole cell; nothing else
            has a use for it.

    Returns:
        The structures.

    Raises:
        InputError: The path does not exist or cannot be used.
    """
    path = check_path(path)
    grid = DEFAULT_ENERGIES if energies is None else energies
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    try:
        return _read(path, electrons, energies, grid, reference_energy, per_cell)
    except InputError as error:
        # What is wrong with the atoms themselves is said without knowing the file.
        message = str(error)
        raise InputError(message if str(path) in message else f"{path}: {message}") from error


def _read(
    path: Path,
    electrons: Electrons,
    energies: ArrayLike | None,
    grid: ArrayLike,
    reference_energy: float | None,
    per_cell: bool,
) -> StructureSet:
    is_npz = is_npz_name(path) or (path.is_dir() and bool(npz_files(path)))
    if per_cell and (is_npz or not path.is_file()):
        raise InputError(f"{path} holds DOS per atom: per_cell does not apply.")
    runs = [] if is_npz else _vasp_runs(path)
    if runs:
        if reference_energy is None:
            raise InputError(
                f"{runs[0]} is a VASP run, which needs the reference (vacuum) energy: "
                "--reference-energy, or reference_energy."
            )
        return read_vasp(runs, reference_energy, grid, electrons)
    if reference_energy is not None:
        deeper = None if path.is_file() else next(path.rglob("DOSCAR"), None)
        if deeper is not None:
            raise InputError(
                f"{path} holds a VASP run too deep, in {deeper.parent}: name "
                f"{deeper.parent.parent}, or put all runs into one folder."
            )
        if path.is_file() and (path.parent / "DOSCAR").is_file():
            raise InputError(f"{path} is a file: name the folder of the VASP run, {path.parent}.")
        raise InputError(
            f"{path} is no VASP run: its energies are from the vacuum level, reference_energy "
            "does not apply."
        )
    if is_npz:
        return read_npz(path, electrons, energies)
    if path.is_file():
        return read_ase(path, energies, electrons, per_cell=per_cell)
    inside = sorted(path.iterdir())
    if inside and not any(each.is_dir() for each in inside):
        raise InputError(
            f"{path} is a folder of files, of no known layout: name the file, such as {inside[0]}."
        )
    return read_published(path, energies=grid, electrons=electrons)


def _vasp_runs(path: Path) -> list[Path]:
    """The folders of the VASP runs in a folder, or itself if it is one."""
    if (path / "DOSCAR").is_file():
        return [path]
    return sorted(found.parent for found in path.glob("*/DOSCAR") if found.is_file())

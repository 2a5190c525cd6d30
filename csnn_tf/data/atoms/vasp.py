"""Structures and DOS of VASP runs."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.checks import check_path
from csnn_tf.data.atoms.ase_files import read_frames, structure_from_atoms
from csnn_tf.data.atoms.rebinning import (
    DEFAULT_ENERGIES,
    check_electrons,
    energy_bins,
    rebin_cumulative,
)
from csnn_tf.data.atoms.structure import Electrons, Structure, electrons_per_atom
from csnn_tf.data.atoms.structure_set import StructureSet
from csnn_tf.errors import InputError
from csnn_tf.even_bins import evened

_ROUNDING = 1e-3  # of a number with four digits
_STRUCTURE_FILES = ("CONTCAR", "POSCAR", "vasprun.xml")  # CONTCAR: the positions of the last step


class Doscar(NamedTuple):
    """Total DOS of a DOSCAR, of the whole cell, both spin channels summed.

    Attributes:
        ions: Numbers of atoms in the cell, with and without empty spheres; none if not legible.
        energies: [n], eV on VASP's own scale.
        dos: [n], states/eV.
        cumulative: [n], states.
        fermi_level: eV on VASP's own scale.
    """

    ions: frozenset[int]
    energies: NDArray
    dos: NDArray
    cumulative: NDArray
    fermi_level: float


def read_vasp(
    folders: str | os.PathLike | Sequence[str | os.PathLike],
    reference_energy: float | Sequence[float],
    energies: ArrayLike = DEFAULT_ENERGIES,
    electrons: Electrons = None,
) -> StructureSet:
    """Read the last structure and the total DOS of VASP runs.

    A run is a folder with DOSCAR and CONTCAR, POSCAR or vasprun.xml (the first of these that is
    there and not empty). The bins are filled from DOSCAR's integrated DOS, with the digits of the
    DOS beside it, so they conserve it.

    Args:
        folders: One run or several.
        reference_energy: Energy on VASP's scale that becomes zero, eV: the vacuum level (the
            plateau of the planar-averaged LOCPOT). One for all or one a run.
        energies: [bins], eV from the reference energy.
        electrons: Valence electrons per atom, a number or one by chemical symbol. Otherwise NELECT
            of vasprun.xml, and without that file the whole number nearest to the integrated DOS at
            DOSCAR's Fermi level.

    Returns:
        One structure a run.

    Raises:
        InputError: A file is missing or malformed, the DOS does not hold the run's electrons, or
            there are not as many reference energies as runs.
    """
    runs = [folders] if isinstance(folders, str | os.PathLike) else list(folders)
    try:
        references = np.broadcast_to(np.asarray(reference_energy, np.float64), len(runs))
    except (TypeError, ValueError):
        references = np.array([np.nan])
    if not np.isfinite(references).all():
        raise InputError(
            f"reference_energy must be a number, or one for each of the {len(runs)} runs, not "
            f"{reference_energy!r:.60}."
        )
    grid = energy_bins(energies)
    return StructureSet.from_structures(
        [
            _read_run(check_path(run), float(zero), grid, electrons)
            for run, zero in zip(runs, references, strict=True)
        ],
        grid,
    )


def read_doscar(path: str | os.PathLike) -> Doscar:
    """Read the total DOS of a DOSCAR.

    Raises:
        InputError: It does not exist or is malformed.
    """
    path = Path(path)
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    try:
        # EMAX EMIN NEDOS E_F weight; wide numbers may touch, so NEDOS is taken by column
        header = lines[5]
        rows, fermi_level = int(header[32:37]), float(header[37:53])
        if not 2 <= rows <= len(lines) - 6:
            raise InputError(f"{path} announces {rows} energies but has {len(lines) - 6} lines.")
        table = np.array([line.split() for line in lines[6 : 6 + rows]], np.float64)
    except (IndexError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not a DOSCAR: {error}") from error
    if table.shape[1] == 3:  # energy, DOS, integrated DOS
        dos, cumulative = table[:, 1], table[:, 2]
    elif table.shape[1] == 5:  # energy, DOS up, DOS down, integrated up, integrated down
        dos, cumulative = table[:, 1] + table[:, 2], table[:, 3] + table[:, 4]
    else:
        raise InputError(f"{path} has {table.shape[1]} columns; expected 3 or, with spin, 5.")
    cumulative = _with_digits(table[:, 0], dos, cumulative)
    return Doscar(_ions(lines[0]), table[:, 0], dos, cumulative, fermi_level)


def _ions(line: str) -> frozenset[int]:
    """The first two numbers of a DOSCAR, of four columns each: wide ones touch, wider are stars."""
    words = line.split()
    if len(words) < 4:
        words = [line[:4], line[4:8]]
    return frozenset(int(word) for word in words[:2] if word.strip().isdecimal())


def _with_digits(energies: NDArray, dos: NDArray, cumulative: NDArray) -> NDArray:
    """The integrated DOS with the digits of the DOS.

    VASP's DOS is the difference of the integrated one from an energy to the next, divided by their
    distance, so that its sum loses nothing either. Both have four digits: of many states, that is
    more than what one energy adds. Where the sum is another one, the integrated DOS stays.
    """
    summed = cumulative[0] + np.append(0.0, np.cumsum(dos[1:] * np.diff(evened(energies))))
    same = np.abs(summed - cumulative).max() <= _ROUNDING * np.abs(cumulative).max()
    return summed if same else cumulative


def _read_run(folder: Path, zero: float, grid: NDArray, electrons: Electrons) -> Structure:
    files = [folder / name for name in _STRUCTURE_FILES]
    source = next((file for file in files if file.is_file() and file.stat().st_size), None)
    if source is None:
        raise InputError(f"{folder} holds none of {', '.join(_STRUCTURE_FILES)}.")
    kind = "vasp-xml" if source.suffix == ".xml" else "vasp"
    structure = structure_from_atoms(read_frames(source, kind)[-1], str(folder))
    atoms = len(structure.numbers)
    doscar = read_doscar(folder / "DOSCAR")
    name = str(folder / "DOSCAR")
    if doscar.ions and atoms not in doscar.ions:
        raise InputError(f"{name} is of {max(doscar.ions)} atoms, but {source.name} has {atoms}.")
    filled = float(np.interp(doscar.fermi_level, doscar.energies, doscar.cumulative))
    structure.electrons = electrons_per_atom(structure.numbers, electrons, str(folder))
    if np.isnan(structure.electrons):
        total = _nelect(folder / "vasprun.xml")
        total = _whole_count(doscar, filled, atoms, name) if total is None else total
        structure.electrons = total / atoms
    # DOSCAR resolves the Fermi level to one step of its grid.
    step = float(np.diff(doscar.energies).max())
    at_fermi = float(np.interp(doscar.fermi_level, doscar.energies, doscar.dos)) / atoms
    filled /= atoms
    off = filled - structure.electrons
    if abs(off) > 0.01 + step * at_fermi:
        raise InputError(
            f"{name} holds {filled:.4f} electrons/atom below its Fermi level, {abs(off):.4f} "
            f"{'more' if off > 0 else 'fewer'} than the {structure.electrons:.4f} expected."
        )
    structure.dos = rebin_cumulative(doscar.energies - zero, doscar.cumulative / atoms, grid, name)
    check_electrons(grid, structure.dos, structure.electrons, name)
    return structure


def _whole_count(doscar: Doscar, filled: float, atoms: int, name: str) -> float:
    """Electrons of the whole cell: the whole number nearest to those below the Fermi level.

    Of large cells on coarse energies what it holds, where that is near enough for each atom.
    """
    whole = float(np.round(filled))
    after = int(np.searchsorted(doscar.energies, doscar.fermi_level))
    # Between two energies the integrated DOS is no line where steps beside add more or less.
    doubt = float(np.ptp(np.diff(doscar.cumulative)[max(after - 2, 0) : after + 1]))
    if 0.5 < doubt <= 0.01 * atoms:
        return filled
    if doubt > 0.5 or abs(filled - whole) > min(0.01 * atoms, 0.25) + doubt:
        raise InputError(
            f"{name} holds {filled:.2f} electrons below its Fermi level, too far from a whole "
            "number or with too coarse energies to tell their count: give --electrons."
        )
    return whole


def _nelect(path: Path) -> float | None:
    """Electrons of the whole cell as vasprun.xml states them, or None without that file."""
    if not path.is_file():
        return None
    try:
        for _, element in ElementTree.iterparse(path):
            if element.tag == "i" and element.get("name") == "NELECT":
                return float(element.text or "")
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return None

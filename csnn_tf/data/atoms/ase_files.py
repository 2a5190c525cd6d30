"""Structures from anything ASE reads; the DOS comes from `atoms.info`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.checks import check_path
from csnn_tf.data.atoms.announced import check_counts
from csnn_tf.data.atoms.rebinning import (
    check_all_electrons,
    check_electrons,
    energy_bins,
    rebin_dos,
)
from csnn_tf.data.atoms.structure import (
    Electrons,
    Structure,
    check_dos,
    check_numbers,
    electrons_per_atom,
)
from csnn_tf.data.atoms.structure_set import StructureSet
from csnn_tf.errors import InputError
from csnn_tf.even_bins import evened

if TYPE_CHECKING:
    from ase import Atoms


def read_ase(
    path: str | os.PathLike,
    energies: ArrayLike | None = None,
    electrons: Electrons = None,
    *,
    per_cell: bool = False,
    format: str | None = None,
) -> StructureSet:
    """Read all structures of a file (extxyz, ase.db, POSCAR, CIF, ...).

    From `atoms.info` (of a database: the row's data and key-value pairs) come, where present,
    `dos` [n] in states/eV/atom, `dos_energies` [n] in eV from the vacuum level, `electrons` per
    atom, `efermi` in eV, `type`, `temperature` in K and `split`.

    Args:
        path: The file.
        energies: [bins], eV. A DOS on another grid is re-binned to it; one without
            `dos_energies` must lie on it. None takes the grid of the first DOS in the file.
        electrons: Valence electrons per atom, a number or one by chemical symbol; the file's own
            figure goes first. Where known, the DOS must hold as many.
        per_cell: The DOS and electrons in the file are of the whole cell.
        format: ASE's name of the file format, where the file's name does not say.

    Returns:
        The structures.

    Raises:
        InputError: ASE cannot read the file, or a structure or its DOS cannot be used.
    """
    path = Path(path)
    frames = read_frames(path, format)
    return structures_from_atoms(frames, energies, electrons, per_cell=per_cell, name=str(path))


def structures_from_atoms(
    frames: Iterable[Atoms],
    energies: ArrayLike | None = None,
    electrons: Electrons = None,
    *,
    per_cell: bool = False,
    name: str = "atoms",
) -> StructureSet:
    """A set of ASE objects, with the DOS in their `info` if it is there.

    Args:
        frames: At least one structure.
        energies, electrons, per_cell: As of `read_ase`, which also says what `info` may hold.
        name: Structures are called NAME[0], NAME[1], ...

    Returns:
        The structures.

    Raises:
        InputError: A structure, its DOS or the energies cannot be used.

    Example:
        >>> structures_from_atoms([ase.build.bulk("C")], electrons={"C": 4}).electrons
        array([4.])
    """
    if hasattr(frames, "get_positions"):
        raise InputError("frames must be a list of ase.Atoms objects: put the one into a list.")
    structures, grid = [], None if energies is None else energy_bins(energies)
    for index, atoms in enumerate(frames):
        structure = structure_from_atoms(atoms, f"{name}[{index}]")
        divisor = len(atoms) if per_cell else 1
        given = atoms.info.get("electrons")
        structure.electrons = (
            electrons_per_atom(structure.numbers, electrons, structure.name)
            if given is None
            else _number(atoms.info, "electrons", structure.name) / divisor
        )
        if "dos" in atoms.info:
            dos = _floats(atoms.info["dos"], structure.name, "dos") / divisor
            own = atoms.info.get("dos_energies")
            own = None if own is None else evened(_floats(own, structure.name, "dos_energies"))
            if grid is None:
                if own is None:
                    raise InputError(
                        f"{structure.name} has a DOS and no energies of it: they belong into "
                        "atoms.info['dos_energies'], in eV from the vacuum level."
                    )
                grid = own
            check_dos(dos, grid.size if own is None else own.size, structure.name)
            source = grid if own is None else own
            level = None
            if atoms.info.get("efermi") is not None:
                level = _number(atoms.info, "efermi", structure.name)
            check_electrons(source, dos, structure.electrons, structure.name, level)
            structure.dos = rebin_dos(source, dos, grid, structure.name)
        structures.append(structure)
    found = StructureSet.from_structures(structures, grid)
    check_all_electrons(found)  # other energies than its own may leave some out of a DOS
    return found


def read_frames(path: str | os.PathLike, format: str | None = None) -> list[Atoms]:
    """All structures of a file as ASE objects, at least one.

    Raises:
        InputError: The file does not exist, ASE cannot read it, or it holds none.
    """
    import ase.db
    import ase.io

    path = check_path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file in it.")
    if not path.is_file():
        raise InputError(f"{path} does not exist.")
    try:
        check_counts(path, format)
        kind = format if format in ("db", "json") else path.suffix.removeprefix(".")
        if kind == "db":
            _check_database(path)
        # ase.io reads these too, without the rows' data.
        if kind in ("db", "json"):
            with ase.db.connect(path, type=kind) as database:
                frames = [_from_row(row) for row in database.select()]
        else:
            # Otherwise ASE takes what follows an "@" in the name for a choice of frames.
            frames = ase.io.read(path, index=":", format=format, do_not_split_by_at_sign=True)
    except Exception as error:  # ASE's readers raise anything on malformed files
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, ase.io.formats.UnknownFileTypeError):
            raise InputError(f"{path} is of no kind that ASE knows: {reason}.") from error
        raise InputError(f"{path} cannot be read by ASE: {reason}") from error
    if not frames:
        raise InputError(f"{path} holds no structures.")
    return frames


def check_atoms(atoms: object, name: str) -> None:
    """Raise `InputError` unless it is an ASE object."""
    if not hasattr(atoms, "get_positions"):
        raise InputError(f"{name} must be an ase.Atoms object, not a {type(atoms).__name__}.")


def structure_from_atoms(atoms: Atoms, name: str, *, atoms_only: bool = False) -> Structure:
    """The structure, type, temperature and split of an ASE object; no DOS.

    Args:
        atoms: The object.
        name: What messages call it.
        atoms_only: Leave out the temperature and split, whatever they are.

    Raises:
        InputError: It is no ASE object, has no atoms, one of no element or a site that is occupied
            in part, or the temperature is no number.
    """
    check_atoms(atoms, name)
    if not len(atoms):
        raise InputError(f"{name}: the structure has no atoms.")
    check_numbers(atoms.get_atomic_numbers(), name)
    _check_occupied(atoms.info.get("occupancy"), name)
    info = {} if atoms_only else atoms.info
    kind, split = atoms.info.get("type"), info.get("split")
    return Structure(
        positions=atoms.get_positions(),
        numbers=atoms.get_atomic_numbers(),
        cell=atoms.cell.array.copy(),
        pbc=np.asarray(atoms.pbc, bool),
        type=atoms.get_chemical_formula() if kind is None else str(kind),
        temperature=_number(info, "temperature", name),
        split="" if split is None else str(split),
        name=name,
    )


def _check_occupied(sites: Any, name: str) -> None:
    """Refuse sites that are partly occupied, or by several elements, of which ASE takes one.

    Args:
        sites: What ASE's readers leave in `atoms.info`: occupancies by site and element.
        name: What messages call the structure.
    """
    for site in sites.values() if isinstance(sites, dict) else ():
        if isinstance(site, dict) and (len(site) > 1 or any(map(_is_share, site.values()))):
            shares = ", ".join(f"{element} {share}" for element, share in site.items())
            raise InputError(
                f"{name} has a site that is partly occupied ({shares}): make a supercell of "
                "whole atoms, and delete atoms.info['occupancy'] of it."
            )


def _is_share(occupancy: Any) -> bool:
    return isinstance(occupancy, Real) and abs(float(occupancy) - 1) > 1e-3


def _check_database(path: Path) -> None:
    """Refuse a database that ASE did not make; ASE would make its tables in it.

    Raises:
        ValueError: If it is one. SQLite raises its own errors where it is no database.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        tables = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'systems'"
        if database.execute(tables).fetchone() is None:
            raise ValueError("it has no table systems, as databases of ASE have.")


def _from_row(row: Any) -> Atoms:
    atoms = row.toatoms()
    atoms.info.update({**row.key_value_pairs, **row.data})
    return atoms


def _number(info: dict, field: str, name: str) -> float:
    """A number of `atoms.info`, NaN where it is missing."""
    value = info.get(field)
    try:
        return np.nan if value is None else float(value)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name}: {field} is {info[field]!r}; expected a number.") from error


def _floats(values: Any, name: str, field: str) -> NDArray:
    try:
        return np.asarray(values, np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name}: {field} is not a list of numbers.") from error

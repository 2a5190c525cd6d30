"""The directory layout of the published carbon data set."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.atomic_files import folder_aside
from csnn_tf.checks import check_number, check_path, check_seed
from csnn_tf.data.atoms.ase_files import read_frames, structure_from_atoms
from csnn_tf.data.atoms.rebinning import DEFAULT_ENERGIES, check_electrons, energy_bins, rebin_dos
from csnn_tf.data.atoms.structure import Electrons, Structure, check_dos, electrons_per_atom
from csnn_tf.data.atoms.structure_set import StructureSet
from csnn_tf.errors import InputError

_TEST_PREFIX = "Test_"
_SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def read_published(
    root: str | os.PathLike,
    splits: Mapping[str, str | os.PathLike] | None = None,
    energies: ArrayLike = DEFAULT_ENERGIES,
    electrons: Electrons = None,
    *,
    validation_share: float = 0.2,
    seed: int = 0,
) -> StructureSet:
    """Read NAME/TEMPK/CONFIG/{POSCAR, doscar_s} with its CSV splits.

    `doscar_s` has two columns: energy in eV from the vacuum level, DOS of the whole cell in
    states/eV, both spins. A last row beyond the energy bins is dropped, as the published code does.

    A split is a CSV file with one snapshot a line: any one of its cells is the path of the
    snapshot's folder (or of a file in it), relative to the CSV's folder or to `root`; a first line
    without such a path, and without slashes, is a header. Without `splits` the files Train.csv,
    Val.csv and Test.csv in `root` (in any case) are taken. Snapshots under a folder Test_NAME are
    test snapshots where no CSV says otherwise; without any CSV a random part of the others is for
    validation.

    Args:
        root: Folder that holds the NAME folders.
        splits: "train", "val", "test" to CSV files; only the snapshots they list are read, and
            those under Test_NAME where there is no CSV for "test".
        energies: [bins], eV; another grid in the files is re-binned to it.
        electrons: Valence electrons per atom, a number or one by chemical symbol. Where given,
            every DOS must hold as many.
        validation_share: Share of validation snapshots where no CSV says, from 0 to 1.
        seed: Seed of that choice.

    Returns:
        The snapshots, split by split as in the CSV files, otherwise in alphabetical order.

    Raises:
        InputError: A folder, file or CSV line cannot be used, or a snapshot is listed twice; the
            message names it.
    """
    root = check_path(root)
    if not root.is_dir():
        raise InputError(f"{root} is not a folder.")
    grid = energy_bins(energies)
    validation_share = check_number("validation_share", validation_share, 0, 1)
    check_seed(seed)
    tables = dict(splits) if splits is not None else _find_tables(root)
    chosen: list[tuple[Path, str]] = []
    if tables:
        for split, table in tables.items():
            if split not in ("train", "val", "test"):
                raise InputError(f"split {split!r} is unknown; expected 'train', 'val' or 'test'.")
            chosen += [(folder, split) for folder in _read_table(Path(table), root)]
        _check_listed(chosen)
        if "test" not in tables:
            listed = {folder.resolve() for folder, _ in chosen}
            held_out = [f for f in _snapshots(root) if _is_test(f) and f.resolve() not in listed]
            chosen += [(folder, "test") for folder in held_out]
    else:
        chosen = _random_split(_snapshots(root), validation_share, seed)
    if not chosen:
        raise InputError(f"{root} holds no NAME/TEMPK/CONFIG/POSCAR.")
    return StructureSet.from_structures(
        [_read_snapshot(folder, split, grid, electrons) for folder, split in chosen], grid
    )


def write_published(root: str | os.PathLike, structures: StructureSet) -> None:
    """Write a set in the published layout, with Train.csv, Val.csv and Test.csv.

    Args:
        root: Folder to make; it appears only when complete.
        structures: Structures with DOS, type, temperature and split.

    Raises:
        InputError: The set has no DOS, or a structure is not periodic in all three directions,
            which its file could not say; a type or split is no plain name of a file; or the folder
            holds something, or cannot be written.
    """
    import ase

    root = Path(root)
    if structures.dos is None:
        raise InputError("the published layout needs a DOS for every structure.")
    open_ends = ~structures.pbc.all(axis=1)
    if open_ends.any():
        raise InputError(
            f"{structures.names[open_ends.argmax()]} is not periodic in all three directions, "
            "which the POSCAR files of the published layout take for granted."
        )
    _check_names(structures)
    grid = structures.energies
    rows = np.append(grid, 2 * grid[-1] - grid[-2])
    listed: dict[str, list[str]] = {}
    with folder_aside(root) as aside:
        for index in range(len(structures)):
            item = structures[index]
            prefix = _TEST_PREFIX if item.split == "test" else ""
            config = f"{item.type}_{item.temperature:g}_{index + 1}"
            folder = Path(prefix + item.type, f"{item.temperature:g}K", config)
            (aside / folder).mkdir(parents=True, exist_ok=True)
            atoms = ase.Atoms(item.numbers, item.positions, cell=item.cell, pbc=True)
            atoms.write(aside / folder / "POSCAR", format="vasp", direct=False)
            cell_dos = np.append(item.dos * len(item.numbers), 0.0)
            np.savetxt(aside / folder / "doscar_s", np.c_[rows, cell_dos], fmt="%.4f %.8f")
            listed.setdefault(item.split, []).append(folder.as_posix())
        for split, folders in listed.items():
            if split:
                name = f"{split.capitalize()}.csv"
                with (aside / name).open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerows([["folder"], *zip(folders)])


def _check_names(structures: StructureSet) -> None:
    """Raise `InputError` if a type or a split, which paths are made of, is no plain name."""
    for field, values in (("type", structures.types), ("split", structures.split)):
        for index, value in enumerate(values.tolist()):
            if field == "split" and not value:
                continue
            is_plain = value == value.strip() and value.isprintable() and not {*value} & {*"/\\"}
            if not is_plain or value in ("", ".", "..") or value.startswith(_TEST_PREFIX):
                raise InputError(
                    f"{structures.names[index]} has the {field} {value!r:.60}, of which the "
                    "published layout cannot make the name of a folder or file."
                )


def _find_tables(root: Path) -> dict[str, Path]:
    found = {}
    for file in sorted(root.iterdir()):
        split = _SPLIT_NAMES.get(file.stem.lower())
        if file.suffix.lower() == ".csv" and split:
            if split in found:
                raise InputError(f"{found[split]} and {file} are both of {split!r}: keep one.")
            found[split] = file
    return dict(sorted(found.items(), key=lambda item: ("train", "val", "test").index(item[0])))


def _read_table(path: Path, root: Path) -> list[Path]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if any(cell.strip() for cell in line)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    folders = []
    for number, line in enumerate(lines, start=1):
        found = next((f for cell in line if (f := _resolve(cell, path.parent, root))), None)
        if found is not None:
            folders.append(found)
        elif number > 1 or any(slash in cell for cell in line for slash in "/\\"):
            hint = " (a header has no slash)" if number == 1 else ""
            raise InputError(
                f"{path}, entry {number}: no cell of {line} is a folder with a POSCAR under "
                f"{path.parent} or {root}{hint}."
            )
    if not folders:
        raise InputError(f"{path} lists no snapshot folder.")
    return folders


def _check_listed(chosen: list[tuple[Path, str]]) -> None:
    """Raise `InputError` if a snapshot is listed more than once."""
    known: dict[Path, str] = {}
    for folder, split in chosen:
        place = folder.resolve()
        if known.get(place) == split:
            raise InputError(f"{folder} is listed twice for {split!r}, and would count double.")
        if place in known:
            raise InputError(
                f"{folder} is listed for {known[place]!r} and for {split!r}; a snapshot is of one "
                "split."
            )
        known[place] = split


def _resolve(cell: str, *bases: Path) -> Path | None:
    if not cell.strip():
        return None
    for base in bases:
        path = base / cell.strip()
        for folder in (path, path.parent):
            if (folder / "POSCAR").is_file():
                return folder
    return None


def _snapshots(root: Path) -> list[Path]:
    return sorted(file.parent for file in root.glob("*/*/*/POSCAR"))


def _is_test(folder: Path) -> bool:
    return folder.parent.parent.name.startswith(_TEST_PREFIX)


def _random_split(folders: list[Path], share: float, seed: int) -> list[tuple[Path, str]]:
    rest = [folder for folder in folders if not _is_test(folder)]
    order = np.random.default_rng(seed).permutation(len(rest))
    validation = {rest[index] for index in order[: round(share * len(rest))]}
    return [
        (folder, "test" if _is_test(folder) else "val" if folder in validation else "train")
        for folder in folders
    ]


def _read_snapshot(folder: Path, split: str, grid: NDArray, electrons: Electrons) -> Structure:
    atoms = read_frames(folder / "POSCAR", "vasp")[0]
    structure = structure_from_atoms(atoms, str(folder))
    kelvin = re.fullmatch(r"(\d+(?:\.\d+)?)K", folder.parent.name)
    structure.type = folder.parent.parent.name.removeprefix(_TEST_PREFIX)
    structure.temperature = float(kelvin[1]) if kelvin else np.nan
    structure.split = split
    structure.electrons = electrons_per_atom(structure.numbers, electrons, str(folder))
    file = folder / "doscar_s"
    try:
        table = np.loadtxt(file, ndmin=2)
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    if table.shape[1] < 2 or not len(table):
        raise InputError(f"{file} has {table.shape[1]} columns; expected energy and DOS.")
    source, dos = table[:, 0], table[:, 1] / len(atoms)
    if len(source) >= len(grid) and np.allclose(source[: len(grid)], grid, rtol=0, atol=1e-3):
        source, dos = grid, dos[: len(grid)]
    check_dos(dos, len(source), str(file))
    structure.dos = rebin_dos(source, dos, grid, str(file))
    check_electrons(grid, structure.dos, structure.electrons, str(file))
    return structure

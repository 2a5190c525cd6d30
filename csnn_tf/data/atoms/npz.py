"""Our own NPZ files: one per structure type, or one for a whole set."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.atomic_files import write_aside
from csnn_tf.checks import check_path
from csnn_tf.data.atoms.rebinning import check_all_electrons, energy_bins, rebin_structures
from csnn_tf.data.atoms.structure import Electrons, electrons_per_atom
from csnn_tf.data.atoms.structure_set import StructureSet
from csnn_tf.data.npy_headers import check_packed, read_header
from csnn_tf.errors import InputError

# What a file may say of structures, besides their atoms.
_ABOUT_ATOMS = ("dos", "energies", "electrons", "temperature", "split")


def read_npz(
    path: str | os.PathLike,
    electrons: Electrons = None,
    energies: ArrayLike | None = None,
    *,
    atoms_only: bool = False,
) -> StructureSet:
    """Read an NPZ file, or all of a folder in alphabetical order.

    A file of one type holds `positions` [S, N, 3] Å, `numbers` [N], `cell` [3, 3] or [S, 3, 3],
    `pbc` [3], and where known `dos` [S, bins] states/eV/atom with `energies` [bins] eV,
    `temperature` [S] K, `split` [S], `electrons` [S] per atom; its type is the file's name. A file
    with `counts` holds a whole set, as `write_npz` makes it. Other arrays are ignored.

    Args:
        path: File or folder.
        electrons: Valence electrons per atom, a number or one by chemical symbol, where the file
            does not say.
        energies: [bins], eV, to which a DOS on others is re-binned; None takes the first file's.
        atoms_only: Leave out the DOS, electrons, temperature and split, whatever they hold.

    Returns:
        The structures.

    Raises:
        InputError: Something is missing, malformed or not a NumPy archive, or does not fit the
            bins; the message names it.
    """
    path = check_path(path)
    files = npz_files(path) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no .npz files.")
    bins = None if energies is None else energy_bins(energies)
    parts: list[StructureSet] = []
    for file in files:
        parts.append(_read_file(file, electrons, bins, atoms_only))
        bins = parts[0].energies if bins is None else bins
    return StructureSet.concatenate(parts)


def is_npz_name(path: str | os.PathLike) -> bool:
    """Whether a file's name ends as those of NPZ files do, in letters of any case."""
    return Path(path).suffix.lower() == ".npz"


def npz_files(folder: Path) -> list[Path]:
    """The NPZ files of a folder in alphabetical order, without hidden ones."""
    return sorted(
        file for file in folder.iterdir() if is_npz_name(file) and not file.name.startswith(".")
    )


def write_npz(path: str | os.PathLike, structures: StructureSet) -> None:
    """Write a whole set to one compressed file (positions and DOS in float32).

    Args:
        path: File to make; it appears only when complete.
        structures: What to write; names of structures are left out.

    Raises:
        InputError: The file cannot be written.
    """
    arrays = {
        "positions": structures.positions.astype(np.float32),
        "numbers": structures.numbers.astype(np.uint8),
        "counts": structures.counts.astype(np.int32),
        "cell": structures.cells,
        "pbc": structures.pbc,
        "electrons": structures.electrons,
        "types": structures.types,
        "temperature": structures.temperature.astype(np.float32),
        "split": structures.split,
    }
    if structures.dos is not None:
        arrays |= {"dos": structures.dos, "energies": structures.energies}
    save_arrays(path, arrays)


def save_arrays(path: str | os.PathLike, arrays: dict[str, NDArray]) -> None:
    """Write arrays to a compressed NPZ file, as a whole or not at all.

    Raises:
        InputError: The file cannot be written.
    """
    write_aside(Path(path), lambda temporary: _compress(temporary, arrays))


def _compress(path: Path, arrays: dict[str, NDArray]) -> None:
    with path.open("wb") as stream:  # by its name NumPy would add .npz to others
        np.savez_compressed(stream, **arrays)


def load_arrays(path: str | os.PathLike, skip: Collection[str] = ()) -> dict[str, NDArray]:
    """Read the arrays of an NPZ file after bounding what its headers claim by its real size.

    Args:
        path: The file.
        skip: Names of arrays that are not looked at.

    Raises:
        InputError: Not an NPZ file of plain arrays, or one whose headers do not fit its size.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename.removesuffix(".npy") in skip:
                    continue
                check_packed(entry, path.stat().st_size)
                with archive.open(entry) as stream:
                    read_header(stream, entry.file_size)
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files if key not in skip}
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} cannot be read as a NumPy .npz file: {error}") from error


def _read_file(
    path: Path, electrons: Electrons, bins: NDArray | None, atoms_only: bool
) -> StructureSet:
    arrays = load_arrays(path, skip=_ABOUT_ATOMS if atoms_only else ())
    needed = ["positions", "numbers", "cell", "pbc"] + ["energies"] * ("dos" in arrays)
    missing = [key for key in needed if key not in arrays]
    if missing:
        raise InputError(f"{path} lacks the array {missing[0]!r}; it has {sorted(arrays)}.")
    try:
        read = _whole_set if "counts" in arrays else _type
        structures = read(path, arrays)
        for index in np.flatnonzero(np.isnan(structures.electrons)):
            item = structures[index]
            structures.electrons[index] = electrons_per_atom(item.numbers, electrons, item.name)
        check_all_electrons(structures)
        return structures if bins is None else rebin_structures(structures, bins)
    except InputError as error:
        message = str(error)
        raise InputError(message if str(path) in message else f"{path}: {message}") from None
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} has arrays that do not belong together: {error}") from error


def _type(path: Path, arrays: dict[str, NDArray]) -> StructureSet:
    """A file of one structure type; every structure has the same atoms."""
    positions, numbers = arrays["positions"], arrays["numbers"]
    if positions.ndim != 3 or positions.shape[2] != 3 or numbers.shape != positions.shape[1:2]:
        raise InputError(
            f"positions {positions.shape} must be [structures, atoms, 3] with numbers [atoms], "
            f"not {numbers.shape}."
        )
    size, atoms = positions.shape[:2]
    return StructureSet(
        positions=positions.reshape(-1, 3),
        numbers=np.tile(numbers, size),
        counts=np.full(size, atoms),
        cells=np.broadcast_to(arrays["cell"], (size, 3, 3)),
        pbc=np.broadcast_to(arrays["pbc"], (size, 3)),
        dos=arrays.get("dos"),
        energies=arrays["energies"] if "dos" in arrays else None,
        electrons=arrays.get("electrons", np.full(size, np.nan)),
        types=np.full(size, path.stem),
        temperature=arrays.get("temperature", np.full(size, np.nan)),
        split=arrays.get("split", np.full(size, "")),
        names=_names(path, size),
    )


def _whole_set(path: Path, arrays: dict[str, NDArray]) -> StructureSet:
    size = len(arrays["counts"])
    optional = {"electrons": np.nan, "types": "", "temperature": np.nan, "split": ""}
    return StructureSet(
        positions=arrays["positions"],
        numbers=arrays["numbers"],
        counts=arrays["counts"],
        cells=arrays["cell"],
        pbc=arrays["pbc"],
        dos=arrays.get("dos"),
        energies=arrays["energies"] if "dos" in arrays else None,
        names=_names(path, size),
        **{key: arrays.get(key, np.full(size, value)) for key, value in optional.items()},
    )


def _names(path: Path, size: int) -> NDArray:
    return np.array([f"{path}[{index}]" for index in range(size)], dtype=str)

"""ModelNet40 in its best-known form, the folder `modelnet40_ply_hdf5_2048`."""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.modelnet_classes import MODELNET40_CLASSES
from csnn_tf.data.npy_headers import MAX_DEFLATE_RATIO
from csnn_tf.data.readers import parse
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.errors import InputError

if TYPE_CHECKING:
    import h5py


def load_hdf5_form(folder: Path, split: str, num_points: int | None) -> ShapeSet:
    """Reads the HDF5 files that `{split}_files.txt` lists.

    Args:
        folder: holds `train_files.txt`, `test_files.txt`, the .h5 files with `data` [n, P, 3] and
            `label` [n, 1], and `shape_names.txt` (without it, the 40 names in their usual order).
        split: `train` or `test`.
        num_points: how many points of each shape to keep, the first ones: their order in these
            files is random. None keeps all.
    """
    listing = folder / f"{split}_files.txt"
    # The lists carry the path on their author's machine in front.
    files = [folder / PurePosixPath(line).name for line in read_lines(listing)]
    names_file = folder / "shape_names.txt"
    class_names = read_class_names(names_file) if names_file.exists() else MODELNET40_CLASSES
    sizes = [parse(file, lambda file=file: _read_size(file)) for file in files]
    if num_points is None and len({points for _, points in sizes}) > 1:
        raise InputError(f"The files that {listing} lists differ in their number of points.")
    keep = num_points or sizes[0][1]
    for file, (_, points) in zip(files, sizes, strict=True):
        if points < keep:
            raise InputError(f"{file} has {points} points a shape where {keep} are asked for.")
    clouds = np.empty((sum(count for count, _ in sizes), keep, 3), dtype=np.float32)
    labels = np.empty(len(clouds), dtype=np.int64)
    names, start = [], 0
    for file, (count, _) in zip(files, sizes, strict=True):
        part = slice(start, start + count)
        parse(file, lambda f=file, p=part: _read_into(f, clouds[p], labels[p]))
        names += [f"{file.name}[{row}]" for row in range(count)]
        start += count
    try:
        return ShapeSet(clouds, labels, names, tuple(class_names))
    except InputError as error:  # it knows the files' names alone
        raise InputError(f"{folder}: {error}") from None


def read_lines(path: Path) -> list[str]:
    """The lines of a short text file that are not blank; an InputError if there is none."""
    lines = parse(path, lambda: path.read_text(encoding="utf-8").split("\n"))
    lines = [line.strip() for line in lines if line.strip()]
    if not lines:
        raise InputError(f"{path} lists nothing.")
    return lines


def read_class_names(path: Path) -> list[str]:
    """A class's name on every line; an InputError if there is none, or one stands there twice."""
    names = read_lines(path)
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError(f"{path} names the class {name!r} twice.")
    return names


def _read_size(path: Path) -> tuple[int, int]:
    """How many shapes and how many points a shape there are in an HDF5 file."""
    import h5py

    with h5py.File(path, "r") as file:
        data, label = (_dataset(file, name, path.stat().st_size) for name in ("data", "label"))
        if data.ndim != 3 or data.shape[2] != 3 or data.dtype.kind != "f":
            raise ValueError(f"`data` must be floats [n, points, 3], not shape {data.shape}")
        if 0 in data.shape:
            raise ValueError("it holds no shape")
        if label.shape not in ((len(data),), (len(data), 1)) or label.dtype.kind not in "iu":
            raise ValueError(f"`label` must be {len(data)} whole numbers, not shape {label.shape}")
        return data.shape[0], data.shape[1]


def _dataset(file: h5py.File, name: str, file_size: int) -> h5py.Dataset:
    """A data set that lies in this very file and claims no more than the file can hold."""
    import h5py

    if name not in file:
        raise ValueError(f"it has no data set `{name}`")
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"`{name}` must be in the file itself")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ValueError(f"`{name}` must be a data set in the file itself")
    stored = min(dataset.id.get_storage_size(), file_size)
    packed = MAX_DEFLATE_RATIO if dataset.id.get_create_plist().get_nfilters() else 1
    if dataset.shape is None or math.prod(dataset.shape) * dataset.dtype.itemsize > packed * stored:
        raise ValueError(f"`{name}` announces the shape {dataset.shape}, more than the file holds")
    return dataset


def _read_into(path: Path, clouds: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    import h5py

    with h5py.File(path, "r") as file:
        file["data"].read_direct(clouds, np.s_[:, : clouds.shape[1]])
        labels[:] = file["label"][()].reshape(-1)

"""Shapes of one's own: a folder a class, with train and test folders of files in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from csnn_tf.checks import check_path, check_positive, check_seed
from csnn_tf.data.mesh import Mesh
from csnn_tf.data.mesh_set import MeshSet, sample_surface
from csnn_tf.data.readers import SHAPE_SUFFIXES, read_shape
from csnn_tf.data.shape_set import ShapeSet, draw_points
from csnn_tf.errors import InputError

_SPLITS = ("train", "test")
_OF_SYSTEMS = ("lost+found", "System Volume Information")  # at the top of a disk


def load_folder(
    folder: str | Path,
    split: str,
    num_points: int | None = None,
    seed: int = 0,
    suffixes: Sequence[str] = SHAPE_SUFFIXES,
    *,
    whole: bool = False,
) -> ShapeSet | MeshSet:
    """Loads a tree CLASS/{train,test}/FILE of shapes; see `read_shape` for the kinds of files.

    The classes are the folders' names in alphabetical order. Folders with neither `train` nor
    `test` nor shapes in them, files of other kinds and hidden ones are passed over. Where all files
    are meshes they stay meshes, to be sampled later. Where meshes and point clouds are mixed, the
    meshes are sampled to clouds of `num_points` here, once.

    Args:
        folder: the tree.
        split: `train` or `test`.
        num_points: points a shape. Of a larger cloud as many are drawn, without repetition; a
            smaller one stays as it is. None keeps every cloud in its own size. For a tree of meshes
            only, this is not used.
        seed: of the drawing and sampling.
        suffixes: which endings of file names to read.
        whole: keep every cloud in its own size all the same; `num_points` is then only for meshes
            beside clouds.

    Returns:
        A `ShapeSet`, or for a tree of meshes only a `MeshSet`; in the units of the files.

    Raises:
        InputError: the tree is of another layout, a class has no file in this split, a file cannot
            be used, or meshes and clouds are mixed and `num_points` is None.
    """
    folder, seed = check_folder(folder, split), check_seed(seed)
    if num_points is not None:
        num_points = check_positive("num_points", num_points)
    classes, others = _class_folders(folder)
    _check_class_first(folder, classes, others)
    class_names = [entry.name for entry in classes or others]
    if not class_names:
        raise InputError(f"{folder} has no folder a class, as in {folder}/chair/{split}/1.off.")
    paths, labels = [], []
    for label, class_name in enumerate(class_names):
        files = _list_shapes(folder / class_name / split, suffixes)
        paths += files
        labels += [label] * len(files)
    most = None if whole else num_points
    shapes = [_read(path, most, (seed, index)) for index, path in enumerate(paths)]
    names = [str(path) for path in paths]
    are_meshes = {isinstance(shape, Mesh) for shape in shapes}
    if are_meshes == {True}:
        return MeshSet(shapes, np.array(labels), names, tuple(class_names))
    if num_points is None and True in are_meshes:
        raise InputError(
            f"{folder} mixes meshes and point clouds: give num_points, to sample the meshes."
        )
    clouds = [
        sample_surface(shape, num_points, (seed, index)) if isinstance(shape, Mesh) else shape
        for index, shape in enumerate(shapes)
    ]
    return ShapeSet(clouds, np.array(labels), names, tuple(class_names))


def check_folder(folder: str | Path, split: str) -> Path:
    """Returns `folder` as a path, if it is a folder and `split` the name of a split."""
    folder = check_path(folder)
    if split not in _SPLITS:
        raise InputError(f"split must be train or test, not {split!r}.")
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.")
    return folder


def check_class_first(folder: Path) -> None:
    """Refuses the layout {train,test}/CLASS, by what is expected in its place.

    Raises:
        InputError: the folder has that layout.
    """
    _check_class_first(folder, *_class_folders(folder))


def _check_class_first(folder: Path, classes: list[Path], others: list[Path]) -> None:
    if not classes and {entry.name for entry in others} & {*_SPLITS}:
        raise InputError(
            f"{folder} has train or test at its top: the folder of the class comes first, as in "
            f"{folder}/chair/train/1.off."
        )


def is_class_tree(folder: Path) -> bool:
    """Whether a folder has the layout CLASS/{train,test}."""
    return bool(_class_folders(folder)[0])


def shape_files(folder: Path, suffixes: Sequence[str] = SHAPE_SUFFIXES) -> list[Path]:
    """The files of a folder that are read as shapes, in alphabetical order."""
    return [
        entry
        for entry in _entries(folder)
        if entry.suffix.lower() in suffixes and not entry.name.startswith(".")
    ]


def passed_over(folder: Path, split: str) -> tuple[list[Path], list[Path], list[Path]]:
    """What `load_folder` does not read: files and folders in a split, and folders of no class.

    Hidden ones are left out: systems put them there.
    """
    classes, no_classes = _class_folders(folder)
    others = [
        entry
        for place in (entry / split for entry in classes)
        if place.is_dir()
        for entry in _entries(place)
        if entry.suffix.lower() not in SHAPE_SUFFIXES and not entry.name.startswith(".")
    ]
    folders = [entry for entry in others if entry.is_dir()]
    return [entry for entry in others if not entry.is_dir()], folders, no_classes


def _entries(folder: Path) -> list[Path]:
    try:
        # By name: on some systems paths are in an order of their own, and with them the classes.
        return sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.") from error


def _class_folders(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders in a tree that are classes, and the others, such as one of runs.

    A class has a split in it. One without, but with shapes where others have theirs, is a class
    that lacks it. What systems put at the top of a disk is none, and cannot be read.
    """
    # os.path, because those of pathlib raise where a folder cannot be looked into.
    folders = [
        entry
        for entry in _entries(folder)
        if os.path.isdir(entry)
        and not entry.name.startswith((".", "__"))
        and entry.name not in _OF_SYSTEMS
    ]
    split = {entry for entry in folders if _has_split(entry)}
    if not split:
        return [], folders
    classes = [entry for entry in folders if entry in split or _has_shapes(entry)]
    return classes, [entry for entry in folders if entry not in classes]


def _has_split(folder: Path) -> bool:
    places = [folder / split for split in _SPLITS]
    return any(os.path.isdir(place) and not _is_run(place) for place in places)


def _has_shapes(folder: Path) -> bool:
    """Whether shapes lie in a folder or in one of those in it."""
    inside = _entries(folder)
    places = [folder, *(entry for entry in inside if os.path.isdir(entry) and not _is_run(entry))]
    return any(
        entry.suffix.lower() in SHAPE_SUFFIXES for place in places for entry in _entries(place)
    )


def _is_run(folder: Path) -> bool:
    return os.path.isfile(folder / "config.json")


def _list_shapes(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    if not check_path(folder).is_dir():
        raise InputError(f"{folder} does not exist: expected a folder of shapes of this class.")
    files = shape_files(folder, suffixes)
    if not files:
        raise InputError(f"{folder} has no file that ends in {' '.join(suffixes)}.")
    return files


def _read(path: Path, most: int | None, seed: tuple[int, int]) -> NDArray[np.float32] | Mesh:
    """A mesh, or at most so many points of a cloud: all of all clouds may not fit into memory."""
    shape = read_shape(path)
    return shape if most is None or isinstance(shape, Mesh) else draw_points(shape, most, seed)

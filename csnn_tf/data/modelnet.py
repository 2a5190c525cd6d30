"""ModelNet40 in the three forms in which people have it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from csnn_tf.checks import check_positive
from csnn_tf.data.cloud_files import read_text_cloud
from csnn_tf.data.folder import check_folder, load_folder
from csnn_tf.data.labelled import check_enough
from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.modelnet_hdf5 import load_hdf5_form, read_class_names, read_lines
from csnn_tf.data.readers import check_points, parse
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.errors import InputError

HDF5_FOLDER = "modelnet40_ply_hdf5_2048"
_TEXT_FOLDER = "modelnet40_normal_resampled"
_MESH_FOLDER = "ModelNet40"


def load_modelnet40(
    folder: str | Path, split: str, num_points: int | None = None
) -> ShapeSet | MeshSet:
    """Loads ModelNet40 from any of the three forms in which it is published.

    - `modelnet40_ply_hdf5_2048`: HDF5 files of 2048 points a shape, in the unit sphere, +y up;
    - `modelnet40_normal_resampled`: text files of 10,000 points and normals;
    - Princeton's `ModelNet40`: a tree CLASS/{train,test}/*.off of meshes.

    Example:
        >>> training = load_modelnet40("data", "train", num_points=1024)  # doctest: +SKIP
        >>> training  # doctest: +SKIP
        ShapeSet(9840 shapes of 1024 points, 40 classes)

    Args:
        folder: that folder, or the one that it lies in.
        split: `train` or `test`, as published.
        num_points: how many points of each shape to keep, the first ones (their order in the files
            is random); None keeps all. Meshes are kept whole: the number of points is chosen where
            they are sampled.

    Returns:
        A `ShapeSet`, for the form with meshes a `MeshSet`; in the units of the files.

    Raises:
        InputError: the folder is in none of these forms, or something in it cannot be used.

    Source:
        Wu et al., 3D ShapeNets: A Deep Representation for Volumetric Shapes, CVPR 2015; the
        sampled forms come with PointNet (Qi et al., CVPR 2017) and PointNet++ (NIPS 2017).
    """
    folder = check_folder(folder, split)
    if num_points is not None:
        num_points = check_positive("num_points", num_points)
    form, place = find_modelnet40(folder)
    if form == HDF5_FOLDER:
        return load_hdf5_form(place, split, num_points)
    if form == _TEXT_FOLDER:
        return _load_text_form(place, split, num_points)
    if form == _MESH_FOLDER:
        return load_folder(place, split, suffixes=(".off",))
    raise InputError(
        f"{folder} is no form of ModelNet40: expected {split}_files.txt and .h5 files, or "
        f"modelnet40_{split}.txt and a folder of .txt files a class, or a folder a class with "
        f"{split}/*.off in it."
    )


def find_modelnet40(folder: Path) -> tuple[str, Path] | tuple[None, None]:
    """The form of ModelNet40 in `folder` or one level below, and its place."""
    for form, is_here in _SIGNS.items():
        for place in (folder, folder / form):
            if is_here(place):
                return form, place
    return None, None


_SIGNS = {
    HDF5_FOLDER: lambda folder: any(
        os.path.isfile(folder / f"{split}_files.txt") for split in ("train", "test")
    ),
    _TEXT_FOLDER: lambda folder: os.path.isfile(folder / "modelnet40_shape_names.txt"),
    _MESH_FOLDER: lambda folder: next(folder.glob("*/*/*.off"), None) is not None,
}


def _load_text_form(folder: Path, split: str, num_points: int | None) -> ShapeSet:
    """Reads CLASS/NAME.txt for each NAME that `modelnet40_{split}.txt` lists."""
    class_names = read_class_names(folder / "modelnet40_shape_names.txt")
    listing = folder / f"modelnet40_{split}.txt"
    clouds, labels, names = [], [], []
    for shape in read_lines(listing):
        class_name = shape.rpartition("_")[0]
        if class_name not in class_names or "/" in shape or "\\" in shape:
            raise InputError(f"{listing} lists {shape!r}, which begins with no class's name.")
        path = folder / class_name / f"{shape}.txt"
        cloud = check_points(path, parse(path, lambda p=path: read_text_cloud(p, num_points)))
        if num_points is not None:
            check_enough(path, len(cloud), num_points)
        clouds.append(cloud)
        labels.append(class_names.index(class_name))
        names.append(str(path))
    return ShapeSet(clouds, np.array(labels), names, tuple(class_names))

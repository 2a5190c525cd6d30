"""The one way in for labelled shapes on disk."""

from __future__ import annotations

from pathlib import Path

from csnn_tf.data.folder import check_class_first, check_folder, is_class_tree, load_folder
from csnn_tf.data.labelled import check_enough
from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.modelnet import find_modelnet40, load_modelnet40
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.errors import InputError


def load_point_clouds(
    folder: str | Path, split: str, num_points: int | None = None, *, whole: bool = False
) -> ShapeSet | MeshSet:
    """Loads ModelNet40 in any of its forms, or a tree of one's own; which, is found out.

    A tree CLASS/{train,test}/FILE goes to `load_folder`, whatever files it has; the sampled forms
    of ModelNet40 go to `load_modelnet40`. Their docstrings say what is read.

    Args:
        folder: the folder of the data, or for ModelNet40 also the one that it lies in.
        split: `train` or `test`.
        num_points: points to keep of each cloud; None keeps all. Meshes are kept whole: see
            `MeshSet.to_shape_set` and `mesh_dataset`.
        whole: keep all points of each cloud all the same; `num_points` is then only for meshes
            beside clouds.

    Returns:
        A `ShapeSet`, or a `MeshSet` where all files are meshes.

    Raises:
        InputError: the folder is of another layout, or something in it cannot be used.
    """
    folder = check_folder(folder, split)
    if is_class_tree(folder):
        return load_folder(folder, split, num_points, whole=whole)
    if find_modelnet40(folder)[0] is not None:
        shapes = load_modelnet40(folder, split, None if whole else num_points)
        if whole and num_points is not None and isinstance(shapes, ShapeSet):
            for name, cloud in zip(shapes.names, shapes.clouds, strict=True):
                check_enough(name, len(cloud), num_points)
        return shapes
    check_class_first(folder)
    raise InputError(
        f"{folder} is of no known layout: expected CLASS/train and CLASS/test with shape files in "
        f"them, or ModelNet40 as {split}_files.txt and .h5 files or as modelnet40_{split}.txt and "
        "a folder of .txt files a class."
    )

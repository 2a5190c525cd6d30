"""Whether two sets of shapes are the same, in a few bytes."""

import hashlib

import numpy as np

from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.shape_set import ShapeSet


def fingerprint(shapes: ShapeSet | MeshSet) -> str:
    """SHA-256 of what a training learns from: points or meshes, labels, names of the classes.

    Args:
        shapes: The set.
    """
    found = hashlib.sha256("\n".join(shapes.class_names).encode(errors="surrogateescape"))
    found.update(np.asarray(shapes.labels, np.int64).tobytes())
    parts = shapes.clouds if isinstance(shapes, ShapeSet) else shapes.meshes
    for part in parts:
        for array in part if isinstance(shapes, MeshSet) else (part,):
            found.update(np.int64(len(array)).tobytes())
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()

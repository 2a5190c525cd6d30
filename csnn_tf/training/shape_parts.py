"""Which shapes a classifier is trained on, and which are held out to choose the epoch by."""

import numpy as np

from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.errors import InputError


def training_parts(
    shapes: ShapeSet | MeshSet, validation: float, seed: int
) -> tuple[ShapeSet | MeshSet, ShapeSet | MeshSet | None]:
    """Training and held-out shapes.

    Args:
        shapes: All of them.
        validation: Share of every class to hold out, or 0. Where the largest class would give
            none, the share of all classes is raised until it gives one.
        seed: Seed of the choice.

    Returns:
        Both parts; None in place of the second if nothing is held out.

    Raises:
        InputError: No class has two shapes.
    """
    if not validation:
        return shapes, None
    most = np.bincount(shapes.labels).max()
    if most < 2:
        raise InputError(
            "no class has two shapes, so that none can be held out to choose the epoch by: set "
            "validation=0."
        )
    return shapes.split(max(validation, float(0.5 / most)), seed)

"""Rotation of clouds by rotations drawn uniformly from SO(3)."""

import keras
import numpy as np
from keras import ops

from csnn_tf.layers.augmentation import PointAugmentation


@keras.saving.register_keras_serializable(package="csnn_tf")
class RandomRotation(PointAugmentation):
    """Rotate every cloud about the origin, uniformly over SO(3) (the Haar measure).

    x' = M x, M the matrix of a unit quaternion uniform on the 3-sphere

    Three uniform Euler angles, which are often used instead, are not uniform over rotations.

    Args, input and output: see `PointAugmentation`.

    Source: Shoemake, "Uniform random rotations" (1992).
    """

    def augment(self, points, seed):
        """Rotate."""
        shape = (ops.shape(points)[0], 3)
        u = keras.random.uniform(shape, dtype="float32", seed=seed)
        inner, outer = ops.sqrt(1 - u[:, 0]), ops.sqrt(u[:, 0])
        a, b = 2 * np.pi * u[:, 1], 2 * np.pi * u[:, 2]
        w, x, y, z = inner * ops.sin(a), inner * ops.cos(a), outer * ops.sin(b), outer * ops.cos(b)
        return rotate(
            points,
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ],
        )


def rotate(points, rows):
    """Apply one matrix a cloud: rows[i][j] is a [batch] tensor, or a number the same for all.

    A matrix for all may be a tensor itself.

    Written out instead of a matrix product, which reduced precision (TF32, bfloat16) would blur.
    """
    parts = [points[..., axis] for axis in range(3)]
    columns = []
    for row in range(3):
        entries = [rows[row][column] for column in range(3)]
        terms = [
            part * (ops.expand_dims(entry, -1) if hasattr(entry, "shape") else entry)
            for part, entry in zip(parts, entries, strict=True)
        ]
        columns.append(terms[0] + terms[1] + terms[2])
    return ops.stack(columns, axis=-1)

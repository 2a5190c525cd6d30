"""Rotation of clouds about one axis."""

from typing import Any

import keras
import numpy as np
from keras import ops

from csnn_tf.checks import check_axis
from csnn_tf.layers.augmentation import PointAugmentation
from csnn_tf.layers.random_rotation import rotate


@keras.saving.register_keras_serializable(package="csnn_tf")
class RandomAxisRotation(PointAugmentation):
    """Rotate every cloud by a uniform angle about a coordinate axis.

    Args:
        axis: 0, 1 or 2: the coordinate that stays. The shapes of the public ModelNet40 files stand
            upright along axis 1.
        seed: See `PointAugmentation`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        InputError: If the axis is not 0, 1 or 2.
    """

    def __init__(self, axis: int = 1, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.axis = check_axis("axis", axis)

    def augment(self, points, seed):
        """Rotate."""
        shape = (ops.shape(points)[0],)
        angle = keras.random.uniform(shape, 0, 2 * np.pi, dtype="float32", seed=seed)
        cosine, sine = ops.cos(angle), ops.sin(angle)
        rows: list[list[Any]] = [[0.0] * 3 for _ in range(3)]
        one, two = (self.axis + 1) % 3, (self.axis + 2) % 3
        rows[self.axis][self.axis] = 1.0
        rows[one][one] = rows[two][two] = cosine
        rows[one][two], rows[two][one] = -sine, sine
        return rotate(points, rows)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "axis": self.axis}

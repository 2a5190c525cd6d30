"""Random translation of clouds."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number
from csnn_tf.errors import InputError
from csnn_tf.layers.augmentation import PointAugmentation


@keras.saving.register_keras_serializable(package="csnn_tf")
class RandomShift(PointAugmentation):
    """Move every cloud by a vector uniform in [-distance, distance] along each axis.

    Args:
        distance: Largest shift along an axis, in the unit of the points (the paper's 0.1 on
            clouds of largest norm 1).
        seed: See `PointAugmentation`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        InputError: If the distance is negative.

    Source: section IV-A of the CSNN paper.
    """

    def __init__(self, distance: float = 0.1, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.distance = check_number("distance", distance)
        if self.distance < 0:
            raise InputError(f"shift must be a distance of at least 0, not {distance!r}.")

    def augment(self, points, seed):
        """Shift."""
        shape = (ops.shape(points)[0], 1, 3)
        shift = keras.random.uniform(
            shape, -self.distance, self.distance, dtype="float32", seed=seed
        )
        return points + shift

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "distance": self.distance}

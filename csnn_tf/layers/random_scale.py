"""Random scaling of clouds along each axis."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number
from csnn_tf.errors import InputError
from csnn_tf.layers.augmentation import PointAugmentation


@keras.saving.register_keras_serializable(package="csnn_tf")
class RandomScale(PointAugmentation):
    """Scale every cloud by factors uniform in [low, high], independently along each axis.

    Args:
        low: Smallest factor (the paper's 0.8).
        high: Largest factor (the paper's 1.2).
        seed: See `PointAugmentation`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        InputError: Unless 0 < low <= high.

    Source: section IV-A of the CSNN paper.
    """

    def __init__(
        self, low: float = 0.8, high: float = 1.2, *, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.low, self.high = check_number("low", low), check_number("high", high)
        if not 0 < self.low <= self.high:
            raise InputError(f"scaling needs 0 < low <= high, not {low!r} and {high!r}.")

    def augment(self, points, seed):
        """Scale."""
        shape = (ops.shape(points)[0], 1, 3)
        return points * keras.random.uniform(shape, self.low, self.high, dtype="float32", seed=seed)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "low": self.low, "high": self.high}

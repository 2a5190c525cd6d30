"""Gaussian noise on every point."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number
from csnn_tf.errors import InputError
from csnn_tf.layers.augmentation import PointAugmentation


@keras.saving.register_keras_serializable(package="csnn_tf")
class RandomJitter(PointAugmentation):
    """Move every point by Gaussian noise, cut off at a largest size along each axis.

    Args:
        stddev: Standard deviation along each axis, in the unit of the points (the paper's 0.01).
        clip: Largest size of the noise along each axis (the published code's 0.05).
        seed: See `PointAugmentation`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        InputError: If an argument is negative.

    Source: section IV-A of the CSNN paper.
    """

    def __init__(
        self, stddev: float = 0.01, clip: float = 0.05, *, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.stddev, self.clip = check_number("stddev", stddev), check_number("clip", clip)
        if min(self.stddev, self.clip) < 0:
            raise InputError(f"jitter needs stddev and clip >= 0, not {stddev!r} and {clip!r}.")

    def augment(self, points, seed):
        """Add the noise."""
        noise = keras.random.normal(ops.shape(points), 0, self.stddev, dtype="float32", seed=seed)
        return points + ops.clip(noise, -self.clip, self.clip)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "stddev": self.stddev, "clip": self.clip}

"""Random thinning of clouds."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number
from csnn_tf.errors import InputError
from csnn_tf.layers.augmentation import PointAugmentation
from csnn_tf.layers.checks import check_mask, check_points


@keras.saving.register_keras_serializable(package="csnn_tf")
class PointDropout(PointAugmentation):
    """Drop a random share of every cloud's points, uniform in [0, rate].

    The points that stay are repeated in turn to keep the number of rows, so that densities keep
    their proportions. At least one point stays.

    Args:
        rate: Largest share dropped, from 0 to below 1.
        seed: See `PointAugmentation`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: as of `PointAugmentation`, and optionally `mask` [batch, points], true where a row holds
        a point; it fits the output too.

    Raises:
        InputError: If the rate is out of range, or the mask is not [batch, points].
    """

    def __init__(self, rate: float = 0.5, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = check_number("rate", rate)
        if not 0 <= self.rate < 1:
            raise InputError(f"point dropout rate must be at least 0 and below 1, not {rate!r}.")

    def call(self, points, training: bool | None = None, seed=None, mask=None):
        """Thin when training."""
        if mask is None or not training:
            return super().call(points, training, seed)
        check_points(points.shape, type(self).__name__)
        check_mask(mask, points.shape, type(self).__name__)
        seed = self.seed_generator if seed is None else seed
        return self.augment(ops.cast(points, "float32"), seed, ops.cast(mask, "bool"))

    def augment(self, points, seed, mask=None):
        """Thin."""
        batch, count = ops.shape(points)[0], ops.shape(points)[1]
        dropped = keras.random.uniform((batch, 1), 0, self.rate, dtype="float32", seed=seed)
        row = ops.expand_dims(ops.arange(count, dtype="int32"), 0)
        place, total = row, count
        if mask is not None:
            place = ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1
            total = place[:, -1:] + 1
        kept = ops.ceil((1 - dropped) * ops.cast(total, "float32"))
        kept = ops.cast(ops.maximum(kept, 1.0), "int32")
        keys = keras.random.uniform((batch, count), dtype="float32", seed=seed)
        if mask is not None:
            keys = ops.where(mask, keys, 2.0)  # after all points
        order = ops.cast(ops.argsort(keys, axis=1), "int32")
        index = ops.take_along_axis(order, ops.mod(place, kept), axis=1)
        if mask is not None:
            index = ops.where(mask, index, row)
        return ops.take_along_axis(points, ops.expand_dims(index, -1), axis=1)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "rate": self.rate}

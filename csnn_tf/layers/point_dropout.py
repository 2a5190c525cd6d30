"""Random thinning of clouds."""

from typing import Any

import keras
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers.augmentation import PointAugmentation


@keras.saving.register_keras_serializable(package="csnn_tf")
class PointDropout(PointAugmentation):
    """Drop a random share of every cloud's points, uniform in [0, rate].

    The points that stay are repeated in turn to keep the number of rows, so that densities keep
    their proportions. At least one point stays.

    Args:
        rate: Largest share dropped, from 0 to below 1.
        seed: See `PointAugmentation`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        InputError: If the rate is out of range.
    """

    def __init__(self, rate: float = 0.5, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        if not 0 <= rate < 1:
            raise InputError(f"point dropout rate must be at least 0 and below 1, not {rate!r}.")
        self.rate = float(rate)

    def augment(self, points, seed):
        """Thin."""
        batch, count = ops.shape(points)[0], ops.shape(points)[1]
        dropped = keras.random.uniform((batch, 1), 0, self.rate, dtype="float32", seed=seed)
        kept = ops.ceil((1 - dropped) * ops.cast(count, "float32"))
        kept = ops.maximum(ops.cast(kept, "int32"), 1)
        keys = keras.random.uniform((batch, count), dtype="float32", seed=seed)
        order = ops.cast(ops.argsort(keys, axis=1), "int32")
        turn = ops.mod(ops.expand_dims(ops.arange(count, dtype="int32"), 0), kept)
        index = ops.take_along_axis(order, turn, axis=1)
        return ops.take_along_axis(points, ops.expand_dims(index, -1), axis=1)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "rate": self.rate}

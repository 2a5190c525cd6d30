"""Largest and mean features of a cloud's points."""

from typing import Any

import keras
from keras import ops

from csnn_tf.layers.checks import check_mask
from csnn_tf.layers.largest import largest
from csnn_tf.layers.precision import as_float


@keras.saving.register_keras_serializable(package="csnn_tf")
class PointPooling(keras.layers.Layer):
    """Largest and mean value of every feature over the points that are there.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: features [batch, points, C] and presence [batch, points], 1 for a point and 0 for
        padding. A cloud without points gives zeros.
    Output: [batch, 2 C], the maxima, then the means.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, autocast=False)

    def build(self, *_: Any, **__: Any) -> None:
        """It has no weights."""

    def call(self, features, presence):
        """Pool."""
        features = as_float(features, self.compute_dtype)
        check_mask(presence, features.shape, type(self).__name__)
        present = ops.cast(presence, "bool")[..., None]
        count = ops.sum(ops.cast(present, "float32"), axis=1)
        # Less than anything that a normalised and activated feature is.
        low = ops.cast(-1e30, features.dtype)
        top = largest(ops.where(present, features, low))
        top = ops.where(count > 0, top, ops.zeros_like(top))
        # Not a product: what stands where no point is may be anything, infinite too.
        there = ops.where(present, features, ops.zeros((), features.dtype))
        mean = ops.sum(ops.cast(there, "float32"), axis=1) / ops.maximum(count, 1.0)
        return ops.concatenate([top, ops.cast(mean, features.dtype)], axis=-1)

    def compute_output_shape(
        self, features_shape: tuple[int | None, ...], *_: Any, **__: Any
    ) -> tuple[int | None, ...]:
        """[batch, 2 C]."""
        return (features_shape[0], 2 * features_shape[-1])

    def compute_output_spec(self, features, presence):
        """Shape and dtype of the output."""
        dtype = as_float(features, self.compute_dtype).dtype
        return keras.KerasTensor(self.compute_output_shape(features.shape), dtype)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        return config

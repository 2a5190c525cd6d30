"""The largest value over all places of a feature map."""

import math
from typing import Any

import keras
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers.checks import same_sizes
from csnn_tf.layers.largest import largest
from csnn_tf.layers.precision import as_float


@keras.saving.register_keras_serializable(package="csnn_tf")
class GlobalMaxPooling(keras.layers.Layer):
    """Largest value of every channel over all vertices and spheres, or over all points.

    y[c] = max over places p of x[p, c]

    Unlike that of Keras's layers of this kind, the gradient cannot be lost to a compiler
    (`csnn_tf.layers.largest`); it goes to the first of the largest values.

    Not for forward mode with JAX, see `csnn_tf.layers`.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: [batch, ..., C], and optionally `mask` [batch, ...], Keras's own too: places where it is
        false do not count. A mask of fewer axes is about the first ones.
    Output: [batch, C]; zeros where the mask leaves no place.

    Raises:
        InputError: In a call, if the mask is of other places, or if there are none.

    Example:
        >>> GlobalMaxPooling()(keras.ops.ones((2, 162, 4, 16))).shape
        TensorShape([2, 16])
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        """Pool."""
        inputs = as_float(inputs, self.compute_dtype)
        if isinstance(inputs, keras.KerasTensor):
            return keras.KerasTensor(self.compute_output_shape(inputs.shape), inputs.dtype)
        shape = ops.shape(inputs)
        if any(isinstance(size, int) and size < 1 for size in shape[1:-1]):
            raise InputError(f"there is nothing to pool in inputs {tuple(inputs.shape)}.")
        if mask is not None:
            return self._largest_of_masked(inputs, ops.cast(mask, "bool"))
        return largest(ops.reshape(inputs, (shape[0], math.prod(shape[1:-1]), shape[-1])))

    def _largest_of_masked(self, inputs, mask):
        missing = len(inputs.shape) - 1 - len(mask.shape)
        if missing < 0 or not same_sizes(mask.shape, inputs.shape):
            raise InputError(
                f"mask must be [batch, ...] without channels, not {tuple(mask.shape)} for inputs "
                f"{tuple(inputs.shape)}."
            )
        mask = mask[(..., *[None] * missing)]
        low = ops.cast(float("-inf"), inputs.dtype)
        top = self.call(ops.where(mask[..., None], inputs, low))
        some = ops.any(mask, axis=tuple(range(1, len(mask.shape))))
        return ops.where(some[:, None], top, ops.zeros_like(top))

    def compute_mask(self, inputs, previous_mask=None):
        """None: the mask is about places, which the output has none of."""
        return None

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """[batch, C]."""
        return (input_shape[0], input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return super().get_config()

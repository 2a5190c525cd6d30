"""The largest value over all places of a feature map."""

import math
from typing import Any

import keras
from keras import ops

from csnn_tf.layers.largest import largest


@keras.saving.register_keras_serializable(package="csnn_tf")
class GlobalMaxPooling(keras.layers.Layer):
    """Largest value of every channel over all vertices and spheres, or over all points.

    y[c] = max over places p of x[p, c]

    Unlike that of Keras's layers of this kind, the gradient cannot be lost to a compiler
    (`csnn_tf.layers.largest`); it goes to the first of the largest values.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: [batch, ..., C].
    Output: [batch, C].

    Example:
        >>> GlobalMaxPooling()(keras.ops.ones((2, 162, 4, 16))).shape
        TensorShape([2, 16])
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def call(self, inputs):
        """Pool."""
        if isinstance(inputs, keras.KerasTensor):
            return keras.KerasTensor(self.compute_output_shape(inputs.shape), inputs.dtype)
        shape = ops.shape(inputs)
        return largest(ops.reshape(inputs, (shape[0], math.prod(shape[1:-1]), shape[-1])))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """[batch, C]."""
        return (input_shape[0], input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return super().get_config()

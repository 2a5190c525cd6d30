"""A dense layer that all points share."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number, check_positive
from csnn_tf.layers.batch_normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="csnn_tf")
class PointDense(keras.layers.Layer):
    """The same dense layer for every point, then batch normalisation and a leaky ReLU.

    y = LeakyReLU(BN(x W)), the statistics taken over all points of all clouds.

    Args:
        filters: F, width of the output.
        slope: Slope of the activation below zero; 0 is ReLU.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: [batch, points, C], and optionally `mask` [batch, points], Keras's own too: rows where it
        is false do not count in the statistics.
    Output: [batch, points, F], with the input's mask.

    Raises:
        InputError: If an argument is no number that fits.
    """

    def __init__(self, filters: int, slope: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.filters = check_positive("filters", filters)
        self.slope = check_number("slope", slope)
        self.norm = BatchNormalization(name="norm", dtype=self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make W and the normalisation."""
        self.input_spec = keras.InputSpec(ndim=3, axes={-1: input_shape[-1]})
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.filters), initializer="glorot_uniform", name="kernel"
        )
        self.norm.build((None, None, 1, self.filters))

    def call(self, inputs, training: bool | None = None, mask=None):
        """Apply it."""
        if mask is not None:
            mask = ops.cast(mask, "bool")[..., None] if training else None  # statistics alone ask
        shape = ops.shape(inputs)
        # One product of two matrices, and the four axes that TensorFlow normalises in one pass.
        flat = ops.matmul(ops.reshape(inputs, (-1, inputs.shape[-1])), self.kernel)
        outputs = ops.reshape(flat, (shape[0], shape[1], 1, self.filters))
        outputs = self.norm(outputs, training=training, mask=mask)
        outputs = leaky(ops.reshape(outputs, (shape[0], shape[1], self.filters)), self.slope)
        return outputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """[batch, points, F]."""
        return (*input_shape[:-1], self.filters)

    def compute_output_spec(self, inputs, training: bool | None = None, mask=None):
        """Shape and dtype of the output."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "filters": self.filters, "slope": self.slope}


def leaky(x: Any, slope: float) -> Any:
    """LeakyReLU, which is ReLU at slope 0."""
    return ops.leaky_relu(x, slope) if slope else ops.relu(x)

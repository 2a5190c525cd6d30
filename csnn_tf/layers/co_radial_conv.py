"""Convolution between spheres, along the radius."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_positive
from csnn_tf.errors import InputError
from csnn_tf.layers.checks import check_feature_map
from csnn_tf.layers.feature_map_conv import FeatureMapConv
from csnn_tf.layers.line_convolution import convolve_lines, dense_matrix, form_of_product, windows
from csnn_tf.layers.product import product


@keras.saving.register_keras_serializable(package="csnn_tf")
class CoRadialConv(FeatureMapConv):
    """Convolution over co-radial vertices: the same direction on consecutive spheres.

    H'[i, u] = activation( sum over k = -K/2 .. K/2 of H[i + k, u] W[k + K/2] + b )  (equation 5)

    with i the sphere, u the vertex, W a [K, C, F] tensor shared by all vertices; spheres outside
    the grid count as zeros, so their number stays. It is a one-dimensional convolution over the
    radial axis, and equivariant to the 60 icosahedral rotations.

    Not for forward mode with JAX, see `csnn_tf.layers`.

    Args:
        filters: F, number of output channels.
        kernel_size: K, odd number of spheres that a window covers.
        activation: Name of, or a Keras activation function; none by default.
        use_bias: Whether b is added.
        kernel_initializer: Initialiser of W.
        **kwargs: Further arguments of `FeatureMapConv`, such as kernel_regularizer, and of
            `keras.layers.Layer`.

    Input: [batch, vertex, sphere, C].
    Output: [batch, vertex, sphere, F].

    Raises:
        InputError: If `filters` is not positive, `kernel_size` is not odd and positive, or the
            input is not [batch, vertex, sphere, channel].

    Example:
        >>> CoRadialConv(16)(keras.ops.ones((2, 162, 4, 8))).shape
        TensorShape([2, 162, 4, 16])

    Source: section III-B of the CSNN paper.
    """

    def __init__(self, filters: int, kernel_size: int = 3, **kwargs: Any) -> None:
        super().__init__(filters, **kwargs)
        self.kernel_size = check_positive("kernel_size", kernel_size)
        if self.kernel_size % 2 == 0:
            raise InputError(f"kernel_size must be odd, not {kernel_size}.")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make W and b."""
        channels = check_feature_map(input_shape, type(self).__name__)
        self.input_spec = keras.InputSpec(ndim=4, axes={-1: channels})
        self._make_weights((self.kernel_size, channels, self.filters))

    def _convolved(self, inputs, training):
        _, vertices, spheres, channels = inputs.shape
        finish = self._finish(training)
        if self.kernel_size == 1:  # a matrix product, at more than twice a convolution's speed
            return product(inputs, self.kernel[0], finish)
        form = form_of_product(vertices, spheres, self.filters, self.kernel_size)
        if form == "windows":
            matrix = ops.reshape(self.kernel, (-1, self.filters))
            return product(windows(inputs, self.kernel_size), matrix, finish)
        if form == "dense":
            lines = ops.reshape(inputs, (-1, vertices, 1, spheres * channels))
            matrix = dense_matrix(self.kernel, spheres)
            whole = self._finish(training, spheres)
            maps = (-1, vertices, spheres, self.filters)
            return ops.reshape(product(lines, matrix, whole), maps)
        # Vertices join the batch axis: a free reshape in this layout.
        lines = convolve_lines(ops.reshape(inputs, (-1, 1, spheres, channels)), self.kernel)
        return ops.reshape(finish(lines), (-1, vertices, spheres, self.filters))

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "kernel_size": self.kernel_size}

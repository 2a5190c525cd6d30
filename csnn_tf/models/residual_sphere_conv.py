"""A graph convolution within spheres and the residual sum behind it, in inference."""

from functools import cache
from typing import Any

import keras

from csnn_tf.layers import IntraSphereConv
from csnn_tf.layers.compiled import kernel
from csnn_tf.layers.neighbor_sum import level_of, plain_neighbor_sum
from csnn_tf.layers.precision import as_float, in_float32
from csnn_tf.layers.product import product


class ResidualSphereConv(IntraSphereConv):
    """Graph convolution, activation and residual sum in two passes over memory.

    H' = H0 + activation( sum over v in N(u) and u itself of (H Z)[i, v] + b )

    The product comes first, so that all behind it is one compiled kernel. That kernel has no
    gradient of its own making, so this is for inference.

    Args:
        As `IntraSphereConv`, with a bias and an activation that looks at single entries.

    Input: H0 [batch, vertex, sphere, F] and H [batch, vertex, sphere, C].
    Output: [batch, vertex, sphere, F].
    """

    def build(self, input_shape: Any) -> None:
        """Make Z and b."""
        super().build(input_shape[1])
        self.input_spec = None

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Convolve the second feature map and add the first."""
        residual, features = (as_float(tensor, self.compute_dtype) for tensor in inputs)
        level = level_of(features.shape[1], type(self).__name__)
        finish = _sum_and_finish(level, self.activation)
        # The value, and not the variable, which a compiled function would be made for.
        bias = keras.ops.convert_to_tensor(self.bias.value)
        return finish(product(features, self.kernel), bias, residual)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """That of the first input."""
        return tuple(input_shape[0])


@cache
def _sum_and_finish(level: int, activation: Any):
    """One for all layers that compute alike, see `kernel`."""

    @kernel
    @in_float32
    def finish(features, bias, residual):
        return residual + activation(plain_neighbor_sum(features, level) + bias)

    return finish

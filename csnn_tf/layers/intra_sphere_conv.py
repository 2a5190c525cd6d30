"""Graph convolution within each sphere."""

from typing import Any

import keras
from keras import ops

from csnn_tf.layers.checks import check_feature_map, check_positive
from csnn_tf.layers.neighbor_sum import level_of, neighbor_sum
from csnn_tf.layers.product import product


@keras.saving.register_keras_serializable(package="csnn_tf")
class IntraSphereConv(keras.layers.Layer):
    """Graph convolution on the icosphere, one weight matrix for a vertex and its neighbours.

    H'[i, u] = activation( sum over v in N(u) and u itself of H[i, v] Z + b )    (equation 4)

    with i the sphere, u the vertex, Z a [C, F] matrix shared by all vertices and spheres.
    Equivariant to the 60 icosahedral rotations.

    Args:
        filters: F, number of output channels.
        activation: Name of, or a Keras activation function; none by default.
        use_bias: Whether b is added.
        kernel_initializer: Initialiser of Z.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: [batch, vertex, sphere, C]; the level follows from the number of vertices.
    Output: [batch, vertex, sphere, F].

    Raises:
        InputError: If `filters` is not positive, or the input is not a feature map on icospheres.

    Example:
        >>> IntraSphereConv(16)(keras.ops.ones((2, 162, 4, 8))).shape
        TensorShape([2, 162, 4, 16])

    Source: section III-B of the CSNN paper, after the graph convolution of Kipf and Welling (2017)
    without the normalisation by degree.
    """

    def __init__(
        self,
        filters: int,
        *,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_positive("filters", filters)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make Z and b."""
        channels = check_feature_map(input_shape, type(self).__name__)
        self.level = level_of(input_shape[1], type(self).__name__)
        self.kernel = self.add_weight(
            shape=(channels, self.filters), initializer=self.kernel_initializer, name="kernel"
        )
        self.bias = (
            self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
            if self.use_bias
            else None
        )

    def call(self, inputs):
        """Convolve a feature map."""
        # Sum and product commute: sum over the narrower of the two.
        if inputs.shape[-1] <= self.filters:
            return product(neighbor_sum(inputs, self.level), self.kernel, self._finish)
        return self._finish(neighbor_sum(product(inputs, self.kernel), self.level))

    def _finish(self, outputs):
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """[batch, vertex, sphere, filters]."""
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

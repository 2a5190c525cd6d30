"""Graph convolution within each sphere."""

import keras

from csnn_tf.layers.checks import check_feature_map
from csnn_tf.layers.feature_map_conv import FeatureMapConv
from csnn_tf.layers.neighbor_sum import level_of, neighbor_sum
from csnn_tf.layers.product import product


@keras.saving.register_keras_serializable(package="csnn_tf")
class IntraSphereConv(FeatureMapConv):
    """Graph convolution on the icosphere, one weight matrix for a vertex and its neighbours.

    H'[i, u] = activation( sum over v in N(u) and u itself of H[i, v] Z + b )    (equation 4)

    with i the sphere, u the vertex, Z a [C, F] matrix shared by all vertices and spheres.
    Equivariant to the 60 icosahedral rotations.

    Not for forward mode with JAX, see `csnn_tf.layers`.

    Args:
        filters: F, number of output channels.
        activation: Name of, or a Keras activation function; none by default.
        use_bias: Whether b is added.
        kernel_initializer: Initialiser of Z.
        **kwargs: Further arguments of `FeatureMapConv`, such as kernel_regularizer, and of
            `keras.layers.Layer`.

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

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make Z and b."""
        channels = check_feature_map(input_shape, type(self).__name__)
        level_of(input_shape[1], type(self).__name__)
        self.input_spec = keras.InputSpec(ndim=4, axes={-1: channels})
        self._make_weights((channels, self.filters))

    def _convolved(self, inputs, training):
        finish = self._finish(training)
        level = level_of(inputs.shape[1], type(self).__name__)  # levels may share it
        # Sum and product commute: sum over the narrower of the two.
        if inputs.shape[-1] <= self.filters:
            return product(neighbor_sum(inputs, level), self.kernel, finish)
        return finish(neighbor_sum(product(inputs, self.kernel), level))

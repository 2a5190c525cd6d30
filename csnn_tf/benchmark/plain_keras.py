"""The same network in plain Keras: what one would write first.

The yardstick of the benchmark: gathers that Keras differentiates, `keras.layers.Conv1D`, Keras's
own normalisation, a gather and a maximum for pooling. The numbers are those of the package's
layers, and so are the weights, in the same order.
"""

from typing import Any

import keras
from keras import ops

from csnn_tf.grid import icosphere
from csnn_tf.layers import (
    BatchNormalization,
    CoRadialConv,
    GlobalMaxPooling,
    IntraSphereConv,
    VertexPooling,
)
from csnn_tf.layers.neighbor_sum import level_of
from csnn_tf.models.cloned import cloned


def plain_network(network: keras.Model) -> keras.Model:
    """A copy of a network, with its weights, of plain Keras layers.

    Args:
        network: `PointCloudClassifier.network` or `DensityOfStates.network`.
    """
    copy = cloned(network, _plain_layer)
    copy.set_weights(network.get_weights())
    return copy


def _plain_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    config = {"name": layer.name}
    if isinstance(layer, IntraSphereConv):
        return _Intra(layer.filters, _level_of(layer), **config)
    if isinstance(layer, CoRadialConv):
        return _CoRadial(layer.filters, layer.kernel_size, **config)
    if isinstance(layer, VertexPooling):
        return _Pooling(layer.mode, _level_of(layer), **config)
    if isinstance(layer, BatchNormalization):
        return _Normalized(layer.momentum, layer.epsilon, layer.activation, **config)
    if isinstance(layer, GlobalMaxPooling):
        return _GlobalMax(data_format="channels_last", **config)
    return layer.__class__.from_config(layer.get_config())


def _level_of(layer: keras.layers.Layer) -> int:
    """Level of the input of a layer that is used once."""
    return level_of(layer.input.shape[1], layer.name)


class _Intra(keras.layers.Layer):
    """Graph convolution: a running sum of gathers, then the weights."""

    def __init__(self, filters: int, level: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.level = filters, level

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.filters), name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, inputs):
        neighbors = icosphere(self.level).neighbors
        total = inputs
        for column in range(5):
            total = total + ops.take(inputs, neighbors[:, column], axis=1)
        sixth = ops.take(inputs, neighbors[:, 5], axis=1)
        # The 12 pentagons stand first and have no sixth neighbour.
        has_sixth = ops.cast(ops.arange(len(neighbors)) >= 12, inputs.dtype)
        total = total + sixth * has_sixth[:, None, None]
        return ops.matmul(total, self.kernel) + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)


class _CoRadial(keras.layers.Layer):
    """Conv1D along the radius."""

    def __init__(self, filters: int, kernel_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.conv = keras.layers.Conv1D(
            filters, kernel_size, padding="same", data_format="channels_last"
        )

    def build(self, input_shape):
        self.conv.build((None, *input_shape[2:]))

    def call(self, inputs):
        _, vertices, spheres, channels = inputs.shape
        lines = self.conv(ops.reshape(inputs, (-1, spheres, channels)))
        return ops.reshape(lines, (-1, vertices, spheres, self.filters))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)


class _Normalized(keras.layers.BatchNormalization):
    """Batch normalisation, then the activation."""

    def __init__(self, momentum: float, epsilon: float, function: Any, **kwargs: Any) -> None:
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        self.function = function

    def call(self, inputs, training=None, mask=None):
        return self.function(super().call(inputs, training=training, mask=mask))


class _GlobalMax(keras.layers.GlobalMaxPooling2D):
    """Keras's, which takes no mask where ours is called with None."""

    def call(self, inputs, mask=None):
        return super().call(inputs)


class _Pooling(keras.layers.Layer):
    """Gather the neighbourhoods, then their maximum or mean."""

    def __init__(self, mode: str, level: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode, self.level = mode, level

    def call(self, inputs):
        table = icosphere(self.level).pooling
        if self.mode == "none":
            return inputs[:, : len(table)]
        gathered = ops.take(inputs, table, axis=1)
        if self.mode == "max":
            return ops.max(gathered, axis=2)
        # The 12 pentagons' last column repeats the vertex.
        counted = (ops.arange(7) < 6) | (ops.arange(len(table))[:, None] >= 12)
        counts = ops.cast(counted, inputs.dtype)
        total = ops.sum(gathered * counts[:, :, None, None], axis=2)
        return total / ops.sum(counts, axis=1)[:, None, None] if self.mode == "mean" else total

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(icosphere(self.level).pooling), *input_shape[2:])

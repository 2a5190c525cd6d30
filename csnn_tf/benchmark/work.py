"""Floating-point operations of a network, counted from its layers."""

from math import prod

import keras

from csnn_tf.layers import CoRadialConv, IntraSphereConv

TRAINING_FACTOR = 3
"""A training step does the forward product, and one each for the gradients of input and weights."""


def forward_operations(network: keras.Model) -> float:
    """Floating-point operations of one sample: 2 x multiply-adds of convolutions and dense layers.

    Sums over neighbourhoods, normalisation and activations count as nothing: what they cost shows
    as distance from the limit.
    """
    return sum(layer_operations(layer) for layer in leaves(network))


def layer_operations(layer: keras.layers.Layer) -> float:
    """Those of one layer; 0 for layers without a product."""
    shape = layer.input.shape if isinstance(layer.input, keras.KerasTensor) else None
    if isinstance(layer, IntraSphereConv | CoRadialConv):
        places = shape[1] * shape[2]
    elif isinstance(layer, keras.layers.Dense):
        places = 1
    elif isinstance(layer, keras.layers.Conv1D):
        places = shape[1]
    else:
        return 0.0
    size = prod(layer.kernel.shape)
    if isinstance(layer, CoRadialConv):  # a window holds no more spheres than there are
        size = size // layer.kernel_size * min(layer.kernel_size, shape[2])
    return 2.0 * places * size


def leaves(network: keras.Model) -> list[keras.layers.Layer]:
    """All layers of a functional model, those of models inside it included."""
    found: list[keras.layers.Layer] = []
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            found += leaves(layer)
        else:
            found.append(layer)
    return found

"""The plain formulation is the same network."""

import keras
import numpy as np
import pytest

from csnn_tf.benchmark.plain_keras import plain_network
from csnn_tf.benchmark.work import forward_operations, leaves
from csnn_tf.layers import CoRadialConv, IntraSphereConv, VertexPooling
from csnn_tf.models import DensityOfStates, PointCloudClassifier

LAYERS = "csnn_tf.layers."


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_plain_and_own_network_agree(pooling):
    network = PointCloudClassifier.from_preset("tiny", 5, pooling=pooling).network
    plain = plain_network(network)
    assert not [layer for layer in leaves(plain) if type(layer).__module__.startswith(LAYERS)]
    assert any(type(layer).__module__.startswith(LAYERS) for layer in leaves(network))
    shape = network.input_shape[1:]
    maps = keras.random.normal((3, *shape), seed=0)
    for training in (False, True):
        found, expected = (np.asarray(m(maps, training=training)) for m in (plain, network))
        if not training:
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_density_of_states_too():
    energies = np.linspace(-30, 0.9, 310)
    network = DensityOfStates.from_preset("tiny", ["C"], energies).network
    maps = keras.random.uniform((4, *network.input_shape[1:]), seed=0)
    found, expected = (np.asarray(m(maps)) for m in (plain_network(network), network))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("spheres", "taps"), [(1, 1), (2, 2), (4, 3)])
def test_operations_are_counted_as_by_hand(spheres, taps):
    inputs = keras.Input((42, spheres, 3))
    x = IntraSphereConv(5)(inputs)
    x = VertexPooling("max")(CoRadialConv(7, 3)(x))
    x = keras.layers.GlobalMaxPooling2D(data_format="channels_last")(x)
    network = keras.Model(inputs, keras.layers.Dense(11)(x))
    by_hand = 2 * (42 * spheres * 3 * 5 + 42 * spheres * taps * 5 * 7 + 7 * 11)
    assert forward_operations(network) == by_hand
    nested = keras.Model(inputs, network(inputs))
    assert forward_operations(nested) == by_hand


def test_the_published_preset_needs_eight_billion():
    network = PointCloudClassifier.from_preset("paper", 40).network
    assert forward_operations(network) == pytest.approx(8.0e9, rel=0.01)

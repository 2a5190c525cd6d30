import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers import IntraSphereConv
from csnn_tf.testing import assert_equivariant
from tests.helpers import feature_maps, gradients, numpy_of, randomise
from tests.layers.test_neighbor_sum import adjacency


def made(x, filters, **options):
    layer = IntraSphereConv(filters, **options)
    layer.build(x.shape)
    randomise(layer)
    return layer


# Widths on both sides of the choice between summing first and multiplying first.
@pytest.mark.parametrize(("level", "filters"), [(0, 9), (1, 2), (1, 5), (1, 9), (2, 2)])
def test_equation_4(level, filters):
    x = feature_maps(level, 3, 5)
    layer = made(x, filters, activation="relu")
    kernel, bias = map(numpy_of, layer.get_weights())
    expected = np.einsum("uv,bvrc,cf->burf", adjacency(level), x, kernel) + bias
    np.testing.assert_allclose(numpy_of(layer(x)), np.maximum(expected, 0), atol=1e-5)


@pytest.mark.parametrize("filters", [2, 9])
def test_gradients(filters):
    x, level = feature_maps(1, 2, 4), 1
    layer = made(x, filters)
    weight = feature_maps(1, 2, filters, seed=5)
    matrix = ops.convert_to_tensor(adjacency(level))
    kernel = layer.get_weights()[0]

    def dense(t, k):
        return ops.sum(weight * ops.square(ops.einsum("uv,bvrc,cf->burf", matrix, t, k)))

    def ours(t, k):
        layer.kernel.assign(kernel)
        narrow = t.shape[-1] <= filters
        outputs, _ = layer.stateless_call([k, ops.zeros(filters)], [], t)
        assert narrow == (filters == 9)
        return ops.sum(weight * ops.square(outputs))

    for actual, expected in zip(
        gradients(ours, x, kernel), gradients(dense, x, kernel), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("level", "filters"), [(0, 2), (2, 6)])
def test_equivariance(level, filters):
    x = feature_maps(level, 2, 4)
    assert_equivariant(made(x, filters), x)


def test_without_bias():
    layer = made(feature_maps(0, 1, 2), 3, use_bias=False)
    assert [tuple(weight.shape) for weight in layer.weights] == [(2, 3)]
    np.testing.assert_array_equal(numpy_of(layer(np.zeros((1, 12, 1, 2), "float32"))), 0)


def test_half_precision_stays_close():
    x = feature_maps(1, 2, 4)
    layer = made(x, 3)
    half = IntraSphereConv(3, dtype="mixed_bfloat16")
    half.build(x.shape)
    half.set_weights(layer.get_weights())
    outputs = half(x)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    expected = numpy_of(layer(x))
    deviation = np.abs(numpy_of(ops.cast(outputs, "float32")) - expected)
    assert deviation.max() < 0.03 * np.abs(expected).max()


@pytest.mark.parametrize("filters", [0, -1, 1.5, "4", None, True])
def test_wrong_filters(filters):
    with pytest.raises(InputError, match="filters must be a positive whole number"):
        IntraSphereConv(filters)


@pytest.mark.parametrize("shape", [(2, 43, 4, 8), (2, 42, 4), (2, None, 4, 8), (2, 42, 4, None)])
def test_wrong_inputs(shape):
    with pytest.raises(InputError, match=r"IntraSphereConv expects \[batch, vertex"):
        IntraSphereConv(4).build(shape)


def test_levels_may_share_a_layer():
    layer = made(feature_maps(2, 1, 3), 4)
    finer = feature_maps(3, 1, 3)
    other = made(finer, 4)
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(numpy_of(layer(finer)), numpy_of(other(finer)))

import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.grid import icosphere, num_vertices
from csnn_tf.layers import VertexPooling, compiled_kernels
from csnn_tf.testing import assert_equivariant
from tests.helpers import feature_maps, gradients, numpy_of

POOLED = ["max", "mean", "sum"]
MODES = [*POOLED, "none"]


def windows(level):
    """For every coarse vertex, itself and its fine neighbours, without repetition."""
    return [np.unique(row) for row in icosphere(level).pooling]


def reference(x, level, mode):
    if mode == "none":
        return x[:, : num_vertices(level - 1)]
    reduce = {"max": np.max, "mean": np.mean, "sum": np.sum}[mode]
    return np.stack([reduce(x[:, window], axis=1) for window in windows(level)], axis=1)


def reference_gradient(x, upstream, level, mode):
    """Gradient by x; those that tie for the largest share equally."""
    gradient = np.zeros_like(x)
    for vertex, window in enumerate(windows(level)):
        part = x[:, window]
        if mode == "max":
            share = (part == part.max(axis=1, keepdims=True)).astype("float32")
            share /= share.sum(axis=1, keepdims=True)
        else:
            share = np.full_like(part, 1 / len(window) if mode == "mean" else 1)
        gradient[:, window] += share * upstream[:, vertex, None]
    return gradient


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("level", [1, 2])
def test_values(level, mode):
    x = feature_maps(level, 2, 3)
    found = numpy_of(VertexPooling(mode)(x))
    np.testing.assert_allclose(found, reference(x, level, mode), atol=2e-6)


def with_ties(x):
    return np.round(x * 0.8).astype("float32")


@pytest.mark.parametrize("prepare", [lambda x: x, with_ties], ids=["distinct", "ties"])
@pytest.mark.parametrize("mode", POOLED)
@pytest.mark.parametrize("level", [1, 2])
def test_gradients(level, mode, prepare):
    x = prepare(feature_maps(level, 2, 3))
    weight = feature_maps(level - 1, 2, 3, seed=1)
    layer = VertexPooling(mode)
    (found,) = gradients(lambda t: ops.sum(weight * layer(t)), x)
    np.testing.assert_allclose(found, reference_gradient(x, weight, level, mode), atol=2e-6)


@pytest.mark.parametrize("mode", POOLED)
def test_constant_maps_share_the_gradient_and_lose_none(mode):
    x = np.full((1, 162, 2, 1), 3.0, "float32")
    layer = VertexPooling(mode)
    (found,) = gradients(lambda t: ops.sum(layer(t)), x)
    assert (found > 0).all()
    assert found.sum() == pytest.approx(numpy_of(layer(x)).sum() / 3, rel=1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("level", [1, 2])
def test_equivariance(level, mode):
    assert_equivariant(VertexPooling(mode), feature_maps(level, 2, 3))


@pytest.mark.parametrize("mode", POOLED)
def test_compiled_kernels_change_nothing(mode):
    x, weight = with_ties(feature_maps(2, 2, 3)), feature_maps(1, 2, 3, seed=1)
    layer = VertexPooling(mode)

    def loss(t):
        return ops.sum(weight * layer(t))

    with compiled_kernels(False):
        plain, (plain_gradient,) = numpy_of(layer(x)), gradients(loss, x)
    with compiled_kernels():
        compiled, (gradient,) = numpy_of(layer(x)), gradients(loss, x)
    np.testing.assert_allclose(compiled, plain, atol=2e-6)
    np.testing.assert_allclose(gradient, plain_gradient, atol=2e-6)


def test_gradient_of_maxima_that_a_compiler_computes_twice():
    # Compiled as a whole, the inputs of the pooling are computed once for its maximum and once for
    # its gradient, and rounded differently: the gradient must not look for equal numbers.
    x, weight = feature_maps(1, 4, 16, batch=6), feature_maps(0, 4, 16, batch=6, seed=1)
    layer = VertexPooling("max")

    def loss(t):
        mean = ops.mean(t, axis=(0, 1, 2), keepdims=True)
        scale = ops.rsqrt(ops.mean(ops.square(t), axis=(0, 1, 2), keepdims=True) + 1e-5)
        return ops.sum(weight * layer(ops.relu(t * scale - mean * scale)))

    (expected,), (found,) = gradients(loss, x), gradients(loss, x, compiled=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_unknown_mode():
    with pytest.raises(InputError, match="mode must be one of max, mean, sum, none, not 'min'"):
        VertexPooling("min")


def test_wrong_inputs():
    with pytest.raises(InputError, match="no coarser icosphere"):
        VertexPooling().build((2, 12, 4, 8))
    with pytest.raises(InputError, match="vertices on axis 1"):
        VertexPooling().build((2, 43, 4, 8))


@pytest.mark.parametrize("mode", MODES)
def test_levels_may_share_a_layer(mode):
    x, layer = feature_maps(3, 2, 3), VertexPooling(mode)
    once, twice = VertexPooling(mode)(x), layer(layer(x))
    np.testing.assert_array_equal(numpy_of(twice), numpy_of(VertexPooling(mode)(once)))
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(layer(inputs)))
    assert model.output_shape == (None, *twice.shape[1:])
    np.testing.assert_array_equal(numpy_of(model(x)), numpy_of(twice))
    with pytest.raises(InputError, match="no coarser icosphere"):
        layer(layer(twice))

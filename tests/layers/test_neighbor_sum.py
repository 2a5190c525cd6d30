import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.grid import icosphere
from csnn_tf.layers import compiled_kernels, neighbor_sum
from csnn_tf.layers.neighbor_sum import level_of
from csnn_tf.testing import assert_equivariant
from tests.helpers import feature_maps, gradients, numpy_of, saved_and_loaded


def adjacency(level):
    """[V, V] float32: 1 for a vertex with itself and with its neighbours."""
    edges, size = icosphere(level).edges, icosphere(level).num_vertices
    matrix = np.eye(size, dtype="float32")
    matrix[edges[:, 0], edges[:, 1]] = matrix[edges[:, 1], edges[:, 0]] = 1
    return matrix


@pytest.mark.parametrize("level", range(3))
def test_it_is_the_product_with_the_adjacency_matrix(level):
    x = feature_maps(level, 2, 3)
    expected = np.einsum("uv,bvrc->burc", adjacency(level), x)
    np.testing.assert_allclose(numpy_of(neighbor_sum(x, level)), expected, atol=2e-6)


@pytest.mark.parametrize("level", range(3))
def test_gradient_and_gradient_of_the_gradient(level):
    x, weight = feature_maps(level, 2, 3), feature_maps(level, 2, 3, seed=1)
    matrix = adjacency(level)
    (found,) = gradients(lambda t: ops.sum(weight * ops.square(neighbor_sum(t, level))), x)
    upstream = 2 * weight * np.einsum("uv,bvrc->burc", matrix, x)
    np.testing.assert_allclose(found, np.einsum("uv,burc->bvrc", matrix, upstream), atol=2e-5)


@pytest.mark.parametrize("level", [0, 2])
def test_equivariance(level):
    assert_equivariant(lambda x: neighbor_sum(x, level), feature_maps(level, 2, 3))


@pytest.mark.parametrize("level", [0, 2])
def test_compiled_kernels_change_nothing(level):
    x, weight = feature_maps(level, 2, 3), feature_maps(level, 2, 3, seed=1)

    def loss(t):
        return ops.sum(weight * ops.square(neighbor_sum(t, level)))

    with compiled_kernels(False):
        plain, (plain_gradient,) = numpy_of(neighbor_sum(x, level)), gradients(loss, x)
    with compiled_kernels():
        compiled, (gradient,) = numpy_of(neighbor_sum(x, level)), gradients(loss, x)
    np.testing.assert_allclose(compiled, plain, atol=2e-6)
    np.testing.assert_allclose(gradient, plain_gradient, atol=2e-5)


def test_in_a_functional_model_and_its_file(tmp_path):
    x = feature_maps(1, 2, 3)
    inputs = keras.Input(x.shape[1:])
    sums = neighbor_sum(inputs, 1)
    model = keras.Model(inputs, keras.layers.Add()([inputs, sums]))
    assert tuple(sums.shape) == (None, *x.shape[1:])
    expected = x + numpy_of(neighbor_sum(x, 1))
    again = saved_and_loaded(model, tmp_path)
    for made in (model, keras.models.clone_model(model), again):
        np.testing.assert_allclose(numpy_of(made(x)), expected, atol=2e-6)


@pytest.mark.parametrize("x", [feature_maps(1, 2, 3), keras.Input((42, 2, 3))], ids=["", "input"])
def test_other_shapes_are_refused(x):
    with pytest.raises(InputError, match=r"162 vertices for level 2, not the shape \((2|None), 42"):
        neighbor_sum(x, 2)
    with pytest.raises(InputError, match=r"vertex, sphere, channel.*not the shape \((2|None), 42"):
        neighbor_sum(x[:, :, 0], 1)
    with pytest.raises(InputError, match="level must be"):
        neighbor_sum(x, 8)


def test_levels_by_number_of_vertices():
    assert [level_of(10 * 4**level + 2, "it") for level in range(8)] == list(range(8))
    for vertices in (None, 0, 11, 43, 655_362):
        with pytest.raises(InputError, match=r"it expects .* vertices"):
            level_of(vertices, "it")

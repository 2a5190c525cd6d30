import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers import CoRadialConv
from csnn_tf.testing import assert_equivariant
from tests.helpers import feature_maps, gradients, numpy_of, randomise


def made(x, filters, kernel_size, **options):
    layer = CoRadialConv(filters, kernel_size, **options)
    layer.build(x.shape)
    randomise(layer)
    return layer


def equation_5(x, kernel):
    """Sum over the window, spheres outside the grid being zero; differentiable."""
    half, spheres = kernel.shape[0] // 2, x.shape[2]
    padded = ops.pad(x, [(0, 0), (0, 0), (half, half), (0, 0)])
    return sum(ops.matmul(padded[:, :, k : k + spheres], kernel[k]) for k in range(kernel.shape[0]))


# Windows wider than the stack of spheres too.
@pytest.mark.parametrize(("spheres", "kernel_size"), [(1, 3), (4, 1), (4, 3), (2, 7)])
def test_equation_5(spheres, kernel_size):
    x = feature_maps(0, spheres, 3)
    layer = made(x, 4, kernel_size, activation="relu")
    kernel, bias = layer.get_weights()
    expected = numpy_of(equation_5(ops.convert_to_tensor(x), kernel)) + bias
    np.testing.assert_allclose(numpy_of(layer(x)), np.maximum(expected, 0), atol=1e-5)


@pytest.mark.parametrize(("spheres", "kernel_size"), [(1, 3), (4, 1), (4, 3), (2, 7)])
def test_gradients(spheres, kernel_size):
    x, weight = feature_maps(0, spheres, 3), feature_maps(0, spheres, 2, seed=1)
    layer = made(x, 2, kernel_size)
    kernel = layer.get_weights()[0]

    def ours(t, k):
        outputs, _ = layer.stateless_call([k, ops.zeros(2)], [], t)
        return ops.sum(weight * ops.square(outputs))

    def reference(t, k):
        return ops.sum(weight * ops.square(equation_5(t, k)))

    for actual, expected in zip(
        gradients(ours, x, kernel), gradients(reference, x, kernel), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_equivariance(kernel_size):
    x = feature_maps(1, 4, 3)
    assert_equivariant(made(x, 5, kernel_size), x)


def test_without_bias():
    layer = made(feature_maps(0, 2, 2), 3, 3, use_bias=False)
    assert [tuple(weight.shape) for weight in layer.weights] == [(3, 2, 3)]


@pytest.mark.parametrize("size", [2, 4])
def test_even_windows_have_no_middle(size):
    with pytest.raises(InputError, match=f"kernel_size must be odd, not {size}"):
        CoRadialConv(4, size)


@pytest.mark.parametrize("arguments", [(0,), (4, 0), (4, 2.5), (4, "3")])
def test_wrong_sizes(arguments):
    with pytest.raises(InputError, match="must be a positive whole number"):
        CoRadialConv(*arguments)


@pytest.mark.parametrize("shape", [(2, 42, 4), (2, 42, None, 8)])
def test_wrong_inputs(shape):
    with pytest.raises(InputError, match=r"CoRadialConv expects \[batch, vertex"):
        CoRadialConv(4).build(shape)

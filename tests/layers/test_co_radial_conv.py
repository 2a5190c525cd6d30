import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers import CoRadialConv
from csnn_tf.layers.line_convolution import convolve_lines, form_of_product
from csnn_tf.testing import assert_equivariant
from tests.helpers import feature_maps, gradients, numpy_of, randomise, relative, training_step


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


# Windows wider than the stack of spheres too. 200 filters on 12 vertices are wide, 4 are not.
FORMS = {
    (1, 3, 4): "dense",
    (2, 3, 4): "dense",
    (2, 3, 200): "windows",
    (2, 7, 4): "dense",
    (3, 5, 200): "windows",
    (3, 1, 4): "dense",
    (3, 3, 4): "dense",
    (4, 1, 4): None,
    (4, 3, 4): None,
    (6, 5, 200): None,
}
every_form = pytest.mark.parametrize(("spheres", "kernel_size", "filters"), FORMS)


@every_form
@pytest.mark.parametrize("activation", ["relu", "softmax"])
def test_equation_5(spheres, kernel_size, filters, activation):
    assert (
        form_of_product(12, spheres, filters, kernel_size) == FORMS[spheres, kernel_size, filters]
    )
    x = feature_maps(0, spheres, 3)
    layer = made(x, filters, kernel_size, activation=activation)
    kernel, bias = layer.get_weights()
    linear = ops.add(equation_5(ops.convert_to_tensor(x), kernel), bias)
    expected = numpy_of({"relu": ops.relu, "softmax": ops.softmax}[activation](linear))
    np.testing.assert_allclose(numpy_of(layer(x)), expected, atol=1e-5)


@every_form
def test_gradients(spheres, kernel_size, filters):
    x, weight = feature_maps(0, spheres, 3), feature_maps(0, spheres, filters, seed=1)
    layer = made(x, filters, kernel_size)
    kernel = layer.get_weights()[0]

    def ours(t, k):
        outputs, _ = layer.stateless_call([k, ops.zeros(filters)], [], t)
        return ops.sum(weight * ops.square(outputs))

    def reference(t, k):
        return ops.sum(weight * ops.square(equation_5(t, k)))

    for actual, expected in zip(
        gradients(ours, x, kernel), gradients(reference, x, kernel), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("filters", [4, 128])
def test_gradients_in_bfloat16(filters):
    """Of a narrow layer and a wide one, whose kernel's gradient TensorFlow's CPU gets otherwise."""
    x, weight = feature_maps(0, 5, 3), feature_maps(0, 5, filters, seed=1)
    kernel = feature_maps(0, 3, 3 * filters, batch=1)[0, 0].reshape(3, 3, filters)
    x, weight, kernel = (
        numpy_of(ops.cast(ops.cast(value, "bfloat16"), "float32")) for value in (x, weight, kernel)
    )

    def ours(t, k):
        lines = ops.reshape(ops.cast(t, "bfloat16"), (-1, 1, *t.shape[2:]))
        outputs = ops.reshape(convolve_lines(lines, ops.cast(k, "bfloat16")), weight.shape)
        return ops.sum(weight * ops.cast(outputs, "float32"))

    def reference(t, k):
        return ops.sum(weight * equation_5(t, k))

    for actual, expected in zip(
        gradients(ours, x, kernel), gradients(reference, x, kernel), strict=True
    ):
        assert relative(actual, expected) < 0.01  # bfloat16 tells 0.4 % apart


@pytest.mark.parametrize("filters", [4, 128])
@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16"])
def test_a_layer_trains_in_bfloat16(dtype, filters):
    x, weight = feature_maps(0, 5, 3), feature_maps(0, 5, filters, seed=1)

    def loss(outputs):
        return ops.sum(weight * ops.cast(outputs, "float32"))

    found = training_step(made(x, filters, 3, dtype=dtype), x, loss)[2]
    expected = training_step(made(x, filters, 3), x, loss)[2]
    for actual, wanted in zip(found.values(), expected.values(), strict=True):
        assert relative(ops.cast(actual, "float32"), wanted) < 0.05


@pytest.mark.parametrize(("spheres", "kernel_size"), [(4, 1), (3, 3), (4, 3)])
def test_equivariance(spheres, kernel_size):
    x = feature_maps(1, spheres, 3)
    assert_equivariant(made(x, 5, kernel_size), x)


@every_form
def test_an_activation_over_the_spheres(spheres, kernel_size, filters):
    def below_largest(y):
        return y - ops.max(y, axis=-2, keepdims=True)

    x = feature_maps(0, spheres, 3)
    layer = made(x, filters, kernel_size, activation=below_largest)
    kernel, bias = layer.get_weights()
    linear = ops.add(equation_5(ops.convert_to_tensor(x), kernel), bias)
    expected = numpy_of(below_largest(linear))
    np.testing.assert_allclose(numpy_of(layer(x)), expected, atol=1e-5)


@every_form
def test_without_bias(spheres, kernel_size, filters):
    x = feature_maps(0, spheres, 2)
    layer = made(x, filters, kernel_size, use_bias=False)
    (kernel,) = layer.get_weights()
    assert kernel.shape == (kernel_size, 2, filters)
    expected = numpy_of(equation_5(ops.convert_to_tensor(x), kernel))
    np.testing.assert_allclose(numpy_of(layer(x)), expected, atol=1e-5)


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

import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers import BatchNormalization
from csnn_tf.testing import assert_equivariant
from tests.helpers import (
    BACKEND,
    feature_maps,
    gradients,
    numpy_of,
    randomise,
    relative,
    tensorflow_only,
    training_step,
)


class KerasOwn(keras.layers.BatchNormalization):
    """Keras's layer with the published constants, then an activation."""

    def __init__(self, activation=None, **options):
        super().__init__(momentum=0.9, epsilon=1e-5, **options)
        self.activation = keras.activations.get(activation)

    def call(self, inputs, training=None):
        return self.activation(super().call(inputs, training=training))


def pair(shape, **options):
    """Our layer and Keras's with the same weights."""
    ours = BatchNormalization(**options)
    keras_own = KerasOwn(**options)
    for layer in (ours, keras_own):
        layer.build(shape)
        randomise(layer)
    return ours, keras_own


def inputs(shape, seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * 3 + 1).astype("float32")


SHAPES = [(3, 12, 4, 5), (16, 5)]
DTYPES = ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"]
DTYPES += ["float64"] if BACKEND == "tensorflow" else []  # JAX must be asked for it when it starts
OPTIONS = [{}, {"scale": False}, {"center": False}, {"activation": "relu"}]


@tensorflow_only
@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("compiled", [False, True])
def test_second_derivatives_are_exact(activation, compiled):
    import tensorflow as tf

    shape = (2, 6, 2, 3)
    layer = BatchNormalization(activation=activation)
    layer.build(shape)
    randomise(layer)
    arrays = [inputs(shape, seed=seed) for seed in range(3)]

    def formula(x):
        # Keras's, of `tf.nn.moments`, holds the mean fixed in the variance.
        centred = x - tf.reduce_mean(x, (0, 1, 2))
        variance = tf.reduce_mean(centred**2, (0, 1, 2))
        gamma, beta = (tf.cast(weight, x.dtype) for weight in (layer.gamma, layer.beta))
        return layer.activation(gamma * centred * tf.math.rsqrt(variance + 1e-5) + beta)

    def second(function, dtype):
        """Gradients, by the input and gamma, of the derivative of a loss along a direction."""
        x, direction, weight = (tf.constant(array, dtype) for array in arrays)

        def found():
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    loss = tf.reduce_sum(weight * tf.sin(function(x)))
                slope = tf.reduce_sum(inner.gradient(loss, x) * direction)
            return outer.gradient(slope, (x, layer.gamma.value))

        return tf.function(found)() if compiled else found()

    ours = second(lambda x: layer(x, training=True), "float32")
    for found, expected in zip(ours, second(formula, "float64"), strict=True):
        assert relative(found, expected) < 1e-5


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_training_equals_keras(shape, options):
    layers = pair(shape, **options)
    weight = inputs(shape, seed=9)
    for step in range(2):  # the running averages accumulate
        x = inputs(shape, seed=step)
        results = [
            training_step(layer, x, lambda y: ops.sum(weight * ops.square(y))) for layer in layers
        ]
        (ours, _, our_gradients), (expected, _, gradients) = results
        np.testing.assert_allclose(ours, expected, atol=1e-5)
        for actual, wanted in zip(our_gradients.values(), gradients.values(), strict=True):
            np.testing.assert_allclose(actual, wanted, rtol=1e-4, atol=1e-3)
        for actual, wanted in zip(*(layer.get_weights() for layer in layers), strict=True):
            np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_by_the_input_equal_keras(shape, activation):
    weight, x = inputs(shape, seed=9), inputs(shape)
    found = []
    for layer in pair(shape, activation=activation):

        def loss(t, layer=layer):
            values = [
                [v.value for v in group]
                for group in (layer.trainable_variables, layer.non_trainable_variables)
            ]
            outputs, _ = layer.stateless_call(*values, t, training=True)
            return ops.sum(weight * ops.square(outputs))

        found.append(gradients(loss, x)[0])
    np.testing.assert_allclose(*found, atol=2e-4)


@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_inference_equals_keras_and_keeps_the_averages(shape, activation):
    ours, keras_own = pair(shape, activation=activation)
    before = ours.get_weights()
    x = inputs(shape)
    np.testing.assert_allclose(
        numpy_of(ours(x, training=False)), numpy_of(keras_own(x, training=False)), atol=1e-6
    )
    for was, now in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


def test_frozen_layers_use_the_running_averages():
    ours, _ = pair((3, 12, 4, 5))
    x, before = inputs((3, 12, 4, 5)), ours.get_weights()
    expected = numpy_of(ours(x, training=False))
    ours.trainable = False
    np.testing.assert_allclose(numpy_of(ours(x, training=True)), expected, atol=1e-6)
    for was, now in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


def test_one_value_a_channel_has_no_variance():
    ours, _ = pair((1, 1, 1, 5))
    x, (_, beta, *_) = inputs((1, 1, 1, 5)), ours.get_weights()
    # Keras's variance is a difference of squares, whose rounding epsilon does not quite hide.
    np.testing.assert_allclose(numpy_of(ours(x, training=True))[0, 0, 0], beta, atol=1e-3)
    assert all(np.isfinite(weight).all() for weight in ours.get_weights())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_policies_equal_keras(dtype, training):
    layers = pair((3, 12, 4, 5), activation="relu", dtype=dtype)
    x = ops.cast(inputs((3, 12, 4, 5)), layers[0].compute_dtype)
    ours, expected = (layer(x, training=training) for layer in layers)
    assert ours.dtype == expected.dtype
    wide = [ops.convert_to_numpy(ops.cast(y, "float32")) for y in (ours, expected)]
    np.testing.assert_allclose(*wide, rtol=0.02, atol=0.02)
    for actual, wanted in zip(*(layer.weights for layer in layers), strict=True):
        found = [numpy_of(ops.cast(weight, "float32")) for weight in (actual, wanted)]
        np.testing.assert_allclose(*found, rtol=0.01, atol=1e-3)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("ratio", [0, 100, 1000, None])
def test_channels_that_hardly_vary(ratio, compiled):
    """Mean over standard deviation; None is a constant. `compiled` is by XLA as a whole."""
    x = np.random.default_rng(0).normal(size=(8, 12, 4, 5))
    x = (np.full_like(x, 3.3) if ratio is None else x + ratio).astype("float32")
    layer = BatchNormalization()
    layer.build(x.shape)

    def loss(t, weight):
        values = [
            [v.value for v in group]
            for group in (layer.trainable_variables, layer.non_trainable_variables)
        ]
        return ops.sum(weight * layer.stateless_call(*values, t, training=True)[0])

    # The gradient by the weight is the output.
    by_input, outputs = gradients(loss, x, np.ones_like(x), compiled=compiled)
    exact = x.astype("float64")
    exact = (exact - exact.mean((0, 1, 2))) / np.sqrt(exact.var((0, 1, 2)) + layer.epsilon)
    np.testing.assert_allclose(outputs, exact, atol=0.05 if ratio is None else 1e-5 * (ratio + 1))
    assert np.isfinite(by_input).all()


@tensorflow_only
@pytest.mark.parametrize("compiled", [False, True])
def test_xla_gets_no_fused_operation(compiled):
    import tensorflow as tf

    layer = BatchNormalization()
    layer.build((2, 12, 4, 5))
    step = tf.function(lambda x: layer(x, training=True), jit_compile=compiled)
    graph = step.get_concrete_function(tf.TensorSpec((2, 12, 4, 5))).graph
    fused = [node for node in graph.get_operations() if node.type.startswith("FusedBatchNorm")]
    assert len(fused) == (0 if compiled else 1)


@pytest.mark.parametrize(("activation", "channels"), [("glu", 3), ("softmax", 6)])
def test_the_activation_s_shape_is_declared(activation, channels):
    layer = BatchNormalization(activation=activation)
    declared = layer(keras.Input((12, 2, 6)))
    assert declared.shape == (None, 12, 2, channels)
    assert layer(feature_maps(0, 2, 6)).shape == (2, 12, 2, channels)


def test_another_axis_is_refused():
    assert BatchNormalization(axis=-1).axis == -1
    with pytest.raises(InputError, match="over the last axis; for axis=1 take keras"):
        BatchNormalization(axis=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 1.5}, "momentum must be from 0 to 1, not 1.5"),
        ({"momentum": "0.9"}, "momentum must be a number, not '0.9'"),
        ({"epsilon": -1e-5}, "epsilon must be at least 0, not -1e-05"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(InputError, match=f"^{message}"):
        BatchNormalization(**arguments)


def test_equivariance_at_inference():
    ours, _ = pair((2, 42, 3, 4))
    assert_equivariant(ours, feature_maps(1, 3, 4))


def test_the_published_constants():
    config = BatchNormalization().get_config()
    assert (config["momentum"], config["epsilon"]) == (0.9, 1e-5)
    assert "axis" not in config
    assert BatchNormalization(activation="relu").get_config()["activation"] == "relu"

"""What convolutions share: activations, and the bias that a batch normalisation takes away."""

import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers import BatchNormalization, CoRadialConv, IntraSphereConv
from csnn_tf.layers.feature_map_conv import only_norms_read
from tests.helpers import feature_maps, gradients, numpy_of, randomise, training_step

CONVOLUTIONS = [IntraSphereConv, CoRadialConv]
MAPS = feature_maps(1, 4, 3)
WEIGHT = feature_maps(1, 4, 5, seed=1)


def loss(outputs):
    return ops.sum(WEIGHT * ops.square(outputs))


def normalised(kind, *, told):
    """A convolution and its normalisation, with the same weights whether told of it or not."""
    inputs = keras.Input(MAPS.shape[1:])
    convolution, norm = kind(5, name="conv"), BatchNormalization(activation="relu", name="norm")
    if told:
        convolution.normalised_by(norm)
    model = keras.Model(inputs, norm(convolution(inputs)))
    randomise(model)
    return model


@pytest.fixture(autouse=True)
def known_graph():
    with only_norms_read():
        yield


def pair(kind):
    return normalised(kind, told=True), normalised(kind, told=False)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_is_zero_in_training_and_nothing_else_changes(kind):
    (ours, _, found), (plain, _, expected) = (
        training_step(model, MAPS, loss) for model in pair(kind)
    )
    np.testing.assert_array_equal(ours, plain)
    assert not found["conv/bias"].any()
    largest = np.abs(expected["conv/kernel"]).max()
    assert 0 < np.abs(expected["conv/bias"]).max() < 1e-4 * largest  # rounding
    for path in expected.keys() - {"conv/bias"}:
        np.testing.assert_allclose(found[path], expected[path], rtol=1e-5, atol=1e-6 * largest)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_counts_where_the_normalisation_is_frozen(kind):
    models = pair(kind)
    for model in models:
        model.get_layer("norm").trainable = False
    found, expected = (training_step(model, MAPS, loss)[2]["conv/bias"] for model in models)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_counts_in_inference(kind):
    found = []
    for model in pair(kind):
        values, others = (
            [variable.value for variable in group]
            for group in (model.trainable_variables, model.non_trainable_variables)
        )
        place = [variable.path for variable in model.trainable_variables].index("conv/bias")

        def of_bias(bias, model=model, values=values, others=others, place=place):
            changed = [*values[:place], bias, *values[place + 1 :]]
            return loss(model.stateless_call(changed, others, MAPS, training=False)[0])

        found.append(gradients(of_bias, numpy_of(values[place]))[0])
    assert np.abs(found[1]).max() > 1
    np.testing.assert_allclose(*found, rtol=1e-5)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_weights_of_the_normalisation_stay_its_own(kind):
    model = normalised(kind, told=True)
    assert [weight.name for weight in model.get_layer("conv").weights] == ["kernel", "bias"]


def by_vertices(y):
    """Looks at an axis that a product of rows does not have."""
    return y / ops.sqrt(ops.mean(ops.square(y), axis=1, keepdims=True) + 1e-6)


@pytest.mark.parametrize("filters", [2, 6])  # fewer than the channels, and more
@pytest.mark.parametrize("activation", ["glu", "gelu", by_vertices, keras.layers.LeakyReLU()])
@pytest.mark.parametrize(
    ("kind", "options"),
    [(IntraSphereConv, {}), *[(CoRadialConv, {"kernel_size": size}) for size in (1, 3)]],
)
def test_an_activation_sees_the_feature_map(kind, options, activation, filters):
    layer, linear = kind(filters, activation=activation, **options), kind(filters, **options)
    declared = layer(keras.Input(MAPS.shape[1:])).shape
    linear.build(MAPS.shape)
    randomise(layer)
    linear.set_weights(layer.get_weights())
    expected = numpy_of(keras.activations.get(activation)(linear(MAPS)))
    assert declared == (None, *expected.shape[1:])
    np.testing.assert_allclose(numpy_of(layer(MAPS)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_bias_is_used_or_not(kind):
    assert kind(4, use_bias=np.bool_(False)).get_config()["use_bias"] is False
    for value in ("no", 0, None):
        with pytest.raises(InputError, match="use_bias must be true or false, not"):
            kind(4, use_bias=value)

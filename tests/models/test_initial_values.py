"""Weights made without random numbers because their values follow."""

import keras
import numpy as np
import pytest

from csnn_tf.layers import CoRadialConv
from csnn_tf.models import DensityOfStates, PointCloudClassifier
from csnn_tf.models.inference_network import inference_network
from csnn_tf.models.initial_values import values_follow
from csnn_tf.models.loading import load_model
from tests.helpers import numpy_of

ARGUMENTS = {
    PointCloudClassifier: {"num_classes": 3},
    DensityOfStates: {"elements": ["C"], "energies": np.linspace(-9, 9, 5)},
}


def never(*args, **kwargs):
    raise AssertionError("this is not needed")


def kernel(layer):
    layer.build((None, 5, 6, 3))
    return numpy_of(layer.kernel)


@pytest.mark.parametrize("kind", [keras.layers.Dense, CoRadialConv])
def test_layers_are_as_ever_after_the_context(kind):
    config, made = kind(4, name="x").get_config(), []

    def interrupted():
        with values_follow():
            made.append(kind(4, name="x"))
            assert not kernel(made[0]).any()
            made.append(kind(4, name="x"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert kernel(made[1]).any()
    for layer in made:
        assert type(layer.kernel_initializer) is keras.initializers.GlorotUniform
        assert layer.get_config() == config
        assert kernel(kind.from_config(layer.get_config())).any()


@pytest.mark.parametrize("kind", list(ARGUMENTS))
def test_a_model_that_is_loaded_draws_no_random_numbers(kind, tmp_path, monkeypatch):
    model = kind.from_preset("tiny", **ARGUMENTS[kind])
    model.save(tmp_path / "model.keras")
    with monkeypatch.context() as patched:
        patched.setattr(keras.initializers.GlorotUniform, "__call__", never)
        loaded = load_model(tmp_path / "model.keras", kind)
        inference_network(loaded.network)
    for weight, value in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(numpy_of(weight), numpy_of(value))


@keras.saving.register_keras_serializable(package="csnn_tf_tests")
class Projection(keras.layers.Layer):
    """Uses its initialiser for what is no weight."""

    def __init__(self, kernel_initializer=None, **kwargs):
        super().__init__(**kwargs)
        seeded = keras.initializers.GlorotUniform(seed=3)
        self.kernel_initializer = keras.initializers.get(kernel_initializer or seeded)

    def call(self, x):
        return x @ self.kernel_initializer((5, 5))

    def get_config(self):
        kept = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), "kernel_initializer": kept}


@keras.saving.register_keras_serializable(package="csnn_tf_tests")
class Fixed(keras.layers.Layer):
    """Has its initialiser without being asked."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.GlorotUniform()

    def build(self, shape):
        self.kernel = self.add_weight((shape[-1], 3), initializer=self.kernel_initializer)

    def call(self, x):
        return x @ self.kernel


@pytest.mark.parametrize(
    "make",
    [
        Projection,
        Fixed,
        lambda: keras.layers.EinsumDense("abc,cd->abd", (None, 7)),
        lambda: keras.layers.EinsumDense("abc,cd->abd", (None, 7), kernel_initializer="he_normal"),
        lambda: keras.layers.Bidirectional(keras.layers.LSTM(3)),
        lambda: keras.layers.MultiHeadAttention(2, 4),
    ],
)
def test_layers_of_all_kinds_are_rebuilt(make):
    inputs, layer = keras.Input((6, 5)), make()
    attention = isinstance(layer, keras.layers.MultiHeadAttention)
    network = keras.Model(inputs, layer(inputs, inputs) if attention else layer(inputs))
    points = np.random.default_rng(0).normal(size=(2, 6, 5)).astype("float32")
    with values_follow():
        type(layer).from_config(layer.get_config())
    found = inference_network(network)(points)
    np.testing.assert_allclose(numpy_of(found), numpy_of(network(points)), rtol=1e-5, atol=1e-6)


def test_what_keras_reads_of_a_file_needs_no_configuration(monkeypatch):
    # Keras looks at all properties when it loads weights, and its `get_config` imports TensorFlow.
    model = DensityOfStates.from_preset("tiny", **ARGUMENTS[DensityOfStates])
    monkeypatch.setattr(keras.dtype_policies, "serialize", never)
    assert model.numbers_per_atom == 42 * 16

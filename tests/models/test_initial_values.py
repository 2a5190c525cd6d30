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


def test_what_keras_reads_of_a_file_needs_no_configuration(monkeypatch):
    # Keras looks at all properties when it loads weights, and its `get_config` imports TensorFlow.
    model = DensityOfStates.from_preset("tiny", **ARGUMENTS[DensityOfStates])
    monkeypatch.setattr(keras.dtype_policies, "serialize", never)
    assert model.numbers_per_atom == 42 * 16

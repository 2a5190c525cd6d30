"""Frozen layers stay frozen in files and copies."""

import copy

import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.models import AgniDensityOfStates, ConcentricBackbone, PointCloudClassifier
from csnn_tf.models.architectures import ARCHITECTURES, architecture
from tests.helpers import EVERY, clouds, eagerly, randomise, saved_and_loaded


def paths(model):
    """Of what is trained."""
    return [weight.path for weight in model.trainable_weights]


def copies(model, folder):
    yield saved_and_loaded(model, folder)
    yield keras.models.clone_model(model)
    yield copy.deepcopy(model)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_frozen_backbone(name, tmp_path):
    model = architecture(name).from_preset("tiny", class_names=["cone", "cube"])
    assert "frozen" not in model.get_config()
    every = len(paths(model))
    model.backbone.trainable = False
    for found in copies(model, tmp_path):
        assert 0 < len(paths(found)) < every
        assert paths(found) == paths(model)
        assert paths(found.network) == paths(model.network)
        assert not found.backbone.trainable
    model.trainable = False
    other = model.for_classes(["cone", "nut"])
    assert set(paths(other)) == {w.path for w in other.network.get_layer("logits").weights}
    assert paths(model) == paths(keras.models.clone_model(model)) == []
    model.trainable = True
    assert len(paths(keras.models.clone_model(model))) == every


@pytest.mark.parametrize("name", list(ARCHITECTURES)[EVERY])
def test_a_frozen_backbone_keeps_its_averages(name):
    model = architecture(name).from_preset("tiny", num_classes=2)
    randomise(model)
    model.backbone.trainable = False
    averages = [w for w in model.backbone.weights if "moving" in w.path]
    before = list(map(keras.ops.convert_to_numpy, averages))
    features = model.features(model.normalized(clouds(2, 30)))
    found = model.backbone(features, training=True)
    np.testing.assert_array_equal(found, model.backbone(features, training=False))
    assert before
    for average, value in zip(averages, before, strict=True):
        np.testing.assert_array_equal(average, value)


def test_single_layers(tmp_path):
    model = PointCloudClassifier.from_preset("tiny", 3)
    model.backbone.trainable = False
    model.backbone.get_layer("level0_co_radial0").trainable = True
    model.network.get_layer("hidden0_norm").trainable = False
    for found in copies(model, tmp_path):
        assert paths(found) == paths(model)
        assert not found.network.get_layer("hidden0_norm").trainable
        assert found.network.trainable


@eagerly
def test_the_optimizer_goes_on(tmp_path):
    model = PointCloudClassifier.from_preset("tiny", 2)
    model.backbone.trainable = False
    model.compile(optimizer="adam", loss="mse")
    model.fit(clouds(4, 20), np.zeros((4, 2), "float32"), verbose=0)
    again = saved_and_loaded(model, tmp_path)
    assert int(again.optimizer.iterations) == 1
    for one, two in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (one, two)))


def test_densities_of_states(tmp_path):
    model = AgniDensityOfStates.from_preset("tiny", ["C"], np.arange(8.0))
    config = model.get_config()
    assert "frozen" not in config  # although a layer without weights to train is
    model.network.get_layer("hidden0").trainable = False
    for found in copies(model, tmp_path):
        assert paths(found) == paths(model)
        assert not found.network.get_layer("standardise").trainable


@pytest.mark.skipif(
    tuple(map(int, keras.__version__.split(".")[:2])) < (3, 15),
    reason="older Keras clones a functional subclass by its constructor, whatever that takes",
)
def test_a_backbone_by_itself(tmp_path):
    whole = PointCloudClassifier.from_preset("tiny", 2)
    backbone = ConcentricBackbone.from_config(whole.backbone.get_config())
    backbone.layers[1].trainable = False
    for found in copies(backbone, tmp_path):
        assert paths(found) == paths(backbone)
        assert not found.layers[1].trainable


@pytest.mark.parametrize("places", ["all", [99], [-1], [True], [[0]]])
def test_places_that_are_none(places):
    config = PointCloudClassifier.from_preset("tiny", 2).get_config()
    with pytest.raises(InputError, match="frozen must be places among 11 layers"):
        PointCloudClassifier.from_config({**config, "frozen": places})

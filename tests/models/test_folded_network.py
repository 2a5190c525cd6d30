import keras
import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.data.environments import Environments
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.errors import InputError
from csnn_tf.inference import Predictor
from csnn_tf.models.architectures import ARCHITECTURES
from csnn_tf.models.dos_architectures import DOS_ARCHITECTURES
from csnn_tf.models.folded_network import FoldedNetwork
from csnn_tf.models.folding import find_folds
from csnn_tf.models.inference_network import inference_network
from tests.helpers import EVERY, clouds, feature_maps, long_on_jax, numpy_of, randomise, relative

layers = keras.layers
SMALL = {"pointnet": {"filters": [8], "local_filters": [4]}, "dgcnn": {"filters": [4, 8]}}


def network(dtype=None):
    inputs = keras.Input((12, 2, 3))
    x = layers.Dense(5, name="narrow", dtype=dtype)(inputs)
    x = layers.BatchNormalization(name="narrow_norm", dtype=dtype)(x)
    x = layers.Dropout(0.5)(layers.ReLU(dtype=dtype)(x))
    x = layers.BatchNormalization(name="after_relu", dtype=dtype)(x)
    model = keras.Model(inputs, layers.Dense(2, use_bias=False, name="last", dtype=dtype)(x))
    randomise(model)
    return model


def test_it_follows_the_weights():
    model, maps = network(), feature_maps(0, 2, 3)
    folded = FoldedNetwork(model)
    first = numpy_of(folded(maps))
    assert relative(first, numpy_of(model(maps, training=False))) < 1e-5
    randomise(model, seed=1)
    assert relative(folded(maps), numpy_of(model(maps, training=False))) < 1e-5
    assert relative(folded(maps), first) > 0.1


def test_the_precision_stays():
    model, maps = network("mixed_bfloat16"), feature_maps(0, 2, 3)
    outputs = FoldedNetwork(model)(maps)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    expected = numpy_of(keras.ops.cast(model(maps, training=False), "float32"))
    assert relative(keras.ops.cast(outputs, "float32"), expected) < 0.05


def quantised():
    model = network()
    for name in ("narrow", "last"):
        model.get_layer(name).quantize("int8")
    return model


def adapted():
    model = network()
    model.get_layer("narrow").enable_lora(2)
    return model


def sequential():
    model = keras.Sequential([keras.Input((12, 2, 3)), layers.Dense(2)])
    randomise(model)
    return model


class _Scaled(layers.Layer):
    def __init__(self, scale):
        super().__init__(name="scaled")
        self.scale = scale

    def call(self, inputs):
        return self.scale * inputs


def not_made_anew():
    inputs = keras.Input((12, 2, 3))
    model = keras.Model(inputs, _Scaled(2)(layers.Dense(2)(inputs)))
    with pytest.raises(InputError, match="the layer 'scaled' cannot be made anew"):
        inference_network(model)
    return model


@long_on_jax
@pytest.mark.parametrize("make", [quantised, adapted, sequential, not_made_anew])
def test_what_cannot_be_rebuilt_runs_as_it_is(make):
    model, maps = make(), feature_maps(0, 2, 3)
    expected = numpy_of(model(maps, training=False))
    folded = FoldedNetwork(model, blocks=True)
    assert folded.rows is None
    np.testing.assert_allclose(numpy_of(folded(maps)), expected, rtol=1e-6)


@pytest.mark.parametrize("name", list(ARCHITECTURES)[EVERY])
def test_predictors_of_classifiers_run_it(name):
    model = ARCHITECTURES[name].from_preset("tiny", num_classes=4, **SMALL.get(name, {}))
    randomise(model)
    predictor, points = Predictor(model, batch_size=2), clouds(2, 40)
    assert find_folds(model.network)
    for seed in (1, 2):
        randomise(model, seed)
        expected = numpy_of(model(points, training=False))
        assert relative(predictor.logits(points), expected) < 1e-4


@long_on_jax
@pytest.mark.parametrize("name", list(DOS_ARCHITECTURES)[EVERY])
def test_predictors_of_densities_of_states_run_it(name):
    structures = builtin_carbon().subset([0, 100])
    model = DOS_ARCHITECTURES[name].from_preset("tiny", ["C"], structures.energies, {"C": 4.0})
    predictor = DosPredictor(model)
    for seed in (1, 2):
        randomise(model, seed)
        found = predictor.predict(structures, atomic=True).atomic_dos
        atoms = Environments.find(structures, model.elements, model.cutoff)
        batch = atoms.of_structures(range(2))
        expected = numpy_of(model.atomic_dos(batch, training=False))
        assert np.abs(expected).max() > 0
        assert relative(found, expected) < 1e-4

import keras
import pytest

from csnn_tf.layers import BatchNormalization, IntraSphereConv, compiled_kernels
from csnn_tf.models import PointCloudClassifier
from csnn_tf.models.folded_network import FoldedNetwork
from csnn_tf.models.folding import find_folds, find_residuals
from csnn_tf.models.inference_network import inference_network, rebuild
from csnn_tf.models.residual_sphere_conv import ResidualSphereConv
from tests.helpers import feature_maps, numpy_of, randomise, relative

layers = keras.layers


def network(combine, filters=4, activation="relu", dtype=None):
    """A normalised graph convolution, and what a function makes of its input and output."""
    inputs = keras.Input((42, 3, 4))
    x = layers.Dense(4, dtype=dtype)(inputs)
    y = IntraSphereConv(filters, dtype=dtype)(x)
    y = BatchNormalization(activation=activation, dtype=dtype)(y)
    model = keras.Model(inputs, combine(x, y))
    randomise(model)
    return model


def residual(x, y):
    return layers.Dense(2)(layers.Add(name="sum")([x, y]))


def sums_of(model):
    return find_residuals(model, find_folds(model))


@pytest.mark.parametrize("named", [False, True], ids=["", "called by name"])
def test_behind_a_normalisation_of_keras(named):
    inputs = keras.Input((42, 3, 4))
    x = layers.Dense(4)(inputs)
    conv = IntraSphereConv(4)
    y = layers.BatchNormalization()(conv(inputs=x) if named else conv(x))
    model = keras.Model(inputs, residual(x, y))
    randomise(model)
    assert len(sums_of(model)) == 1
    maps = feature_maps(1, 3, 4)
    assert relative(FoldedNetwork(model)(maps), numpy_of(model(maps, training=False))) < 1e-5


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("activation", ["relu", "tanh", None])
def test_it_computes_what_the_three_layers_do(activation, compiled):
    model, maps = network(residual, activation=activation), feature_maps(1, 3, 4)
    expected = numpy_of(model(maps, training=False))
    assert list(sums_of(model)) == [id(model.get_layer("sum"))]
    folded = FoldedNetwork(model)
    with compiled_kernels(compiled):
        assert relative(folded(maps), expected) < 1e-5
        randomise(model, seed=1)
        assert relative(folded(maps), numpy_of(model(maps, training=False))) < 1e-5


def test_in_bfloat16_it_rounds_once():
    model = network(lambda x, y: layers.Add(dtype="bfloat16")([x, y]), dtype="bfloat16")
    maps = feature_maps(1, 3, 4)
    assert len(sums_of(model)) == 1
    expected = numpy_of(keras.ops.cast(model(maps, training=False), "float32"))
    found = FoldedNetwork(model)(maps)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    assert relative(keras.ops.cast(found, "float32"), expected) < 0.03


@pytest.mark.parametrize(
    "model",
    [
        network(lambda x, y: layers.Dense(2)(layers.Add()([y, x]))),
        network(lambda x, y: layers.Add()([x, y, x])),
        network(lambda x, y: layers.Subtract()([x, y])),
        network(lambda x, y: [layers.Add()([x, y]), layers.ReLU()(y)]),
        network(lambda x, y: [layers.Add()([x, y]), y]),
        network(lambda x, y: layers.Add()([x[..., :1], y])),
        network(residual, activation="softmax"),
        network(lambda x, y: layers.Add(dtype="float16")([x, y])),
    ],
    ids=[
        "first",
        "three",
        "no sum",
        "read twice",
        "an output",
        "another shape",
        "activation of several entries",
        "another precision",
    ],
)
def test_other_sums_stay(model):
    assert not sums_of(model)
    maps = feature_maps(1, 3, 4)
    expected = keras.tree.flatten(model(maps, training=False))
    for found, output in zip(keras.tree.flatten(FoldedNetwork(model)(maps)), expected, strict=True):
        found, output = (keras.ops.cast(value, "float32") for value in (found, output))
        assert relative(found, numpy_of(output)) < 1e-2


def test_predictors_fuse_residual_sums_and_exports_do_not():
    model = PointCloudClassifier.from_preset("tiny", num_classes=4, intra_layers=[2, 2])
    kinds = [type(layer) for layer in model.network._flatten_layers()]
    assert kinds.count(layers.Add) == 3
    twin, _ = rebuild(model.network, residuals=True)
    kinds = [type(layer) for layer in twin._flatten_layers()]
    assert (kinds.count(layers.Add), kinds.count(ResidualSphereConv)) == (0, 3)
    exported = inference_network(model.network)
    kinds = [type(layer) for layer in exported._flatten_layers()]
    assert (kinds.count(layers.Add), kinds.count(ResidualSphereConv)) == (3, 0)

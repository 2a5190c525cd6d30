import keras
import numpy as np
import pytest

from csnn_tf.layers import BatchNormalization
from csnn_tf.models import PointCloudClassifier
from csnn_tf.models.compiled_forward import compiled_forward
from csnn_tf.models.folded_network import FoldedNetwork
from csnn_tf.models.folding import find_folds
from csnn_tf.models.inference_network import inference_network
from tests.helpers import clouds, numpy_of, randomise, relative

layers = keras.layers


def _norms(model: keras.Model) -> list[str]:
    inner = [_norms(layer) for layer in model.layers if isinstance(layer, keras.Model)]
    own = [layer.name for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    return [*own, *sum(inner, [])]


@pytest.mark.parametrize(("pooling", "hidden"), [("max", (32,)), ("mean", ())])
def test_folded_network_is_equal(pooling, hidden):
    model = PointCloudClassifier.from_preset("tiny", num_classes=4, pooling=pooling, hidden=hidden)
    randomise(model)
    spheres = model.spheres(clouds(3, 80))
    expected = numpy_of(model.network(spheres, training=False))
    folded = inference_network(model.network)
    assert len(_norms(model.network)) == 4 + len(hidden)
    assert _norms(folded) == []
    assert relative(folded(spheres, training=False), expected) < 1e-5
    kept = inference_network(model.network, fold=False)
    assert sorted(_norms(kept)) == sorted(_norms(model.network))
    assert relative(kept(spheres, training=False), expected) < 1e-6
    # The original is as it was.
    np.testing.assert_array_equal(model.network(spheres, training=False), expected)


def test_bfloat16_network():
    model = PointCloudClassifier.from_preset("tiny", num_classes=4)
    randomise(model)
    network = inference_network(model.network, precision="bfloat16")
    assert {str(variable.dtype) for variable in network.get_layer("backbone").variables} == {
        "bfloat16"
    }
    spheres = model.spheres(clouds(2, 30))
    logits = network(spheres, training=False)
    assert logits.dtype == "float32"
    assert relative(logits, numpy_of(model.network(spheres, training=False))) < 0.1


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", [layers.BatchNormalization, layers.Normalization])
def test_inputs_are_standardised_before_they_are_rounded(kind, inside):
    features = 100 + 0.01 * np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    inputs, norm = keras.Input((3,)), kind()
    first = keras.Model(inputs, layers.Dense(4)(norm(inputs)))
    if kind is layers.Normalization:
        norm.adapt(features)
    else:
        norm.epsilon = 1e-9
        norm.moving_mean.assign([100.0, 100.0, 100.0])
        norm.moving_variance.assign([1e-4, 1e-4, 1e-4])
    model = keras.Model(inputs, layers.Dense(1)(first(inputs) if inside else first.output))
    found = inference_network(model, precision="bfloat16")(features)
    assert relative(found, model(features)) < 0.05


def _pair(linear, norm, *, read_twice: bool = False) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = linear(inputs)
    y = norm(x)
    return keras.Model(inputs, layers.Add()([x, y]) if read_twice else layers.ReLU()(y))


def _graph(combine) -> keras.Model:
    """A dense layer and a normalisation of three channels, called as a function says."""
    inputs = keras.Input((6, 3))
    return keras.Model(inputs, combine(inputs, layers.Dense(3), layers.BatchNormalization()))


@keras.saving.register_keras_serializable("tests")
class _Residual(layers.Dense):
    def call(self, inputs, training=None):
        return inputs + super().call(inputs, training)


@keras.saving.register_keras_serializable("tests")
class _Doubled(layers.BatchNormalization):
    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs, training, mask)


@keras.saving.register_keras_serializable("tests")
class _Halved(layers.Dropout):
    def call(self, inputs, training=False):
        return inputs / 2


def _random(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.uniform(0.5, 2, variable.shape))
    return model


@pytest.mark.parametrize(
    ("linear", "norm"),
    [
        (layers.Dense(4), layers.BatchNormalization(epsilon=0.1)),
        (layers.Dense(4, use_bias=False), layers.BatchNormalization()),
        (layers.Conv1D(4, 3, padding="same"), layers.BatchNormalization(scale=False)),
        (layers.Dense(4), layers.BatchNormalization(center=False)),
    ],
)
def test_folds_any_linear_layer(linear, norm):
    model = _random(_pair(linear, norm))
    folded = inference_network(model)
    assert _norms(folded) == []
    x = np.random.default_rng(1).normal(size=(5, 6, 3)).astype("float32")
    np.testing.assert_allclose(folded(x), model(x, training=False), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("outer", [1, 2])
def test_folds_inside_a_sequential(outer):
    inner = [layers.Dense(4), layers.BatchNormalization(), layers.ReLU(), layers.Dense(3)]
    sequential = keras.Sequential([keras.Input((6, 3)), *inner])
    inputs = keras.Input((6, 3))
    x = inputs
    for _ in range(outer):  # of the same weights
        x = sequential(x)
    model = _random(keras.Model(inputs, layers.BatchNormalization()(x)))
    folded = inference_network(model)
    assert len(_norms(model)) == 2
    assert len(_norms(folded)) == 1  # the output of a nested model is anybody's
    x = np.random.default_rng(1).normal(size=(5, 6, 3)).astype("float32")
    expected = numpy_of(model(x, training=False))
    assert relative(folded(x, training=False), expected) < 1e-5
    assert relative(FoldedNetwork(model)(x), expected) < 1e-5


@pytest.mark.parametrize(
    "model",
    [
        _pair(layers.Dense(4), layers.BatchNormalization(), read_twice=True),
        _pair(layers.Dense(4, activation="relu"), layers.BatchNormalization()),
        _pair(layers.ReLU(), layers.BatchNormalization()),
        _graph(lambda x, dense, norm: dense(norm(x))),
        _pair(layers.Dense(6), layers.BatchNormalization(axis=1)),
        _pair(layers.Dense(6), BatchNormalization(activation="glu")),
        _pair(layers.Conv1DTranspose(6, 3, padding="same"), layers.BatchNormalization()),
        _pair(layers.DepthwiseConv1D(3, padding="same"), layers.BatchNormalization()),
        _pair(_Residual(3), layers.BatchNormalization()),
        _pair(layers.Dense(3), _Doubled()),
        _graph(lambda x, dense, norm: norm(dense(x)) + keras.ops.tanh(dense.output)),
        _graph(lambda x, dense, norm: norm(dense(x)) + dense(2 * x)),
        _graph(lambda x, dense, norm: norm(dense(x)) + norm(x)),
    ],
    ids=[
        "read twice",
        "activation",
        "not linear",
        "first layer",
        "another axis",
        "another shape",
        "another kernel",
        "no last axis",
        "subclass",
        "another normalisation",
        "read by a function",
        "called twice",
        "norm called twice",
    ],
)
def test_leaves_what_cannot_be_folded(model):
    assert find_folds(model) == []
    _random(model)
    x = np.random.default_rng(1).normal(size=(5, 6, 3)).astype("float32")
    expected = numpy_of(model(x, training=False))
    assert relative(inference_network(model)(x), expected) < 1e-5
    assert relative(FoldedNetwork(model)(x), expected) < 1e-5


@pytest.mark.parametrize("given", [{}, {"mean": [1.0, 2, 3], "variance": [4.0, 5, 6]}])
def test_an_adapted_normalization(given):
    x = np.random.default_rng(1).normal(5, 3, size=(9, 3)).astype("float32")
    norm = layers.Normalization(**given)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layers.Dense(2)(norm(inputs)))
    folded = FoldedNetwork(model)
    if not given:
        norm.adapt(x)
    expected = numpy_of(model(x))
    assert relative(folded(x), expected) < 1e-6
    assert relative(inference_network(model)(x), expected) < 1e-6
    assert relative(inference_network(model, precision="bfloat16")(x), expected) < 0.05


def test_a_normalization_may_be_adapted_between_calls():
    x = np.random.default_rng(1).normal(5, 3, size=(9, 3)).astype("float32")
    inputs, norm = keras.Input((3,)), layers.Normalization()
    model = keras.Model(inputs, layers.Dense(2)(norm(inputs)))
    forward = compiled_forward(FoldedNetwork(model), model)
    for data in (x, 2 * x + 1):
        norm.adapt(data)
        assert relative(forward(x), numpy_of(model(x))) < 1e-6


def test_is_the_network_with_training_false():
    inputs = keras.Input((6, 3))
    x = layers.Dropout(0.5)(inputs, training=True)
    x = layers.BatchNormalization()(layers.ReLU()(x), training=True)
    model = _random(keras.Model(inputs, [x, _Halved(0.5)(inputs)]))
    x = np.ones((5, 6, 3), "float32")
    expected = [numpy_of(output) for output in model(x, training=False)]
    np.testing.assert_array_equal(expected[1], x / 2)
    for network in (inference_network(model), FoldedNetwork(model)):
        for found, output in zip(network(x), expected, strict=True):
            np.testing.assert_allclose(found, output, rtol=1e-6)

"""What every layer must do: configuration, serialisation, shapes."""

import inspect

import keras
import numpy as np
import pytest

from csnn_tf import layers
from tests.helpers import (
    clouds,
    feature_maps,
    numpy_of,
    randomise,
    saved_and_loaded,
    tensorflow_only,
)

MAPS, POINTS = feature_maps(1, 4, 3), clouds(2, 20)
CASES = {
    "BatchNormalization": (layers.BatchNormalization(momentum=0.8, epsilon=1e-3), MAPS),
    "CoRadialConv": (
        layers.CoRadialConv(
            5,
            5,
            activation="relu",
            kernel_initializer="he_normal",
            bias_initializer="ones",
            kernel_regularizer=keras.regularizers.L2(0.01),
            bias_regularizer="l1",
            activity_regularizer="l2",
            kernel_constraint="non_neg",
            bias_constraint=keras.constraints.MaxNorm(1.0),
        ),
        MAPS,
    ),
    "GlobalMaxPooling": (layers.GlobalMaxPooling(), MAPS),
    "IntraSphereConv": (
        layers.IntraSphereConv(
            5, activation="gelu", use_bias=False, kernel_initializer="he_normal"
        ),
        MAPS,
    ),
    "NormalizePoints": (layers.NormalizePoints(center=False, scale=True), POINTS),
    "PointDropout": (layers.PointDropout(0.3, seed=4), POINTS),
    "PointsToSpheres": (
        layers.PointsToSpheres(
            1, 3, 2, neighbors=4, threshold=0.1, radius=2.0, point_count=100, tilt=(0.1, 2.0, -1.0)
        ),
        POINTS,
    ),
    "RandomAxisRotation": (layers.RandomAxisRotation(2, seed=4), POINTS),
    "RandomJitter": (layers.RandomJitter(0.2, 0.3, seed=4), POINTS),
    "RandomRotation": (layers.RandomRotation(seed=4), POINTS),
    "RandomScale": (layers.RandomScale(0.7, 1.1, seed=4), POINTS),
    "RandomShift": (layers.RandomShift(0.4, seed=4), POINTS),
    "VertexPooling": (layers.VertexPooling("mean"), MAPS),
}
every = pytest.mark.parametrize("name", sorted(CASES))


@every
def test_configuration_round_trip(name):
    layer, _ = CASES[name]
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    # Nothing that the constructor takes may be missing from the configuration.
    taken = set(inspect.signature(type(layer).__init__).parameters) - {"self", "kwargs"}
    assert taken <= set(config)


@every
def test_shapes(name):
    layer, inputs = CASES[name]
    outputs = layer(inputs)
    expected = tuple(layer.compute_output_shape(inputs.shape))
    assert tuple(outputs.shape) == expected
    free = (None, *inputs.shape[1:]) if inputs.ndim == 4 else (None, None, 3)
    symbolic = layer(keras.Input(free[1:]))
    assert tuple(layer.compute_output_shape(free)) == tuple(symbolic.shape)
    assert tuple(symbolic.shape[1:]) == (expected[1:] if expected[2:] != (3,) else (None, 3))
    assert keras.backend.standardize_dtype(symbolic.dtype) == "float32"


WITH_WEIGHTS = {
    "CoRadialConv": (layers.CoRadialConv(5), (MAPS,)),
    "EdgeConv": (layers.EdgeConv(5, 3), (POINTS, np.ones((2, 20), "float32"))),
    "IntraSphereConv": (layers.IntraSphereConv(5), (MAPS,)),
    "PointDense": (layers.PointDense(5), (POINTS,)),
}


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_later_calls_with_other_channels_are_refused(name):
    layer, (inputs, *others) = WITH_WEIGHTS[name]
    layer(inputs, *others)
    layer(inputs[:1, ..., ::-1], *(other[:1] for other in others))
    more = np.concatenate([inputs, inputs], axis=-1)
    with pytest.raises(ValueError, match=rf"{layer.name}.*expected axis -1 .* to have value 3"):
        layer(more, *others)
    with pytest.raises(ValueError, match=rf"{layer.name}.*expected ndim=\d, found ndim"):
        layer(inputs[0], *others)


@every
def test_saving(name, tmp_path):
    layer, inputs = CASES[name]
    layer = type(layer).from_config(layer.get_config())
    model = keras.Sequential([keras.Input(inputs.shape[1:]), layer])
    randomise(layer)
    again = saved_and_loaded(model, tmp_path)
    assert type(again.layers[0]) is type(layer)
    assert again.layers[0].get_config() == layer.get_config()
    np.testing.assert_array_equal(numpy_of(again(inputs)), numpy_of(model(inputs)))


@pytest.mark.parametrize("kind", [layers.CoRadialConv, layers.IntraSphereConv])
def test_convolutions_take_what_those_of_keras_take(kind):
    layer = kind(
        5,
        kernel_regularizer=keras.regularizers.L2(0.5),
        bias_initializer="ones",
        bias_regularizer=keras.regularizers.L1(2.0),
        activity_regularizer=keras.regularizers.L1(3.0),
        kernel_constraint="non_neg",
    )
    outputs = layer(MAPS)
    plain = keras.layers.Activation("linear", activity_regularizer=keras.regularizers.L1(3.0))
    plain(outputs)
    assert numpy_of(layer.bias).tolist() == [1.0] * 5
    assert layer.kernel.constraint is not None
    parts = [
        0.5 * np.square(numpy_of(layer.kernel)).sum(),
        2.0 * 5,
        float(sum(plain.losses)),  # versions of Keras differ in what they divide by
    ]
    np.testing.assert_allclose(float(sum(layer.losses)), sum(parts), rtol=1e-4)


def test_shapes_that_are_not_known():
    free = (None, None, 4, 8)
    assert layers.VertexPooling().compute_output_shape(free) == free
    assert layers.IntraSphereConv(3).compute_output_shape(free) == (None, None, 4, 3)


def test_padding_does_not_count():
    padded = np.where(np.arange(20)[:, None] < 12, POINTS, 100.0).astype("float32")
    dense, pooling = layers.PointDense(5), layers.GlobalMaxPooling()
    dense(POINTS)
    expected = numpy_of(pooling(dense(POINTS[:, :12], training=True)))
    statistics = [numpy_of(weight) for weight in dense.norm.non_trainable_variables]
    for weight, start in zip(dense.norm.non_trainable_variables, (0.0, 1.0), strict=True):
        weight.assign(np.full(weight.shape, start, "float32"))
    masked = keras.layers.Masking(100.0)(padded)  # carries the mask
    found = pooling(dense(masked, training=True))
    np.testing.assert_allclose(numpy_of(found), expected, atol=1e-4)
    for weight, value in zip(dense.norm.non_trainable_variables, statistics, strict=True):
        np.testing.assert_allclose(numpy_of(weight), value, rtol=1e-3, atol=1e-5)
    nothing = pooling(POINTS, mask=np.zeros((2, 20), bool))
    np.testing.assert_array_equal(numpy_of(nothing), np.zeros((2, 3)))


def test_a_normalised_cloud_keeps_its_mask():
    mask = np.arange(20)[None] < np.array([[12], [20]])
    mapping = layers.PointsToSpheres(1, 3, 2)
    points = layers.NormalizePoints()(POINTS, mask=mask)
    expected = mapping(points, mask=mask)
    np.testing.assert_array_equal(numpy_of(mapping(points)), numpy_of(expected))
    assert getattr(expected, "_keras_mask", None) is None


@pytest.fixture(params=["float64", "float16", "bfloat16"])
def floatx(request):
    yield request.param
    keras.config.set_floatx("float32")


PAIRS = feature_maps(0, 1, 3)[0, :, 0]
SEVERAL_INPUTS = {
    "EdgeConv": (layers.EdgeConv(5, 3), (POINTS, np.ones((2, 20), "float32"))),
    "AgniFingerprints": (layers.AgniFingerprints(4), (PAIRS, np.arange(12) // 4)),
    "SchNetDescriptor": (
        layers.SchNetDescriptor(4, 1, gaussians=5),
        (PAIRS, np.arange(12) // 4, np.arange(12) % 3, np.zeros(3, "int32")),
    ),
    "SchNetInteraction": (
        layers.SchNetInteraction(3),
        (PAIRS[:3], PAIRS, PAIRS[:, 0], np.arange(12) // 4, np.arange(12) % 3),
    ),
    "NeighborsToSpheres": (layers.NeighborsToSpheres(1), (PAIRS, np.arange(12) // 4)),
    "NeighborsToSpheres, linear": (
        layers.NeighborsToSpheres(1, elements=2, radial="linear", angular="linear"),
        (PAIRS, np.arange(12) // 4, np.arange(12) % 2),
    ),
}


@pytest.mark.parametrize("name", [*sorted(CASES), *SEVERAL_INPUTS])
def test_the_global_float_type_changes_no_layer_with_its_own(name, floatx):
    layer, inputs = {**CASES, **SEVERAL_INPUTS}[name]
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    expected = numpy_of(layer(*inputs))
    keras.config.set_floatx(floatx)
    np.testing.assert_allclose(numpy_of(layer(*inputs)), expected, rtol=1e-6, atol=1e-6)


def test_points_are_dropped_whatever_the_global_float_type(floatx):
    layer = layers.PointDropout(0.3, seed=1)
    keras.config.set_floatx(floatx)
    mask = np.ones((2, 20), bool)
    for outputs in (layer(POINTS, training=True), layer(POINTS, training=True, mask=mask)):
        assert 14 <= len(np.unique(numpy_of(outputs)[0], axis=0)) <= 20


@tensorflow_only
def test_edge_convolutions_in_double_precision():
    layer = layers.EdgeConv(5, 3, dtype="float64")
    points, presence = POINTS.astype("float64"), np.ones((2, 20))
    for training in (True, False):
        outputs = layer(points, presence, training=training)
        assert keras.backend.standardize_dtype(outputs.dtype) == layer.compute_dtype


OF_WHOLE_NUMBERS = {
    **{name: case for name, case in CASES.items() if case[1] is MAPS},
    **{f"VertexPooling, {mode}": (layers.VertexPooling(mode), MAPS) for mode in ("max", "sum")},
    "CoRadialConv, many spheres": (layers.CoRadialConv(2), feature_maps(1, 8, 3)),
    "PointPooling": (layers.PointPooling(), POINTS, np.ones((2, 20), "float32")),
}


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
@pytest.mark.parametrize("name", OF_WHOLE_NUMBERS)
def test_whole_numbers_are_taken_as_floats(name, dtype):
    layer, inputs, *others = OF_WHOLE_NUMBERS[name]
    inputs = (np.abs(inputs) * 60).astype(dtype)
    outputs = layer(inputs, *others)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    expected = layer(inputs.astype("float32"), *others)
    np.testing.assert_array_equal(numpy_of(outputs), numpy_of(expected))
    symbolic = [keras.Input(x.shape[1:], dtype=str(x.dtype)) for x in (inputs, *others)]
    assert keras.backend.standardize_dtype(layer(*symbolic).dtype) == "float32"


def test_whole_numbers_with_a_mask():
    inputs, mask = (np.abs(POINTS) * 60).astype("int32"), np.arange(20)[None] < [[12], [0]]
    found = layers.GlobalMaxPooling()(inputs, mask=mask)
    np.testing.assert_array_equal(numpy_of(found), [inputs[0, :12].max(axis=0), [0, 0, 0]])


@every
def test_empty_batches(name):
    layer, inputs = CASES[name]
    outputs = layer(inputs[:0])
    assert tuple(outputs.shape) == tuple(layer.compute_output_shape((0, *inputs.shape[1:])))


def test_no_layer_is_left_out():
    exported = {
        name
        for name in layers.__all__
        if inspect.isclass(getattr(layers, name))
        and issubclass(getattr(layers, name), keras.layers.Layer)
    }
    # Several inputs, or any number of points: tested by themselves.
    of_atoms = {"NeighborsToSpheres", "AgniFingerprints", "SchNetDescriptor", "SchNetInteraction"}
    of_points = {"EdgeConv", "LearnedTransform", "PointDense", "PointPooling"}
    assert exported == set(CASES) | of_atoms | of_points


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="TensorFlow has forward mode")
@pytest.mark.parametrize("kind", [layers.GlobalMaxPooling, lambda: layers.IntraSphereConv(2)])
def test_what_jax_differentiates_and_what_not(kind):
    import jax

    layer = kind()
    x = jax.numpy.array(feature_maps(0, 2, 2, batch=1))
    layer(x)

    def total(x):
        return (layer(x) ** 3).sum()

    twice_back = jax.jacrev(jax.grad(total))(x)
    np.testing.assert_allclose(jax.hessian(total)(x), twice_back, rtol=1e-4, atol=1e-4)
    with pytest.raises(TypeError, match="forward-mode"):  # as `csnn_tf.layers` says
        jax.jvp(layer, (x,), (x,))

import keras
import numpy as np
import pytest
import tensorflow as tf

from csnn_tf.errors import InputError
from csnn_tf.export import ExportOptions, serving_of
from csnn_tf.export.warmup import check_examples
from csnn_tf.grid import icosahedral_rotations, random_rotations
from csnn_tf.inference import Predictor
from csnn_tf.layers import compiled_kernels
from csnn_tf.models import PointCloudClassifier
from tests.helpers import clouds, compiled, eagerly, numpy_of, randomise, relative

pytestmark = eagerly  # default options are traced in test_messages.py and beside it


def _run(model, signature="serving_default", points=None, **choices):
    function = serving_of(model, ExportOptions(**choices)).signatures()[signature]
    return function(points=tf.constant(points))


def test_votes_average_probabilities(tiny_classifier):
    points = clouds(3, 60) + np.float32([5, 0, -2])
    rotations = random_rotations(3, np.random.default_rng(20))
    distance = np.abs(rotations[:, None] - icosahedral_rotations()).max(axis=(2, 3))
    assert distance.min() > 0.05  # the model is invariant to those: they would add nothing
    centred = points - points.mean(axis=1, keepdims=True)
    expected = np.mean(
        [
            numpy_of(tiny_classifier.probabilities(np.float32(centred @ matrix.T)))
            for matrix in rotations
        ],
        axis=0,
    )
    found = _run(tiny_classifier, points=points, votes=3)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    logits = _run(tiny_classifier, "logits", points, votes=3)["logits"]
    np.testing.assert_allclose(tf.nn.softmax(logits), expected, atol=1e-5)
    # The same in Python, also of clouds that are filled up.
    predictor = Predictor(tiny_classifier, votes=3)
    np.testing.assert_allclose(predictor.logits(points), logits, atol=1e-4)
    different = [points[0], points[1, :33]]
    alone = np.concatenate([predictor.logits(cloud[None]) for cloud in different])
    np.testing.assert_allclose(predictor.logits(different), alone, atol=1e-4)
    assert relative(Predictor(tiny_classifier).logits(points), logits) > 1e-3


@keras.saving.register_keras_serializable(package="tests")
class Flat(PointCloudClassifier):
    """Sees shapes from above, and none of their outermost points."""

    def normalized(self, points, mask=None):
        return super().normalized(points * [1.0, 0.0, 1.0], mask)

    def features(self, points, mask=None, training=None):
        return super().features(points * 0.5, mask, training)


def test_a_subclass_computes_what_it_computes():
    model = Flat.from_preset("tiny", num_classes=3, radius=4.0)
    randomise(model)
    points = clouds(3, 60)
    expected = numpy_of(model(points))
    assert relative(_run(model, "logits", points)["logits"], expected) < 1e-4
    voted = Predictor(model, votes=3).logits(points)
    assert relative(_run(model, "logits", points, votes=3)["logits"], voted) < 1e-5


def test_a_tilt_is_exported():
    tilted = PointCloudClassifier.from_preset("tiny", num_classes=3, tilt=(-0.82, 2.28, 0.76))
    plain = PointCloudClassifier.from_preset("tiny", num_classes=3)
    randomise(tilted)
    plain.set_weights(tilted.get_weights())
    points = clouds(3, 60)
    found = _run(tilted, "logits", points)["logits"]
    assert relative(found, numpy_of(tilted(points))) < 1e-4
    assert relative(found, numpy_of(plain(points))) > 1e-2


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "in any length unit, anywhere, in any orientation"),
        ({"center": False}, "in any length unit, about the origin as in training, in any"),
        ({"radius": 2.0}, "in the length unit of the training data, anywhere, in any"),
    ],
)
def test_the_card_says_which_coordinates_count(fields, told):
    model = PointCloudClassifier.from_preset("tiny", num_classes=3, **fields)
    serving = serving_of(model, ExportOptions())
    for card in (serving.card(), serving.portable_card()):
        assert told in card["Input"]


@compiled
def test_bfloat16_gives_float32(tiny_classifier):
    points = clouds(3, 60)
    serving = serving_of(tiny_classifier, ExportOptions(precision="bfloat16"))
    signatures = serving.signatures()
    assert {variable.dtype for variable in serving.variables} == {tf.bfloat16, tf.float32}
    outputs = signatures["serving_default"](points=tf.constant(points))
    outputs |= signatures["embedding"](points=tf.constant(points))
    for name in ("probabilities", "scores", "embedding"):
        assert outputs[name].dtype == tf.float32
    expected = numpy_of(tiny_classifier.probabilities(points))
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=0.1)
    assert np.abs(outputs["probabilities"] - expected).max() > 0


def test_both_sizes_are_free_and_limits_are_the_options(tiny_classifier):
    serving = serving_of(tiny_classifier, ExportOptions(max_points=100, max_clouds=3, top=2))
    function = serving.signatures()["serving_default"]
    assert function.input_signature[0].shape.as_list() == [None, None, 3]
    assert function(points=tf.zeros((2, 50, 3)))["scores"].shape == (2, 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="points: over 3 clouds"):
        function(points=tf.zeros((4, 1, 3)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="points: over 100 rows"):
        function(points=tf.zeros((2, 51, 3)))


@compiled
def test_traced_without_kernels_that_need_xla(tiny_classifier):
    with compiled_kernels():
        function = serving_of(tiny_classifier, ExportOptions()).signatures()["logits"]
        graph = function.get_concrete_function().graph.as_graph_def()
    assert len(graph.library.function) >= 1
    for nested in graph.library.function:
        assert not nested.attr["_XlaMustCompile"].b


@compiled
@pytest.mark.parametrize("votes", [1, 2])
def test_no_clouds(votes):
    # `small`, unlike `tiny`, has convolutions that TensorFlow joins with what comes after them.
    model = PointCloudClassifier.from_preset("small", num_classes=3)
    found = _run(model, points=np.zeros((0, 20, 3), np.float32), votes=votes)
    assert {name: value.shape for name, value in found.items()} == {
        "probabilities": (0, 3),
        "classes": (0, 3),
        "scores": (0, 3),
    }


@pytest.mark.parametrize(
    "limits",
    [{"max_points": 5000}, {"max_points": 1}, {"max_clouds": 1}],
)
def test_examples_keep_to_the_limits(tiny_classifier, limits):
    serving = serving_of(tiny_classifier, ExportOptions(**limits))
    examples = serving.examples()
    signatures = serving.signatures()
    assert {request.signature for request in examples} == set(signatures)
    check_examples(signatures, examples)


def test_other_models_are_refused():
    with pytest.raises(InputError, match="a Sequential cannot be exported, only: .*PointCloud"):
        serving_of(keras.Sequential(), ExportOptions())


@pytest.mark.parametrize(
    "choices",
    [
        {"votes": 0},
        {"top": 1.5},
        {"max_points": -1},
        {"max_points": 2**63},
        {"max_clouds": 2**63},
        {"max_atoms": 2**63},
        {"precision": "float16"},
    ],
)
def test_bad_options(choices):
    with pytest.raises(InputError, match=next(iter(choices))):
        ExportOptions(**choices)

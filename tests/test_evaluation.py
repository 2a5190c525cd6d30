"""Accuracy under rotations."""

import json
from itertools import combinations

import keras
import numpy as np
import pytest

from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.errors import InputError
from csnn_tf.evaluation import evaluate
from csnn_tf.evaluation_result import EvaluationResult
from csnn_tf.grid import icosahedral_rotations
from csnn_tf.inference import Predictor
from csnn_tf.models import PointCloudClassifier
from csnn_tf.report.classifier_findings import ClassifierFindings
from csnn_tf.rotating import rotated
from csnn_tf.training import TrainingConfig
from csnn_tf.training.validation import Validation
from tests.helpers import compiled, eagerly

pytestmark = eagerly


@pytest.fixture(scope="module")
def model():
    return PointCloudClassifier.from_preset("tiny", class_names=["a", "b", "c"])


@pytest.fixture(scope="module")
def shapes():
    rng = np.random.default_rng(0)
    clouds = rng.normal(size=(9, 50, 3)) * rng.uniform(0.1, 1, size=(9, 1, 3))
    return ShapeSet(clouds, [0, 1, 2] * 3, list("abcdefghi"), ("a", "b", "c"))


def test_a_model_may_be_given_by_its_file_or_name(model, shapes, tmp_path):
    model.save(tmp_path / "best.keras")
    expected = Predictor(model).logits(shapes.clouds)
    for given in (tmp_path / "best.keras", str(tmp_path / "best.keras"), tmp_path):
        np.testing.assert_allclose(Predictor(given).logits(shapes.clouds), expected, atol=1e-5)
    found = evaluate(tmp_path, shapes, rotation="none")
    assert found.to_dict() == evaluate(model, shapes, rotation="none").to_dict()
    with pytest.raises(InputError, match="carbon_dos_small is a model of densities of states, not"):
        Predictor("carbon_dos_small")
    with pytest.raises(InputError, match=r"a CloudClassifier is needed, or .*, not a Dense\."):
        Predictor(keras.layers.Dense(3))
    with pytest.raises(InputError, match="shapes must be a ShapeSet, not a list"):
        evaluate(model, list(shapes.clouds))


@compiled
def test_predictor_does_not_depend_on_batching_padding_or_place(model):
    rng = np.random.default_rng(1)
    clouds = [rng.normal(size=(n, 3)).astype(np.float32) for n in (50, 33, 1, 64, 7)]
    together = Predictor(model, batch_size=2).logits(clouds)
    alone = np.concatenate([Predictor(model, batch_size=1).logits([cloud]) for cloud in clouds])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-5)
    moved = [cloud * 7 + np.float32([1, 2, 3]) for cloud in clouds]
    np.testing.assert_allclose(Predictor(model).logits(moved), together, rtol=1e-5, atol=1e-3)
    probabilities = Predictor(model).probabilities(clouds)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_few_clouds_do_not_cost_a_whole_batch(model, monkeypatch):
    predictor, sizes = Predictor(model, batch_size=32), []
    forward = predictor._forward
    monkeypatch.setattr(
        predictor, "_forward", lambda x, mask: sizes.append(len(x)) or forward(x, mask)
    )
    for count in (1, 3, 31, 40):
        assert len(predictor.logits(np.ones((count, 20, 3)))) == count
    assert sizes == [1, 4, 32, 32, 32]


def test_predictor_is_invariant_to_the_sixty_rotations(model):
    cloud = np.random.default_rng(2).normal(size=(80, 3))
    cloud -= cloud.mean(axis=0)
    turned = np.einsum("gij,nj->gni", icosahedral_rotations(), cloud).astype(np.float32)
    logits = Predictor(model).logits(turned)
    expected = np.broadcast_to(logits[0], logits.shape)
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    "bad", [np.zeros((0, 3)), np.zeros((4, 2)), np.array([[np.nan, 0, 0]]), np.array([["a"] * 3])]
)
def test_predictor_names_the_bad_cloud(model, bad):
    with pytest.raises(InputError, match="cloud 1"):
        Predictor(model).logits([np.ones((4, 3)), bad])


def test_no_clouds_give_no_rows(model):
    assert Predictor(model).logits([]).shape == (0, 3)


def test_evaluation_agrees_with_counting(model, shapes):
    result = evaluate(model, shapes, rotation="none", repeats=1)
    predicted = Predictor(model).logits(shapes.clouds).argmax(axis=1)
    assert result.accuracy == pytest.approx((predicted == shapes.labels).mean())
    assert result.confusion.sum() == 9
    assert np.trace(result.confusion) == (predicted == shapes.labels).sum()
    assert json.loads(json.dumps(result.to_dict()))["protocol"]["test_rotation"] == "none"


def test_evaluation_is_seeded_and_counts_passes(model, shapes):
    seen = []
    arguments = {"repeats": 2, "votes": 2, "consistency": 3, "seed": 4}
    one = evaluate(model, shapes, **arguments, progress=lambda *done: seen.append(done))
    two = evaluate(model, shapes, **arguments)
    assert one.accuracy == two.accuracy
    assert one.consistency == two.consistency
    assert one.consistency_rotations == 3
    assert seen == [(k + 1, 6) for k in range(6)]


def test_result_of_known_predictions():
    labels = np.array([0, 0, 1, 1])
    predicted = np.array([[0, 0, 1, 0], [0, 1, 1, 0]])
    result = EvaluationResult.from_predictions(predicted, labels, ("a", "b"), consistency=predicted)
    assert result.accuracy == pytest.approx(5 / 8)
    assert result.per_class == {"a": pytest.approx(3 / 4), "b": pytest.approx(1 / 2)}
    assert result.confusion.tolist() == [[3, 1], [2, 2]]
    assert result.consistency == pytest.approx(3 / 4)
    assert result.interval[0] <= result.accuracy <= result.interval[1]


@pytest.mark.parametrize(("count", "width"), [(1, 0.975), (18, 0.1853), (1000, 0.003682)])
def test_the_interval_has_a_width_where_all_or_none_are_right(count, width):
    """As scipy.stats.binomtest(count, count).proportion_ci() has it."""
    labels = np.zeros(count, int)
    for predicted, expected in ((0, (1 - width, 1)), (1, (0, width))):
        found = EvaluationResult.from_predictions(labels[None] + predicted, labels, ("a", "b"))
        assert found.interval == pytest.approx(expected, rel=1e-3)


def test_the_interval_has_a_width_where_all_are_right_equally_often():
    """As scipy.stats.binomtest(6, 12).proportion_ci() has it."""
    labels = np.zeros(12, int)
    predicted = np.stack([labels, labels + 1])
    found = EvaluationResult.from_predictions(predicted, labels, ("a", "b"))
    assert found.interval == pytest.approx((0.2109, 0.7891), abs=1e-4)


def test_votes_add_up_over_rotations_of_their_own(model, shapes, monkeypatch):
    seen, given, rng = [], [], np.random.default_rng(0)

    def probabilities(predictor, clouds):
        seen.append(np.asarray(clouds))
        given.append(rng.random((9, 3)))
        return given[-1]

    monkeypatch.setattr(Predictor, "probabilities", probabilities)
    result = evaluate(model, shapes, votes=3, seed=1)
    assert result.protocol["votes"] == len(seen) == 3
    for one, other in combinations(seen, 2):
        assert (np.abs(one - other).max(axis=(1, 2)) > 0.01).all()
        lengths = [np.linalg.norm(np.diff(clouds, axis=1), axis=-1) for clouds in (one, other)]
        np.testing.assert_allclose(*lengths, atol=1e-4)
    voted = sum(given).argmax(axis=1)
    expected = np.zeros((3, 3))
    np.add.at(expected, (shapes.labels, voted), 1)
    np.testing.assert_array_equal(result.confusion, expected)
    assert all((one.argmax(axis=1) != voted).any() for one in given)


@pytest.mark.parametrize("sampling", ["haar", "euler"])
@pytest.mark.parametrize("rotation", ["none", "z", "so3"])
def test_rotations_are_rigid(rotation, sampling):
    clouds = np.random.default_rng(0).normal(size=(5, 20, 3)).astype(np.float32)
    turned = rotated(clouds, rotation, np.random.default_rng(1), 1, sampling)
    np.testing.assert_allclose(turned.mean(axis=1), clouds.mean(axis=1), atol=1e-5)
    lengths = [np.linalg.norm(c[:, :, None] - c[:, None], axis=-1) for c in (clouds, turned)]
    np.testing.assert_allclose(*lengths, atol=1e-4)
    if rotation == "z":
        np.testing.assert_allclose(turned[..., 1], clouds[..., 1], atol=1e-5)


@pytest.mark.parametrize("rotation", ["z", "so3"])
def test_rotations_about_the_origin(rotation):
    clouds = np.random.default_rng(0).normal(size=(5, 20, 3)).astype(np.float32) + np.float32(3)
    turned = rotated(clouds, rotation, np.random.default_rng(1), centred=False)
    lengths = [np.linalg.norm(part, axis=-1) for part in (clouds, turned)]
    np.testing.assert_allclose(*lengths, rtol=1e-5)
    assert turned.dtype == np.float32
    assert np.ptp(turned.mean(axis=1), axis=0)[0] > 1
    again = rotated(list(clouds), rotation, np.random.default_rng(1), centred=False)
    np.testing.assert_allclose(again, turned, rtol=1e-5)


def test_shapes_are_turned_as_in_training(monkeypatch):
    """About the origin where the model does not move clouds to their centroid."""
    clouds = np.random.default_rng(0).normal(size=(8, 30, 3)) + 3
    shapes = ShapeSet(clouds, [0, 1] * 4, None, ("a", "b"))
    seen, logits = [], Predictor.logits

    def spy(predictor, clouds):
        seen.append(np.asarray(clouds))
        return logits(predictor, clouds)

    monkeypatch.setattr(Predictor, "logits", spy)
    config = TrainingConfig.from_recipe("quick", preset="tiny", rotation="so3", num_points=30)
    for center in (True, False):
        model = PointCloudClassifier.from_preset("tiny", class_names=("a", "b"), center=center)
        seen.clear()
        evaluate(model, shapes, votes=2)
        Validation(model, shapes, config)()
        ClassifierFindings.measure(model, shapes, consistency_shapes=2)
        turned = [clouds for clouds in seen if not np.array_equal(clouds, shapes.clouds)]
        apart = [np.ptp(clouds.mean(axis=1), axis=0).max() for clouds in turned]
        assert len(apart) >= 6
        assert all(value < 1 if center else value > 3 for value in apart), apart


def test_uniform_rotations_differ_from_euler_angles():
    # The cosine between the y axis and its image is uniform on [-1, 1] for uniform rotations, with
    # mean square 1/3; for Rz Ry Rx with uniform angles it is cos cos + sin sin sin: 3/8.
    needle = np.zeros((40000, 2, 3), np.float32)
    needle[:, :, 1] = 1, -1
    for sampling, expected in (("haar", 1 / 3), ("euler", 3 / 8)):
        turned = rotated(needle, "so3", np.random.default_rng(0), 1, sampling)
        assert np.mean(turned[:, 0, 1] ** 2) == pytest.approx(expected, abs=0.008)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rotation": "up"}, "rotation"),
        ({"sampling": "x"}, "sampling"),
        ({"votes": 0}, "votes"),
        ({"consistency": 1}, "consistency must be at least 2 rotations"),
        ({"consistency": True}, "consistency"),
        ({"rotation": "none", "consistency": 2}, "consistency needs rotations to compare"),
        ({"rotation": "none", "repeats": 2}, "repeats needs rotations to compare"),
        ({"rotation": "none", "sampling": "euler"}, "sampling euler is of rotation so3, not of"),
        ({"rotation": "z", "sampling": "euler"}, "sampling euler is of rotation so3, not of"),
        *(
            ({"upright_axis": axis}, "upright_axis must be 0, 1 or 2")
            for axis in (5, -1, True, 1.0)
        ),
    ],
)
def test_bad_arguments(model, shapes, changes, named):
    with pytest.raises(InputError, match=named):
        evaluate(model, shapes, **changes)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("b", "a", "c"), "they are in another order"),
        (("a", "b", "d"), "the model has no 'd'"),
        (("a", "b"), "the data has no 'c'"),
    ],
)
def test_classes_that_differ_are_named(model, shapes, names, words):
    other = ShapeSet(shapes.clouds[:2], [0, 1], None, names)
    with pytest.raises(InputError, match=rf"are not the model's .*: {words}\.$"):
        evaluate(model, other)

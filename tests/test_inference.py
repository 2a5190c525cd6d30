import copy
import gc
import pickle

import keras
import numpy as np
import pytest

from csnn_tf import inference
from csnn_tf.errors import InputError
from csnn_tf.inference import Predictor
from csnn_tf.models import DgcnnClassifier, PointCloudClassifier
from tests.helpers import clouds, compiled, eagerly, randomise, tensorflow_only

pytestmark = eagerly

PLACE = np.array([500_000, 5_400_000, 300])


@pytest.fixture(scope="module")
def model():
    model = PointCloudClassifier.from_preset("tiny", num_classes=4)
    randomise(model)
    return model


@pytest.mark.parametrize("votes", [1, 2])
@pytest.mark.parametrize("kind", ["array", "list"])
def test_where_a_cloud_lies_does_not_count(model, votes, kind):
    near = clouds(3, 40).astype(np.float64)
    far = near + PLACE
    predictor = Predictor(model, votes=votes)
    expected = predictor.logits(near)
    found = predictor.logits(far if kind == "array" else list(far))
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


@pytest.fixture
def seen(monkeypatch):
    """The shapes that a predictor compiles for."""
    seen = set()

    def record(model):
        def forward(points, mask):
            seen.add(points.shape)
            return np.zeros((len(points), 4), np.float32)

        return forward

    monkeypatch.setattr(inference, "_compiled", record)
    return seen


@compiled
@pytest.mark.parametrize("extents", [2, 30, 800])
def test_no_digits_are_lost_off_the_origin(model, extents):
    near = clouds(3, 40).astype(np.float64)
    far = near + extents * np.ptp(near, axis=(0, 1)).max()
    expected = Predictor(model).logits(near)
    for given in (far, list(far)):
        np.testing.assert_allclose(
            Predictor(model).logits(given), expected, atol=1e-5 * np.abs(expected).max()
        )


def test_masked_points_are_refused(model):
    """Their mask was dropped without a word."""
    cloud = np.ma.masked_greater(clouds(2, 30), 1.0)
    for given, name in ((cloud, "the array of clouds"), (list(cloud), "cloud 0")):
        with pytest.raises(InputError, match=f"^{name} has masked coordinates: give the points"):
            Predictor(model).logits(given)
    expected = Predictor(model).logits(clouds(2, 30))
    found = Predictor(model).logits(np.ma.masked_array(clouds(2, 30)))  # with nothing masked
    np.testing.assert_array_equal(found, expected)


@compiled
@pytest.mark.parametrize("unit", [1e-37, 1e-40, 1e-300])
def test_any_length_unit(model, unit):
    cloud = clouds(3, 40).astype(np.float64)
    expected = Predictor(model).logits(cloud)
    for given in (cloud * unit, list(cloud * unit)):
        np.testing.assert_allclose(
            Predictor(model).logits(given), expected, atol=1e-4 * np.abs(expected).max()
        )


def test_few_sizes_are_compiled(model, seen):
    """Of clouds that come one by one, each of another size."""
    predictor = Predictor(model)
    for size in range(100, 140):
        predictor.logits(clouds(1, size))
        predictor.logits([clouds(1, size)[0], clouds(1, 101)[0], clouds(1, 102)[0]])
    assert seen == {(1, 128, 3), (1, 256, 3), (4, 128, 3), (4, 256, 3)}
    seen.clear()
    for _ in range(2):
        seen.clear()
        predictor.logits(clouds(2, 100))  # of one size, which may be any
    assert seen == {(2, 100, 3)}


def test_few_sizes_of_clouds_alike_are_compiled(model, seen):
    """A data set's size stays as it is; of many sizes only the first few do."""
    predictor = Predictor(model)
    for size in range(100, 400):
        predictor.logits(clouds(2, size))
        predictor.logits(clouds(2, size))
    assert len(seen) <= 8
    assert (2, 512, 3) in seen
    seen.clear()
    for size in (100, 101, 1024, 300):
        predictor.logits(clouds(2, size))
    assert seen == {(2, 100, 3), (2, 101, 3), (2, 1024, 3), (2, 512, 3)}


def test_sizes_by_chance_take_no_place(model, seen):
    """The first four did for good, and the data set that came after them was filled up."""
    predictor = Predictor(model, batch_size=4)
    for size in range(100, 110):
        predictor.logits(clouds(2, size))
    assert seen == {(2, 128, 3)}
    seen.clear()
    predictor.logits(clouds(10, 300))  # from the first full batch on, and its rest
    assert seen == {(4, 300, 3)}


def test_a_large_cloud_fills_up_no_others(model, monkeypatch):
    monkeypatch.setattr(inference, "_MOST_POINTS", 8 * 64)
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(size, 3)) for size in (50, 60, 40, 2000, 64, 33, 50, 50, 60, 300)]
    predictor, batches = Predictor(model, batch_size=8), []
    forward = predictor._forward
    monkeypatch.setattr(
        predictor, "_forward", lambda *batch: batches.append(batch[0].shape) or forward(*batch)
    )
    found = predictor.logits(given)
    expected = np.concatenate([Predictor(model).logits([cloud]) for cloud in given])
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    shapes = [(2, 64, 3), (1, 64, 3), (1, 2048, 3), (4, 64, 3), (1, 64, 3), (1, 512, 3)]
    assert sorted(batches) == sorted(shapes)  # two are computed at a time


def test_common_sizes_come_in_whole_batches(model, seen):
    for size in (2048, 10_000):
        Predictor(model).logits(clouds(64, size))
        Predictor(model).logits(list(clouds(64, size)))
    assert seen == {(32, 2048, 3), (32, 10_000, 3)}
    seen.clear()
    Predictor(model).logits(clouds(64, 20_000))  # in halves, each of which is full
    assert seen == {(16, 20_000, 3)}
    seen.clear()
    compares_all = DgcnnClassifier.from_preset("tiny", num_classes=4)
    Predictor(compares_all).logits(clouds(33, 8192))
    assert seen == {(16, 8192, 3)}


def test_filling_up_changes_nothing(model):
    cloud = clouds(1, 33)
    expected = keras.ops.convert_to_numpy(model(cloud))
    found = Predictor(model).logits(cloud)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_tensors_are_taken(model):
    expected = Predictor(model).logits(clouds(2, 16))
    tensor = keras.ops.convert_to_tensor(clouds(2, 16))
    np.testing.assert_array_equal(Predictor(model).logits(tensor), expected)
    np.testing.assert_array_equal(Predictor(model).logits(list(tensor)), expected)


@compiled
@tensorflow_only
def test_no_graph_outlives_its_predictor(model):
    import tensorflow as tf

    def graphs():
        Predictor(model).logits(clouds(1, 20))
        gc.collect()
        return sum(isinstance(each, tf.__internal__.FuncGraph) for each in gc.get_objects())

    common = graphs()  # of the kernels
    assert common > 0
    assert graphs() == common


def test_a_single_cloud_goes_in_a_list(model):
    with pytest.raises(InputError, match=r"shape \(16, 3\): put a single cloud in a list"):
        Predictor(model).logits(clouds(1, 16)[0])


def test_a_model_of_places_gets_them():
    model = PointCloudClassifier.from_preset("tiny", num_classes=4, center=False, radius=5.0)
    randomise(model)
    small = clouds(2, 30).astype(np.float64)
    for cloud in (small * 1e-4 + [2, 0, 0], small * 0.1 + [2, 0, 0], small * 1e-38):
        _assert_as_called(model, cloud)


def _assert_as_called(model, cloud):
    expected = keras.ops.convert_to_numpy(model(cloud.astype(np.float32)))
    for given in (cloud, list(cloud)):
        found = Predictor(model).logits(given)
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_votes_leave_clouds_where_the_model_does(monkeypatch):
    """A model that does not move clouds to their centroid is voted on where they are."""
    model = PointCloudClassifier.from_preset("tiny", num_classes=4, center=False)
    randomise(model)
    monkeypatch.setattr(inference, "vote_rotations", lambda count: np.stack([np.eye(3)] * count))
    cloud = clouds(2, 64) + np.float32(1.5)
    expected = Predictor(model).logits(cloud)
    expected -= np.logaddexp.reduce(expected, axis=-1, keepdims=True)
    found = Predictor(model, votes=2).logits(cloud)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@compiled
@pytest.mark.slow
def test_copies_and_pickled_ones_compute_with_models_of_their_own(model):
    predictor, cloud = Predictor(model, votes=2), clouds(1, 33)
    expected = predictor.logits(cloud)
    for other in (copy.deepcopy(predictor), pickle.loads(pickle.dumps(predictor))):
        np.testing.assert_array_equal(other.logits(cloud), expected)
        other.model.set_weights([0 * weight for weight in other.model.get_weights()])
        assert np.ptp(other.logits(cloud)) == 0
    np.testing.assert_array_equal(predictor.logits(cloud), expected)

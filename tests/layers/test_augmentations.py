import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.layers import (
    NormalizePoints,
    PointDropout,
    RandomAxisRotation,
    RandomJitter,
    RandomRotation,
    RandomScale,
    RandomShift,
)
from csnn_tf.layers.seeds import StatelessSeed
from tests.helpers import clouds, numpy_of, tensorflow_only

ALL = [RandomRotation, RandomAxisRotation, RandomScale, RandomShift, RandomJitter, PointDropout]
every = pytest.mark.parametrize("kind", ALL)


def augmented(layer, points, **call):
    result = numpy_of(layer(points, training=True, **call))
    assert result.shape == points.shape
    assert result.dtype == np.float32
    return result


@every
def test_nothing_happens_outside_training(kind):
    layer, points = kind(seed=0), clouds(3, 10)
    np.testing.assert_array_equal(numpy_of(layer(points)), points)
    np.testing.assert_array_equal(numpy_of(layer(points, training=False)), points)
    assert not np.array_equal(augmented(layer, points), points)


@every
def test_every_call_checks_the_shape(kind):
    layer = kind(seed=0)
    augmented(layer, clouds(3, 10))
    normals = np.concatenate([clouds(3, 10), clouds(3, 10)], axis=-1)
    for call in ({"training": True}, {"training": False}):
        with pytest.raises(InputError, match=r"points \[batch, points, 3\], not .*\(3, 10, 6\)"):
            layer(normals, **call)


@every
def test_a_seed_fixes_the_sequence(kind):
    points = clouds(3, 10)
    layers = [kind(seed=seed) for seed in (5, 5, 6)]
    first = [augmented(layer, points) for layer in layers]
    second = [augmented(layer, points) for layer in layers]
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(second[0], second[1])
    assert not np.array_equal(first[0], first[2])
    assert not np.array_equal(first[0], second[0])


@every
def test_a_stateless_seed_overrides_the_layers_own(kind):
    points, layer = clouds(3, 10), kind(seed=1)
    first = augmented(layer, points, seed=StatelessSeed([3, 4]))
    np.testing.assert_array_equal(augmented(kind(), points, seed=StatelessSeed([3, 4])), first)
    np.testing.assert_array_equal(augmented(layer, points, seed=StatelessSeed([3, 4])), first)
    for other in ([3, 5], [4, 4]):
        assert not np.array_equal(augmented(layer, points, seed=StatelessSeed(other)), first)


@every
def test_every_cloud_has_its_own_draw(kind):
    cloud = clouds(1, 10)
    result = augmented(kind(seed=0), np.repeat(cloud, 3, axis=0))
    assert len(np.unique(result.reshape(3, -1), axis=0)) > 1
    assert not np.array_equal(result[0], result[1])


@every
def test_half_precision_inputs_come_out_in_single(kind):
    layer = kind(dtype="mixed_bfloat16")
    for points in (keras.ops.cast(clouds(3, 10), "bfloat16"), keras.Input((10, 3))):
        outputs = layer(points, training=True)
        assert tuple(outputs.shape[1:]) == (10, 3)
        assert keras.backend.standardize_dtype(outputs.dtype) == "float32"


@every
def test_wrong_shape(kind):
    with pytest.raises(InputError, match=r"expects points \[batch, points, 3\]"):
        kind()(np.zeros((2, 5, 4), "float32"))


@tensorflow_only
@every
def test_inside_an_input_pipeline(kind):
    import tensorflow as tf

    points, layer = clouds(3, 10), kind(seed=0)

    def augment(index):
        return layer(points, training=True, seed=StatelessSeed(tf.stack([7, index])))

    dataset = tf.data.Dataset.range(4, output_type=tf.int32).map(augment, num_parallel_calls=2)
    results = list(dataset.as_numpy_iterator())
    for index, result in enumerate(results):
        expected = augmented(layer, points, seed=StatelessSeed([7, index]))
        np.testing.assert_allclose(result, expected, atol=1e-6)
    assert len(np.unique(np.stack(results).reshape(4, -1), axis=0)) == 4


def test_stateless_seeds_draw_new_seeds_and_hold_no_variables():
    seed = StatelessSeed([1, 2])
    draws = [numpy_of(seed.next()).tolist() for _ in range(3)]
    assert draws == [[1, 2], [1, 3], [1, 4]]
    assert not any(isinstance(value, keras.Variable) for value in vars(seed).values())
    value = keras.random.uniform((3,), seed=StatelessSeed([1, 2]))
    np.testing.assert_array_equal(value, keras.random.uniform((3,), seed=StatelessSeed([1, 2])))


def test_scale():
    points = clouds(2000, 4)
    factors = augmented(RandomScale(0.5, 1.5, seed=0), points) / points
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1], factors.shape), rtol=1e-5)
    factors = factors[:, 0]
    assert factors.min() >= 0.5 - 1e-6
    assert factors.max() <= 1.5 + 1e-6
    assert np.abs(factors.mean(axis=0) - 1).max() < 5 * np.sqrt(1 / 12 / 2000)
    assert np.abs(factors.var(axis=0) - 1 / 12).max() < 0.01
    assert np.abs(np.corrcoef(factors.T) - np.eye(3)).max() < 5 / np.sqrt(2000)


def test_shift():
    points = clouds(2000, 4)
    moves = augmented(RandomShift(0.3, seed=0), points) - points
    np.testing.assert_allclose(moves, np.broadcast_to(moves[:, :1], moves.shape), atol=2e-6)
    moves = moves[:, 0]
    assert 0.29 < np.abs(moves).max() <= 0.3 + 1e-6
    assert np.abs(moves.mean(axis=0)).max() < 5 * 0.3 / np.sqrt(3 * 2000)
    assert np.abs(np.corrcoef(moves.T) - np.eye(3)).max() < 5 / np.sqrt(2000)


def test_jitter():
    points = np.zeros((100, 100, 3), "float32")
    noise = augmented(RandomJitter(0.01, 0.05, seed=0), points)
    assert noise.std() == pytest.approx(0.01, rel=0.03)
    assert abs(noise.mean()) < 5 * 0.01 / np.sqrt(noise.size)
    assert len(np.unique(noise)) > 0.9 * noise.size
    clipped = augmented(RandomJitter(0.1, 0.05, seed=0), points)
    assert np.abs(clipped).max() == np.float32(0.05)
    # Half a standard deviation: 31 % of a normal distribution lie beyond on each side.
    assert (clipped == np.float32(0.05)).mean() == pytest.approx(0.3085, abs=0.02)


def test_dropout_repeats_the_points_that_stay_evenly():
    count = 60
    points = np.random.default_rng(0).normal(size=(400, count, 3)).astype("float32")
    shares = []
    for cloud, result in zip(points, augmented(PointDropout(0.5, seed=0), points), strict=True):
        same = (result[:, None] == cloud[None]).all(axis=-1)
        assert (same.sum(axis=1) == 1).all(), "a point that was not there"
        times = same.sum(axis=0)
        kept = int((times > 0).sum())
        assert count // 2 <= kept <= count
        assert set(times[times > 0]) <= {count // kept, -(-count // kept)}
        shares.append(kept / count)
    # Uniform between a half and all.
    assert np.mean(shares) == pytest.approx(0.75, abs=5 * 0.5 / np.sqrt(12 * 400) + 0.5 / count)
    assert min(shares) < 0.55
    assert max(shares) > 0.95


def test_dropout_thins_what_a_mask_leaves():
    points = clouds(300, 12)
    counts = np.random.default_rng(0).integers(1, 13, size=300)
    mask = np.random.default_rng(1).permuted(np.arange(12)[None] < counts[:, None], axis=1)
    points[~mask] = 9
    result = augmented(PointDropout(0.9, seed=0), points, mask=mask)
    np.testing.assert_array_equal(result[~mask], 9)
    shares = []
    for cloud, thinned, rows in zip(points, result, mask, strict=True):
        same = (thinned[rows][:, None] == cloud[rows][None]).all(axis=-1)
        assert (same.sum(axis=1) == 1).all(), "a point that was not there"
        times = same.sum(axis=0)
        shares.append((times > 0).mean())
        assert times[times > 0].max() - times[times > 0].min() <= 1
    assert min(shares) < 0.3
    assert max(shares) == 1


def test_dropout_refuses_masks_of_other_points():
    with pytest.raises(InputError, match=r"PointDropout expects a mask \[batch, points\]"):
        PointDropout(0.5)(clouds(3, 10), training=True, mask=np.ones((3, 1), bool))


@every
@pytest.mark.parametrize("training", [True, False])
def test_a_mask_is_kept(kind, training):
    mask = np.arange(10)[None] < np.array([[4], [10]])
    points = NormalizePoints()(clouds(2, 10), mask=mask)
    found = kind(seed=0)(points, training=training)  # a lost mask is a warning, and so an error
    np.testing.assert_array_equal(numpy_of(found._keras_mask), mask)
    alone = np.where(mask[..., None], numpy_of(found), 0)
    np.testing.assert_allclose(
        numpy_of(NormalizePoints()(found)), numpy_of(NormalizePoints()(alone, mask=mask))
    )


@pytest.mark.parametrize(("rate", "count"), [(0.0, 10), (0.9, 1)])
def test_dropout_of_nothing(rate, count):
    points = clouds(3, count)
    result = augmented(PointDropout(rate, seed=0), points)
    np.testing.assert_array_equal(np.sort(result, axis=1), np.sort(points, axis=1))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (RandomScale, {"low": 1.0, "high": 1.0}),
        (RandomShift, {"distance": 0.0}),
        (RandomJitter, {"stddev": 0.0}),
        (RandomJitter, {"clip": 0.0}),
    ],
)
def test_smallest_options_change_nothing(kind, options):
    points = clouds(3, 10)
    np.testing.assert_allclose(augmented(kind(**options), points), points, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (RandomScale, {"low": 0.0}, "0 < low <= high"),
        (RandomScale, {"low": 1.3}, "0 < low <= high"),
        (RandomScale, {"high": float("inf")}, "high must be a finite number"),
        (RandomShift, {"distance": -0.1}, "at least 0"),
        (RandomShift, {"distance": float("nan")}, "distance must be a finite"),
        (RandomJitter, {"stddev": -1.0}, "stddev and clip"),
        (RandomJitter, {"clip": float("nan")}, "clip must be a finite number"),
        (RandomAxisRotation, {"axis": 3}, "axis must be 0, 1 or 2"),
        (RandomAxisRotation, {"axis": True}, "axis must be 0, 1 or 2"),
        (PointDropout, {"rate": 1.0}, "at least 0 and below 1"),
        (PointDropout, {"rate": -0.1}, "at least 0 and below 1"),
    ],
)
def test_wrong_options(kind, options, message):
    with pytest.raises(InputError, match=message):
        kind(**options)


@pytest.mark.parametrize(
    ("make", "culprit"),
    [
        (lambda: RandomScale((0.8, 1.2)), "low"),
        (lambda: RandomScale(0.8, None), "high"),
        (lambda: RandomJitter("0.1"), "stddev"),
        (lambda: RandomShift([0.1, 0.1, 0.1]), "distance"),
        (lambda: PointDropout(None), "rate"),
        (lambda: RandomRotation(seed=1.5), "seed"),
    ],
)
def test_what_is_no_number_is_refused_by_name(make, culprit):
    with pytest.raises(InputError, match=f"^{culprit} must be a"):
        make()


@pytest.mark.parametrize("seed", [-1, 2**32, True])
def test_seeds_that_not_every_backend_takes_are_refused(seed):
    with pytest.raises(
        InputError, match=rf"^seed must be .* from 0 to 2\*\*32 - 1, .*, not {seed}\."
    ):
        RandomShift(seed=seed)


def test_the_largest_seed():
    assert np.isfinite(augmented(RandomShift(seed=2**32 - 1), clouds(2, 3))).all()


def test_a_seed_may_be_numpys():
    assert RandomRotation(seed=np.int64(5)).get_config()["seed"] == 5

"""The convolution over edges against its definition."""

import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers import compiled_kernels
from csnn_tf.layers.edge_conv import (
    EdgeConv,
    _columns,
    _edge_statistics,
    _largest_in_rows,
    nearest_points,
)
from csnn_tf.layers.point_dense import PointDense
from csnn_tf.layers.point_pooling import PointPooling
from tests.helpers import gradients, numpy_of, randomise, relative

K, F = 6, 7


def features(seed=0):
    return np.random.default_rng(seed).normal(size=(3, 30, 5)).astype("float32")


def nearest(x, k):
    distance = np.square(x[:, :, None] - x[:, None]).sum(-1)
    return np.argsort(distance, axis=-1)[:, :, :k]


@pytest.mark.parametrize("points", [30, K, 4])
@pytest.mark.parametrize("training", [False, True])
def test_it_is_what_its_formula_says(training, points):
    x = features()[:, :points]
    layer = EdgeConv(F, K)
    layer.build(x.shape, x.shape[:2])
    randomise(layer)
    layer.gamma.assign(np.linspace(-1, 1, F))  # of either sign
    moving = numpy_of(layer.moving_mean), numpy_of(layer.moving_variance)

    beside = np.stack([cloud[rows] for cloud, rows in zip(x, nearest(x, K), strict=True)])
    own = np.broadcast_to(x[:, :, None], beside.shape)
    edges = np.concatenate([own, beside - own], axis=-1).astype(float) @ numpy_of(layer.kernel)
    mean, variance = moving
    if training:
        mean, variance = edges.mean(axis=(0, 1, 2)), edges.var(axis=(0, 1, 2))
    y = (edges - mean) / np.sqrt(variance + 1e-5) * numpy_of(layer.gamma) + numpy_of(layer.beta)
    expected = np.where(y > 0, y, 0.2 * y).max(axis=2)

    found = numpy_of(layer(x, np.ones(x.shape[:2], "float32"), training=training))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    kept = 0.9 if training else 1.0
    for average, before, value in (
        (layer.moving_mean, moving[0], mean),
        (layer.moving_variance, moving[1], variance),
    ):
        expected = kept * before + (1 - kept) * value
        np.testing.assert_allclose(numpy_of(average), expected, rtol=1e-4, atol=1e-6)


def test_compiled_kernels_of_several_sizes_agree_with_none():
    for k, width in ((3, 4), (5, 4), (5, 6)):
        layer, x = EdgeConv(width, k), features()
        presence = np.ones(x.shape[:2], "float32")
        with compiled_kernels(False):
            expected = numpy_of(layer(x, presence))
        with compiled_kernels():
            found = numpy_of(layer(x, presence))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_statistics_and_their_gradient_are_those_of_all_edges():
    x, k = features(), 4
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 5, F)).astype("float32")
    near = nearest(x, k).astype("int32")
    weights = rng.normal(size=(2, F)).astype("float32")

    def ours(x, first, second):
        mean, variance = _edge_statistics(x, _columns(ops.convert_to_tensor(near)), first, second)
        return ops.sum(mean * weights[0]) + ops.sum(variance * weights[1])

    def over_edges(x, first, second):
        beside = ops.stack([ops.take(x[cloud], near[cloud], axis=0) for cloud in range(3)])
        edges = ops.matmul(x, first)[:, :, None] + ops.matmul(beside - x[:, :, None], second)
        mean, variance = ops.moments(edges, axes=[0, 1, 2])
        return ops.sum(mean * weights[0]) + ops.sum(variance * weights[1])

    assert relative(ours(x, first, second), over_edges(x, first, second)) < 1e-5
    found, expected = (gradients(f, x, first, second) for f in (ours, over_edges))
    assert max(map(relative, found, expected)) < 1e-5


def test_running_averages_keep_their_digits_under_mixed_precision():
    x = features()
    presence = np.ones(x.shape[:2], "float32")
    layer = EdgeConv(F, K, dtype="mixed_bfloat16", momentum=0.0)
    layer(x, presence, training=True)
    exact = EdgeConv(F, K, momentum=0.0)
    exact.build(x.shape, x.shape[:2])
    exact.set_weights(layer.get_weights())
    exact(x, presence, training=True)
    for found, expected in zip(layer.get_weights(), exact.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("width", "k"), [(1024, 10), (512, 16), (320, 10), (1000, 3), (30, 6)])
def test_the_largest_in_rows(width, k):
    x = np.random.default_rng(0).normal(size=(2, 5, width)).astype("float32")
    x[0, 0] = 0.5  # all are equal
    x[0, 1, 16:24] = 9.0  # all in one group
    values, places = map(numpy_of, _largest_in_rows(ops.convert_to_tensor(x), k))
    np.testing.assert_array_equal(np.sort(values), np.sort(x)[..., -k:])
    np.testing.assert_array_equal(np.take_along_axis(x, places, axis=-1), values)
    assert all(len(set(row)) == k for row in places.reshape(-1, k))


def test_neighbours_are_the_nearest_and_never_padding():
    x = features()
    presence = np.ones(x.shape[:2], "float32")
    found = np.sort(numpy_of(nearest_points(x, presence, K)), axis=-1)
    np.testing.assert_array_equal(found, np.sort(nearest(x, K), axis=-1))
    presence[:, 4:] = 0
    few = numpy_of(nearest_points(x, presence, K))[:, :4]
    assert set(few.reshape(-1)) == {0, 1, 2, 3}
    # The four that there are, and the point itself in the place of the rest.
    for row in range(4):
        assert (np.sort(few[0, row]) == np.sort([0, 1, 2, 3, row, row])).all()
    assert nearest_points(x[:, :3], presence[:, :3], K).shape == (3, 3, K)


@pytest.mark.parametrize("offset", [0, 100, 1000])
def test_neighbours_and_edges_far_from_the_origin(offset):
    # On a grid of float32, so that moving the points changes no digit.
    x = np.random.default_rng(0).integers(0, 4096, (2, 200, 3)).astype("float32") / 4096
    presence = np.ones(x.shape[:2], "float32")
    presence[1, 50:] = 0
    far = x + np.float32(offset)
    far[1, 50:] = np.nan  # padding holds anything
    found = np.sort(numpy_of(nearest_points(far, presence, K)), axis=-1)
    np.testing.assert_array_equal(found[0], np.sort(nearest(x, K)[0], axis=-1))
    np.testing.assert_array_equal(found[1, :50], np.sort(nearest(x[:, :50], K)[1], axis=-1))

    layer = EdgeConv(F, K)
    layer.build(x.shape, x.shape[:2])
    kernel = numpy_of(layer.kernel).copy()
    kernel[:3] = 0  # W1: what is left is of differences
    layer.kernel.assign(kernel)
    near, here = numpy_of(layer(x, presence)), numpy_of(layer(far, presence))
    np.testing.assert_allclose(here[0], near[0], atol=1e-5)
    np.testing.assert_allclose(here[1, :50], near[1, :50], atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (EdgeConv, {"slope": "a"}),
        (EdgeConv, {"slope": -0.1}),
        (EdgeConv, {"momentum": 5}),
        (EdgeConv, {"epsilon": -1e-5}),
        (PointDense, {"slope": None}),
    ],
)
def test_options_out_of_range_are_refused(kind, options):
    (name,) = options
    with pytest.raises(InputError, match=f"{name} must be"):
        kind(F, **options)


def test_shared_layer_and_pooling():
    x = features()
    layer = PointDense(4, slope=0.1)
    found = numpy_of(layer(x, training=True))
    y = x @ numpy_of(layer.kernel)
    y = (y - y.mean(axis=(0, 1))) / np.sqrt(y.var(axis=(0, 1)) + 1e-5)
    np.testing.assert_allclose(found, np.where(y > 0, y, 0.1 * y), rtol=1e-4, atol=1e-4)

    presence = np.ones(x.shape[:2], "float32")
    presence[1, 10:], presence[2] = 0, 0
    pooled = numpy_of(PointPooling()(x, presence))
    for row, count in ((0, 30), (1, 10)):
        part = x[row, :count]
        np.testing.assert_allclose(pooled[row], [*part.max(axis=0), *part.mean(axis=0)], rtol=1e-5)
    assert (pooled[2] == 0).all()
    for mask in (presence > 0, (presence * 255).astype("uint8")):
        np.testing.assert_array_equal(numpy_of(PointPooling()(x, mask)), pooled)
        found = numpy_of(nearest_points(x, mask, K))
        np.testing.assert_array_equal(found, numpy_of(nearest_points(x, presence, K)))


def test_pooling_reads_nothing_where_no_point_is():
    x = features()
    presence = np.ones(x.shape[:2], bool)
    presence[0, 20:] = False
    expected = numpy_of(PointPooling()(x, presence))
    x[0, 20:] = np.array([np.nan, np.inf] * 5)[:, None]
    np.testing.assert_array_equal(numpy_of(PointPooling()(x, presence)), expected)


@pytest.mark.parametrize("layer", [PointPooling(), EdgeConv(F)])
@pytest.mark.parametrize("shape", [(3, 1), (3, 29), (3, 30, 1)])
def test_presence_of_other_points_is_refused(layer, shape):
    with pytest.raises(InputError, match=r"expects a mask \[batch, points\]"):
        layer(features(), np.ones(shape, "float32"))

import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers import NormalizePoints
from tests.helpers import clouds, gradients, numpy_of


def test_centred_and_in_the_unit_ball():
    points = numpy_of(NormalizePoints()(clouds(2, 20) * 7 + 3))
    np.testing.assert_allclose(points.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(points, axis=2).max(axis=1), 1, rtol=1e-6)


def test_it_moves_and_scales_only():
    raw = clouds(2, 20)
    points = numpy_of(NormalizePoints()(raw))
    centred = raw - raw.mean(axis=1, keepdims=True)
    size = np.linalg.norm(centred, axis=2).max(axis=1)[:, None, None]
    np.testing.assert_allclose(points, centred / size, atol=1e-6)
    only_centred = numpy_of(NormalizePoints(scale=False)(raw))
    np.testing.assert_allclose(only_centred, centred, atol=1e-6)
    only_scaled = numpy_of(NormalizePoints(center=False)(raw))
    size = np.linalg.norm(raw, axis=2).max(axis=1)[:, None, None]
    np.testing.assert_allclose(only_scaled, raw / size, atol=1e-6)
    neither = NormalizePoints(center=False, scale=False)(raw)
    np.testing.assert_allclose(numpy_of(neither), raw, rtol=1e-6)


@pytest.mark.parametrize("power", [-66, -20, 20, 66])
def test_units_do_not_matter(power):
    raw = clouds(2, 20)
    layer = NormalizePoints()
    scaled = numpy_of(layer(raw * np.float32(2.0**power)))
    np.testing.assert_array_equal(scaled, numpy_of(layer(raw)))


@pytest.mark.parametrize("garbage", [0.0, 1e30, np.inf, np.nan])
def test_padding_does_not_matter(garbage):
    raw = clouds(2, 20)
    padded = np.full((2, 40, 3), garbage, "float32")
    padded[:, :20] = raw
    mask = np.tile(np.arange(40) < 20, (2, 1))
    for layer in (NormalizePoints(), NormalizePoints(scale=False)):
        points = numpy_of(layer(padded, mask=mask))
        np.testing.assert_allclose(points[:, :20], numpy_of(layer(raw)), atol=1e-6)
        np.testing.assert_array_equal(points[:, 20:], 0)
        image = layer(padded, mask=mask.astype("uint8") * 255)
        np.testing.assert_array_equal(numpy_of(image), points)


# Where the sum of as many equal numbers is far from as many times the number.
@pytest.mark.parametrize("count", [1, 20, 1000, 100_000])
def test_coincident_points_go_to_the_origin(count):
    points = np.tile(np.array([[[0.3, -0.7, 0.9]]], "float32"), (2, count, 1))
    mask = np.arange(count) % 3 == np.array([[0], [1]])
    for options in ({}, {"mask": mask}):
        np.testing.assert_array_equal(numpy_of(NormalizePoints()(points, **options)), 0)


def test_a_cloud_far_from_the_origin_is_centred_as_well_as_its_numbers_are():
    points = (clouds(2, 1000) * 1e-3 + 5).astype("float32")
    exact = points.astype("float64")
    exact -= exact.mean(axis=1, keepdims=True)
    exact /= np.linalg.norm(exact, axis=2).max(axis=1)[:, None, None]
    np.testing.assert_allclose(numpy_of(NormalizePoints()(points)), exact, atol=2e-4)


def test_empty_clouds_stay_finite():
    mask = np.zeros((2, 20), bool)
    np.testing.assert_array_equal(numpy_of(NormalizePoints()(clouds(2, 20), mask=mask)), 0)


def test_gradients_are_finite():
    raw = clouds(2, 20)
    raw[1] = 0
    weight = clouds(2, 20, seed=1)
    (found,) = gradients(lambda t: ops.sum(weight * NormalizePoints()(t)), raw)
    assert np.isfinite(found[0]).all()
    assert np.abs(found[0]).max() > 0


@pytest.mark.parametrize("shape", [(2, 3), (2, 5, 2), (2, 5, 3, 1), (2, 0, 3)])
def test_wrong_shape(shape):
    used = NormalizePoints()
    used(np.zeros((2, 5, 3), "float32"))
    for layer in (NormalizePoints(), used):
        with pytest.raises(InputError, match=r"NormalizePoints expects (points \[batch,|at least)"):
            layer(np.zeros(shape, "float32"))


@pytest.mark.parametrize("unit", [1e-20, 1.0, 1e15])
@pytest.mark.parametrize("scale", [True, False])
def test_gradients_are_those_of_what_is_computed(unit, scale):
    """Moving a cloud changes nothing, nor does its unit if it is scaled (Euler's theorem)."""
    points, weights = clouds(2, 9) * np.float32(unit), clouds(2, 9, seed=1)
    layer = NormalizePoints(scale=scale)
    found = gradients(lambda x: ops.sum(layer(x) * weights), points)[0].astype(np.float64)
    size = np.abs(found).max()
    np.testing.assert_allclose(found.sum(axis=1) / size, 0, atol=1e-5)
    by_unit = (found * points).sum()
    expected = 0 if scale else (numpy_of(layer(points)).astype(np.float64) * weights).sum()
    assert abs(by_unit - expected) < 1e-5 * size * np.abs(points).sum()


def test_no_clouds_at_all():
    assert NormalizePoints()(np.zeros((0, 5, 3), np.float32)).shape == (0, 5, 3)

import keras
import numpy as np
import pytest
from keras import ops
from scipy.spatial.transform import Rotation

from csnn_tf.errors import InputError
from csnn_tf.grid import icosahedral_rotations, icosphere, vertex_permutations
from csnn_tf.layers import NormalizePoints, PointsToSpheres, compiled_kernels
from csnn_tf.layers.points_to_spheres import kernel_widths
from tests.helpers import clouds, feature_maps, golden, gradients, numpy_of, our_vertices, relative


def mapped(points, layer, **call):
    features = numpy_of(layer(points, **call))
    assert np.isfinite(features).all()
    return features


@pytest.mark.parametrize(("level", "spheres", "channels"), [(2, 4, 2), (3, 8, 1)])
def test_golden_numbers(level, spheres, channels):
    arrays, name = golden("voxelize"), f"l{level}_R{spheres}_e{channels}_T0.01"
    features = mapped(
        arrays["points"][None].astype("float32"), PointsToSpheres(level, spheres, channels)
    )
    index = our_vertices(arrays[f"vertices/l{level}"], level)
    assert relative(features[0, index], arrays[f"rbf/{name}"].transpose(1, 0, 2)) < 1e-5
    assert relative(kernel_widths(level, spheres), arrays[f"gamma/{name}"]) < 1e-6


def equation_3(points, level, spheres, channels, neighbors, radius, threshold):
    """One cloud, point by point, in double precision."""
    grid = icosphere(level)
    features = np.zeros((grid.num_vertices, spheres, channels))
    for point in points.astype("float64") / radius:
        norm = np.linalg.norm(point)
        shell = min(int(norm * spheres), spheres - 1)
        inner, outer = shell / spheres, (shell + 1) / spheres
        corners = np.concatenate([r * grid.vertices[grid.faces[0]] for r in (inner, outer)])
        size = max(np.sum((a - b) ** 2) for a in corners for b in corners)
        nearest = np.argsort(np.linalg.norm(grid.vertices - point / norm, axis=1))[:neighbors]
        for channel in range(channels):
            sphere = (shell * channels + channel + 1) / (spheres * channels)
            square = np.sum((point - sphere * grid.vertices[nearest]) ** 2, axis=1)
            features[nearest, shell, channel] += np.exp(np.log(threshold) / size * square)
    return features


# With a radius of 1.5 and normal coordinates many points lie beyond it.
@pytest.mark.parametrize(
    ("level", "spheres", "channels", "neighbors", "radius", "threshold"),
    [
        (0, 3, 2, 12, 4.0, 0.01),
        (1, 2, 1, 1, 1.5, 0.1),
        (2, 5, 3, 3, 3.0, 0.01),
        (1, 1, 4, 7, 5, 0.5),
    ],
)
def test_equation_3(level, spheres, channels, neighbors, radius, threshold):
    points = clouds(2, 40)
    layer = PointsToSpheres(
        level, spheres, channels, neighbors=neighbors, radius=radius, threshold=threshold
    )
    arguments = (level, spheres, channels, neighbors, radius, threshold)
    expected = np.stack([equation_3(cloud, *arguments) for cloud in points])
    assert relative(mapped(points, layer), expected) < 1e-5


@pytest.mark.parametrize(("level", "neighbors"), [(0, 2), (2, 3)])
def test_rotated_points_give_permuted_features(level, neighbors):
    points = clouds(1, 200, seed=level)[0].astype("float64")
    rotated = (points @ icosahedral_rotations().swapaxes(1, 2)).astype("float32")
    features = mapped(rotated, PointsToSpheres(level, 4, 2, neighbors=neighbors))
    for permutation, turned in zip(vertex_permutations(level), features, strict=True):
        assert relative(turned[permutation], features[0]) < 2e-5


def test_it_is_a_sum_over_points():
    layer = PointsToSpheres(2, 4, 2, radius=3.0)
    parts = [clouds(2, 40, seed=seed) for seed in (0, 1)]
    both = np.concatenate(parts, axis=1)
    expected = sum(mapped(part, layer) for part in parts)
    assert relative(mapped(both, layer), expected) < 1e-6
    order = np.random.default_rng(0).permutation(80)
    assert relative(mapped(both[:, order], layer), expected) < 1e-6
    twice = np.repeat(parts[0], 2, axis=1)
    assert relative(mapped(twice, layer), 2 * mapped(parts[0], layer)) < 1e-6


@pytest.mark.parametrize("options", [{}, {"radius": 2.0}, {"point_count": 64}], ids=str)
@pytest.mark.parametrize("garbage", [0.0, 1e30, np.inf, np.nan])
def test_a_mask_is_a_shorter_cloud(options, garbage):
    layer, raw = PointsToSpheres(2, 4, 2, **options), clouds(2, 40)
    padded = np.full((2, 80, 3), garbage, "float32")
    padded[0, :40], padded[1, 5:25] = raw[0], raw[1, :20]
    mask = np.zeros((2, 80), bool)
    mask[0, :40] = mask[1, 5:25] = True
    features = mapped(padded, layer, mask=mask)
    assert relative(features[:1], mapped(raw, layer)[:1]) < 1e-6
    # The same 20 points twice have twice their features, or the same ones at a fixed point_count.
    twice = mapped(np.tile(raw[:, :20], (1, 2, 1)), layer)[1:]
    times = 1 if "point_count" in options else 2
    assert relative(times * features[1:], twice) < 1e-6
    for as_numbers in (mask.astype("float32"), mask.astype("uint8") * 255):
        np.testing.assert_array_equal(mapped(padded, layer, mask=as_numbers), features)


def test_point_count_makes_sizes_comparable():
    plain, scaled = PointsToSpheres(2, 4, 2), PointsToSpheres(2, 4, 2, point_count=1024)
    points = clouds(2, 40)
    expected = mapped(points, plain) * 1024 / 40
    assert relative(mapped(points, scaled), expected) < 1e-6
    assert relative(mapped(np.tile(points, (1, 2, 1)), scaled), expected) < 1e-6


def test_no_points_give_zeros():
    for options in ({}, {"radius": 1.0}, {"point_count": 10}):
        features = mapped(
            clouds(2, 80), PointsToSpheres(2, 4, 2, **options), mask=np.zeros((2, 80), bool)
        )
        np.testing.assert_array_equal(features, 0)


def test_a_point_at_the_origin():
    points = clouds(2, 40)
    points[0, 7] = 0
    layer = PointsToSpheres(2, 4, 2)
    everywhere, elsewhere = np.ones((2, 40), bool), np.arange(40) != [[7], [40]]
    added = mapped(points, layer, mask=everywhere) - mapped(points, layer, mask=elsewhere)
    # Three vertices of the innermost shell, at distances 1/8 and 1/4 whichever they are.
    np.testing.assert_allclose(added[:, :, 1:], 0, atol=1e-6)
    gamma = kernel_widths(2, 4)[0]
    for channel, distance in enumerate((1 / 8, 1 / 4)):
        value = added[0, :, 0, channel]
        np.testing.assert_allclose(
            np.sort(value)[-4:], [0, *[np.exp(-gamma * distance**2)] * 3], atol=1e-6
        )


def test_points_at_the_origin_have_the_same_vertices_however_many_they_are():
    layer = PointsToSpheres(2, 4, 2)
    alone = mapped(np.zeros((1, 1, 3), "float32"), layer)
    assert np.count_nonzero(alone.any(axis=(2, 3))) == 3
    for count in (64, 512, 2048):
        many = mapped(np.zeros((1, count, 3), "float32"), layer)
        np.testing.assert_allclose(many / count, alone, atol=1e-5)


@pytest.mark.parametrize("radius", [None, 1.0])
def test_clouds_of_one_point(radius):
    layer = PointsToSpheres(2, 4, 2, radius=radius)
    points = np.array([[[0.6, 0, 0.8]], [[0, 0, 0]], [[-0.6, 0.8, 0]]], "float32")
    features = mapped(points, layer)
    assert [int((cloud > 0).any(axis=(1, 2)).sum()) for cloud in features] == [3, 3, 3]


@pytest.mark.parametrize("power", [-66, -40, 40, 66])
def test_units_do_not_matter(power):
    layer, points = PointsToSpheres(2, 4, 2), clouds(2, 40)
    scaled = points * np.float32(2.0**power)
    np.testing.assert_array_equal(mapped(scaled, layer), mapped(points, layer))
    fixed = PointsToSpheres(2, 4, 2, radius=float(2.0**power))
    np.testing.assert_array_equal(
        mapped(scaled, fixed), mapped(points, PointsToSpheres(2, 4, 2, radius=1.0))
    )


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_extreme_units(scale):
    layer, points = PointsToSpheres(2, 4, 2), clouds(2, 40)
    scaled = (points.astype("float64") * scale).astype("float32")
    assert relative(mapped(scaled, layer), mapped(points, layer)) < 1e-5


@pytest.mark.parametrize("radius", [None, 2.0])
def test_gradients_are_finite_at_awkward_points(radius):
    points = clouds(2, 40)
    points[0, 0] = points[0, 1] = 0
    points[0, 3] = [0, 0, 1]
    points[1] = 0
    points[1, 20:] = [0.3, 0.2, 0.1]
    layer, weight = PointsToSpheres(2, 4, 2, radius=radius), feature_maps(2, 4, 2)
    (found,) = gradients(lambda t: ops.sum(weight * layer(t)), points)
    assert np.isfinite(found).all()
    assert np.abs(found[0, 4:]).max() > 0


@pytest.mark.parametrize("radius", [None, 4.0])
def test_gradients_agree_with_differences(radius):
    points = clouds(2, 40)
    layer, weight = PointsToSpheres(2, 4, 2, radius=radius), feature_maps(2, 4, 2)
    (gradient,) = gradients(lambda t: ops.sum(weight * layer(t)), points)
    step, rng = 1e-3, np.random.default_rng(0)
    for _ in range(3):
        # Few points move, the outermost among them: crossing a border between shells is unlikely.
        direction = rng.normal(size=points.shape).astype("float32")
        outermost = np.linalg.norm(points, axis=2).argmax(axis=1)[:, None]
        direction[(np.arange(40) > 3) & (np.arange(40) != outermost)] = 0
        ends = [
            (weight * mapped(points + sign * step * direction, layer).astype("float64")).sum()
            for sign in (1, -1)
        ]
        slope = (ends[0] - ends[1]) / (2 * step)
        assert slope == pytest.approx((gradient * direction).sum(), rel=0.01, abs=0.01)


def test_coordinates_keep_their_digits_in_half_precision():
    layer = PointsToSpheres(2, 4, 2, dtype="mixed_bfloat16")
    features = layer(clouds(2, 40))
    assert "bfloat16" in str(features.dtype)
    expected = mapped(clouds(2, 40), PointsToSpheres(2, 4, 2))
    assert relative(ops.cast(features, "float32"), expected) < 2**-8


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("point_count", [None, 100])
def test_compiled_kernels_change_nothing(masked, point_count):
    points = clouds(3, 40)
    mask = np.arange(40) < np.array([[40], [7], [0]]) if masked else None
    with compiled_kernels(False):
        expected = mapped(points, PointsToSpheres(2, 4, 2, point_count=point_count), mask=mask)
    with compiled_kernels():
        compiled = mapped(points, PointsToSpheres(2, 4, 2, point_count=point_count), mask=mask)
    assert relative(compiled, expected) < 1e-6


def test_compiled_with_and_without_a_mask():
    layer, plain = (PointsToSpheres(1, 2, 1, point_count=10) for _ in range(2))
    points = clouds(2, 30)
    for mask in (None, np.arange(30) < np.array([[30], [9]]), None):
        with compiled_kernels():
            compiled = mapped(points, layer, mask=mask)
        with compiled_kernels(False):
            expected = mapped(points, plain, mask=mask)
        assert relative(compiled, expected) < 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 8}, "level"),
        ({"spheres": 0}, "spheres"),
        ({"channels": 1.5}, "channels"),
        ({"neighbors": 0}, "neighbors"),
        ({"neighbors": 13}, "neighbors must be at most 12, not 13"),
        ({"threshold": 0.0}, "threshold must lie between 0 and 1"),
        ({"threshold": 1.0}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"radius": 0.0}, "radius must be a positive length"),
        ({"radius": float("inf")}, "radius"),
        ({"point_count": 0}, "point_count"),
        ({"tilt": [1.0, 2.0]}, "tilt must be three numbers"),
        ({"tilt": 1.0}, "tilt must be three numbers"),
        ({"tilt": "abc"}, "tilt must be three numbers"),
        ({"tilt": b"abc"}, "tilt must be three numbers"),
        ({"tilt": {1.0, 2.0, 3.0}}, "tilt must be three numbers"),
        ({"tilt": [1e200, 0.0, 0.0]}, "tilt must be a rotation vector in radians"),
        ({"tilt": [0.0, 1.0, float("nan")]}, "tilt must be a finite number"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(InputError, match=message):
        PointsToSpheres(**options)


TILT = (-0.82, 2.28, 0.76)


def test_layers_share_a_kernel_and_changed_ones_have_another():
    first, second = PointsToSpheres(1, 2, 1), PointsToSpheres(1, 2, 1)
    assert first._kernel() is second._kernel()
    points = clouds(2, 30)
    with compiled_kernels():
        before = mapped(points, first)
        first.tilt = TILT
        assert relative(mapped(points, first), before) > 0.1
        expected = mapped(points, PointsToSpheres(1, 2, 1, tilt=TILT))
        np.testing.assert_array_equal(mapped(points, first), expected)
        np.testing.assert_array_equal(mapped(points, second), before)


def test_a_tilted_grid_is_the_grid_for_points_turned_the_other_way():
    points = clouds(2, 40)
    turned = points @ Rotation.from_rotvec(TILT).as_matrix()  # x' = R^-1 x
    plain, tilted = PointsToSpheres(2, 4, 2), PointsToSpheres(2, 4, 2, tilt=TILT)
    assert relative(mapped(points, tilted), mapped(turned.astype("float32"), plain)) < 1e-5
    assert relative(mapped(points, tilted), mapped(points, plain)) > 0.1
    np.testing.assert_array_equal(plain.in_grid_frame(points), points)
    with compiled_kernels():
        compiled = mapped(points, PointsToSpheres(2, 4, 2, tilt=TILT))
    assert relative(compiled, mapped(points, tilted)) < 1e-6


def test_the_rotations_of_a_tilted_grid_permute_its_features():
    points, tilt = clouds(1, 200)[0].astype("float64"), Rotation.from_rotvec(TILT).as_matrix()
    rotated = points @ (tilt @ icosahedral_rotations() @ tilt.T).swapaxes(1, 2)
    features = mapped(rotated.astype("float32"), PointsToSpheres(2, 4, 2, tilt=TILT))
    for permutation, turned in zip(vertex_permutations(2), features, strict=True):
        assert relative(turned[permutation], features[0]) < 2e-5


def test_half_a_turn_shows_a_tilted_grid_something_new():
    points = clouds(1, 200)
    half = points * np.array([-1, 1, -1], "float32")  # about the second axis
    for tilt, alike in ((None, True), (TILT, False)):
        layer = PointsToSpheres(2, 4, 2, tilt=tilt)
        before, after = (np.sort(mapped(x, layer), axis=1) for x in (points, half))
        assert (relative(after, before) < 1e-4) == alike


@pytest.mark.parametrize("shape", [(2, 3), (2, 5, 2), (2, 5, 4)])
def test_wrong_shape(shape):
    with pytest.raises(InputError, match=r"PointsToSpheres expects points \[batch, points, 3\]"):
        PointsToSpheres(1)(np.zeros(shape, "float32"))
    layer = PointsToSpheres(1)
    layer(np.zeros((2, 5, 3), "float32"))
    with pytest.raises(InputError, match="PointsToSpheres expects points"):
        layer(np.zeros(shape, "float32"))


@pytest.mark.parametrize("layer", [PointsToSpheres(1), NormalizePoints()], ids=["map", "normalize"])
@pytest.mark.parametrize("shape", [(4, 64, 1), (1, 64), (4, 1), (4, 32), (64,)])
def test_masks_of_other_shapes(layer, shape):
    points, name = clouds(4, 64), type(layer).__name__
    expected = (
        rf"{name} expects a mask \[batch, points\] .*\(4, 64, 3\), not the shape \({shape[0]}"
    )
    with pytest.raises(InputError, match=expected):
        layer(points, mask=np.ones(shape, bool))
    with pytest.raises(InputError, match=rf"{name} expects a mask .*, not list"):
        layer(points, mask=[[True] * 64] * 4)


def test_a_mask_of_unknown_sizes():
    points = clouds(4, 64)
    inputs, mask = keras.Input((None, 3)), keras.Input((None,), dtype="bool")
    model = keras.Model([inputs, mask], PointsToSpheres(1, 2, 2)(inputs, mask=mask))
    present = np.arange(64) < np.array([[1], [20], [40], [64]])
    expected = mapped(points, PointsToSpheres(1, 2, 2), mask=present)
    np.testing.assert_allclose(numpy_of(model([points, present])), expected, rtol=1e-5, atol=1e-6)

import numpy as np
import pytest

from csnn_tf.data import MeshSet, ShapeSet, read_shape
from csnn_tf.data.coordinates import enlarged, float32_coordinates
from csnn_tf.errors import InputError
from tests.data.data_files import TETRAHEDRON

PLACE = np.array([500_000, 5_400_000, 300])


@pytest.fixture
def cloud():
    return np.random.default_rng(0).normal(size=(50, 3))


def centred(points):
    points = np.asarray(points, np.float64)
    return points - points.mean(axis=-2, keepdims=True)


def test_near_clouds_stay_where_they_are(cloud):
    np.testing.assert_array_equal(float32_coordinates(cloud + 3), (cloud + 3).astype(np.float32))


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e3])
@pytest.mark.parametrize("place", [[1e4, 0, 0], PLACE, -PLACE])
def test_far_clouds_keep_their_shape(cloud, place, unit):
    found = float32_coordinates((cloud + place) * unit)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, centred(cloud) * unit, atol=1e-5 * unit)


@pytest.mark.parametrize("extents", [1.5, 10, 300])
def test_where_the_place_does_not_count_no_digit_is_lost(cloud, extents):
    far = cloud + extents * np.ptp(cloud, axis=0).max()
    np.testing.assert_array_equal(float32_coordinates(far), far.astype(np.float32))
    found = float32_coordinates(far, centred=True)
    np.testing.assert_allclose(found, centred(cloud), atol=1e-6)
    near = cloud - cloud.min(axis=0)  # its box begins at the origin
    np.testing.assert_array_equal(float32_coordinates(near, centred=True), near.astype(np.float32))


def test_what_no_face_uses_only_says_nothing_of_a_far_place(cloud):
    used = np.arange(len(cloud)) > 0
    far = cloud + PLACE
    np.testing.assert_array_equal(float32_coordinates(far, used=used), float32_coordinates(far))
    far[0] = 0
    found = float32_coordinates(far, used=used)
    np.testing.assert_allclose(found[1:], centred(cloud[1:]), atol=1e-5)


def test_tiny_clouds_are_enlarged(cloud):
    both = np.stack([cloud * 1e-300, cloud])
    found = enlarged(both)
    np.testing.assert_array_equal(found[1], cloud)
    np.testing.assert_allclose(found[0], cloud / np.abs(cloud).max(), rtol=1e-12)
    assert enlarged(cloud) is cloud
    assert not enlarged(np.zeros((2, 3))).any()


def test_whole_numbers_keep_their_shape():
    cloud = np.random.default_rng(0).integers(-1000, 1000, (50, 3)) + PLACE * 1000
    np.testing.assert_allclose(float32_coordinates(cloud), centred(cloud), atol=1e-3)


def test_each_cloud_is_looked_at_by_itself(cloud):
    both = np.stack([cloud, cloud + PLACE])
    found = float32_coordinates(both)
    np.testing.assert_array_equal(found[0], cloud.astype(np.float32))
    np.testing.assert_allclose(found[1], centred(cloud), atol=1e-5)


def test_numbers_of_float32_and_coincident_points_stay(cloud):
    far = (cloud + PLACE).astype(np.float32)
    np.testing.assert_array_equal(float32_coordinates(far), far)
    point = np.array([PLACE, PLACE], float)
    np.testing.assert_array_equal(float32_coordinates(point), point.astype(np.float32))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 1e300])
def test_what_is_not_finite_stays_so(cloud, bad):
    cloud[3, 1] = bad
    assert not np.isfinite(float32_coordinates(cloud)).all()


@pytest.mark.parametrize("ending", ["npy", "npz", "xyz"])
def test_files_of_far_clouds(cloud, tmp_path, ending):
    path = tmp_path / f"cloud.{ending}"
    {"npy": np.save, "npz": np.savez, "xyz": np.savetxt}[ending](path, cloud + PLACE)
    np.testing.assert_allclose(read_shape(path), centred(cloud), atol=1e-5)


@pytest.mark.parametrize("ending", ["xyz", "obj"])
def test_files_for_models_of_shapes(cloud, tmp_path, ending):
    path, far = tmp_path / f"cloud.{ending}", cloud + 30
    if ending == "xyz":
        np.savetxt(path, far)
    else:
        path.write_text("".join("v {!r} {!r} {!r}\n".format(*row) for row in far.tolist()))
        faces = "".join(f"f {i} {i + 1} {i + 2}\n" for i in range(1, len(far) - 1))
        path.write_text(path.read_text() + faces)
    found = read_shape(path, centred=True)
    found = found.vertices if ending == "obj" else found
    np.testing.assert_allclose(found, centred(cloud), atol=1e-6)


@pytest.mark.parametrize("place", [0, 1])
def test_vertices_that_no_face_uses_do_not_count(tmp_path, place):
    corners = np.eye(3) / 3 + np.array([512345.0, 5412345.0, 300.0])
    faces = np.arange(3) + (np.arange(3) >= place)
    lines = [f"v {' '.join(map(repr, map(float, row)))}" for row in np.insert(corners, place, 0, 0)]
    file = tmp_path / "far.obj"
    file.write_text("\n".join([*lines, f"f {' '.join(map(str, faces + 1))}\n"]))
    for mesh in (
        read_shape(file, centred=True),
        MeshSet([(np.insert(corners, place, 0, 0), faces[None])], [0], None, ("one",)).meshes[0],
    ):
        np.testing.assert_allclose(mesh.vertices[mesh.faces[0]], np.eye(3) / 3 - 1 / 9, atol=1e-6)


def test_sets_of_far_shapes(cloud):
    for clouds in ([cloud + PLACE], (cloud + PLACE)[None]):
        found = ShapeSet(clouds, [0], ["a"], ["b"]).clouds
        np.testing.assert_allclose(found[0], centred(cloud), atol=1e-5)
    mesh = (TETRAHEDRON.vertices + PLACE, TETRAHEDRON.faces)
    found = MeshSet([mesh], [0], ["a"], ["b"]).meshes[0].vertices
    np.testing.assert_allclose(found, centred(TETRAHEDRON.vertices), atol=1e-6)


def test_masked_coordinates_are_refused(cloud):
    masked = np.ma.masked_greater(cloud, 1.0)
    for clouds in ([masked], masked[None]):
        with pytest.raises(InputError, match="has masked coordinates"):
            ShapeSet(clouds, [0], ["a"], ["b"])
    vertices = np.ma.masked_greater(TETRAHEDRON.vertices, 0.5)
    with pytest.raises(InputError, match="has masked coordinates"):
        MeshSet([(vertices, TETRAHEDRON.faces)], [0], ["a"], ["b"])

import numpy as np
import pytest

from csnn_tf.data import Mesh, MeshSet
from csnn_tf.data.mesh import face_areas
from csnn_tf.errors import InputError
from tests.data.data_files import SQUARE, TETRAHEDRON


def make(*meshes):
    meshes = meshes or (TETRAHEDRON, SQUARE, TETRAHEDRON, SQUARE)
    labels = [number % 2 for number in range(len(meshes))]
    return MeshSet(list(meshes), labels, [f"{i}.off" for i in range(len(meshes))], ("a", "b"))


def test_holds_float32_and_int32():
    meshes = make((SQUARE.vertices.astype(float), SQUARE.faces.astype(np.int64)))
    assert isinstance(meshes.meshes[0], Mesh)
    assert meshes.meshes[0].vertices.dtype == np.float32
    assert meshes.meshes[0].faces.dtype == np.int32
    assert repr(meshes) == "MeshSet(1 meshes, 2 classes)"


def test_subset_and_split():
    meshes = make()
    assert meshes.subset([2, 1]).names == ["2.off", "1.off"]
    stays, held_out = meshes.split(0.5, seed=3)
    assert sorted(stays.names + held_out.names) == meshes.names
    assert held_out.labels.tolist() == [0, 1] or held_out.labels.tolist() == [1, 0]
    assert len(stays) == len(held_out) == 2


def test_areas():
    np.testing.assert_allclose(face_areas(SQUARE), [0.5, 0.5])
    np.testing.assert_allclose(face_areas(TETRAHEDRON), [0.5, 0.5, 0.5, np.sqrt(3) / 2])


def test_points_lie_on_the_surface():
    shapes = make(TETRAHEDRON).to_shape_set(500, seed=0)
    points = shapes.clouds[0]
    assert points.shape == (500, 3)
    assert points.dtype == np.float32
    assert (points >= 0).all()
    on_axis_planes = np.isclose(points, 0, atol=1e-6).any(axis=1)
    on_slant = np.isclose(points.sum(axis=1), 1, atol=1e-6)
    assert (on_axis_planes | on_slant).all()
    assert on_axis_planes.any()
    assert on_slant.any()


def test_points_fall_by_area():
    big_and_small = Mesh(
        np.array([[0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 9], [1, 0, 9], [0, 1, 9]], np.float32),
        np.array([[0, 1, 2], [3, 4, 5]], np.int32),
    )
    points = make(big_and_small).to_shape_set(20_000, seed=1).clouds[0]
    share = (points[:, 2] > 1).mean()
    assert abs(share - 0.1) < 5 * np.sqrt(0.1 * 0.9 / 20_000)


def test_sampling_is_deterministic_and_depends_on_the_seed():
    meshes = make()
    first, again = meshes.to_shape_set(64, seed=5), meshes.to_shape_set(64, seed=5)
    np.testing.assert_array_equal(first.clouds, again.clouds)
    assert not np.array_equal(first.clouds, meshes.to_shape_set(64, seed=6).clouds)
    assert not np.array_equal(first.clouds[0], first.clouds[2]), "equal meshes, other points"
    assert first.names == meshes.names
    np.testing.assert_array_equal(first.labels, meshes.labels)


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (np.eye(3), np.zeros((0, 3), int), "bad.off has no face"),
        (np.zeros((3, 3)), [[0, 1, 2]], "bad.off has no area"),
        (np.eye(3), [[0, 1, 1]], "bad.off has no area"),
        (np.eye(3) * 1e-30, [[0, 1, 1]], "bad.off has no area"),
        (np.eye(3), [[0, 1, 3]], "bad.off has a face with a vertex that is not there"),
        (np.eye(3), [[0, 1, -1]], "bad.off has a face with a vertex that is not there"),
        (np.eye(3) * np.nan, [[0, 1, 2]], "bad.off has a coordinate that is not finite"),
        (np.eye(3) * 1e39, [[0, 1, 2]], "bad.off has a coordinate that is not finite"),
        (np.eye(3)[:, :2], [[0, 1, 2]], r"bad.off must have vertices \[v, 3\]"),
        (np.eye(3), [[0, 1, 2, 0]], r"bad.off must have faces \[f, 3\]"),
        (np.eye(3), [[0.0, 1.0, 2.0]], r"bad.off must have faces \[f, 3\]"),
    ],
)
def test_meshes_without_a_surface_are_refused(vertices, faces, message):
    with pytest.raises(InputError, match=message):
        MeshSet([SQUARE, (vertices, np.array(faces))], [0, 0], ["good.off", "bad.off"], ["a"])


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e30])
def test_extreme_sizes_have_an_area(scale):
    mesh = Mesh(np.eye(3, dtype=np.float32) * np.float32(scale), np.array([[0, 1, 2]], np.int32))
    points = make(mesh).to_shape_set(100, seed=0).clouds[0]
    np.testing.assert_allclose(points.sum(axis=1) / scale, 1, rtol=1e-5)


def test_area_may_come_late():
    faces = np.array([[0, 0, 0]] * 100 + [[0, 1, 2]], np.int32)
    assert len(make(Mesh(np.eye(3, dtype=np.float32), faces))) == 1


@pytest.mark.parametrize("num_points", [0, -1, 1.5, True, None])
def test_wrong_number_of_points(num_points):
    with pytest.raises(InputError, match="num_points"):
        make().to_shape_set(num_points, seed=0)

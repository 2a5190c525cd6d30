import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.grid import MAX_LEVEL, icosphere, num_vertices

LEVELS = range(5)


@pytest.mark.parametrize("level", LEVELS)
def test_counts_and_euler_characteristic(level):
    grid = icosphere(level)
    assert grid.vertices.shape == (10 * 4**level + 2, 3)
    assert grid.faces.shape == (20 * 4**level, 3)
    assert grid.edges.shape == (30 * 4**level, 2)
    assert grid.num_vertices == num_vertices(level)
    assert grid.num_vertices - len(grid.edges) + len(grid.faces) == 2


@pytest.mark.parametrize("level", LEVELS)
def test_vertices_are_distinct_unit_vectors(level):
    grid = icosphere(level)
    np.testing.assert_allclose(np.linalg.norm(grid.vertices, axis=1), 1, rtol=1e-14)
    lengths = np.linalg.norm(np.diff(grid.vertices[grid.edges], axis=1)[:, 0], axis=1)
    # Faces are nearly equal: the longest edge is below 1.2 times the shortest.
    assert 0 < lengths.max() < 1.2 * lengths.min()
    assert len(np.unique(grid.vertices.round(9), axis=0)) == grid.num_vertices


@pytest.mark.parametrize("level", range(1, 5))
def test_coarse_vertices_come_first(level):
    coarse = icosphere(level - 1).vertices
    np.testing.assert_array_equal(icosphere(level).vertices[: len(coarse)], coarse)


@pytest.mark.parametrize("level", range(1, 5))
def test_new_vertices_are_midpoints_in_the_order_of_the_coarse_edges(level):
    coarse = icosphere(level - 1)
    middle = coarse.vertices[coarse.edges].sum(axis=1)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    np.testing.assert_allclose(icosphere(level).vertices[coarse.num_vertices :], middle, atol=1e-15)


@pytest.mark.parametrize("level", LEVELS)
def test_faces_point_outward_and_cover_the_sphere(level):
    grid = icosphere(level)
    a, b, c = np.moveaxis(grid.vertices[grid.faces], 1, 0)
    volume = np.sum(a * np.cross(b, c), axis=1)
    assert (volume > 0).all()
    # Solid angles (Van Oosterom and Strackee) add up to the whole sphere, once.
    cosines = 1 + np.sum(a * b, 1) + np.sum(b * c, 1) + np.sum(c * a, 1)
    assert 2 * np.arctan2(volume, cosines).sum() == pytest.approx(4 * np.pi)


@pytest.mark.parametrize("level", LEVELS)
def test_edges_are_the_faces_sides_once_each(level):
    grid = icosphere(level)
    assert (grid.edges[:, 0] < grid.edges[:, 1]).all()
    assert len(np.unique(grid.edges, axis=0)) == len(grid.edges)
    sides = {
        (min(a, b), max(a, b))
        for face in grid.faces.tolist()
        for a, b in zip(face, face[1:] + face[:1], strict=True)
    }
    assert sides == set(map(tuple, grid.edges.tolist()))
    order = grid.edges[:, 0].astype(int) * grid.num_vertices + grid.edges[:, 1]
    assert (np.diff(order) > 0).all()


@pytest.mark.parametrize("level", LEVELS)
def test_neighbors_are_symmetric_and_those_of_the_edges(level):
    grid = icosphere(level)
    size = grid.num_vertices
    adjacent = np.zeros((size, size), dtype=bool)
    adjacent[np.arange(size)[:, None], grid.neighbors] = True
    expected = np.eye(size, dtype=bool) & (np.arange(size) < 12)
    expected[grid.edges[:, 0], grid.edges[:, 1]] = expected[grid.edges[:, 1], grid.edges[:, 0]] = 1
    np.testing.assert_array_equal(adjacent, expected)
    np.testing.assert_array_equal(grid.neighbors[:12, 5], np.arange(12))
    assert (np.diff(grid.neighbors[:12, :5], axis=1) > 0).all()
    assert (np.diff(grid.neighbors[12:], axis=1) > 0).all()


@pytest.mark.parametrize("level", range(1, 5))
def test_pooling_table(level):
    grid, coarse = icosphere(level), num_vertices(level - 1)
    assert grid.pooling.shape == (coarse, 7)
    np.testing.assert_array_equal(grid.pooling[:, 0], np.arange(coarse))
    np.testing.assert_array_equal(grid.pooling[:, 1:], grid.neighbors[:coarse])
    # Every fine vertex is pooled: coarse ones by themselves, new ones by two coarse vertices.
    used = np.bincount(np.concatenate([np.unique(row) for row in grid.pooling]))
    np.testing.assert_array_equal(used, np.repeat([1, 2], [coarse, grid.num_vertices - coarse]))


def test_the_finest_level_is_whole():
    grid = icosphere(MAX_LEVEL)
    assert grid.num_vertices == 163_842
    assert grid.num_vertices - len(grid.edges) + len(grid.faces) == 2
    assert grid.neighbors.shape == (163_842, 6)
    distance = np.linalg.norm(grid.vertices[grid.neighbors] - grid.vertices[:, None], axis=2)
    assert distance.max() < 0.011
    assert grid.pooling.shape == (num_vertices(6), 7)


def test_one_read_only_grid_a_process():
    grid = icosphere(3)
    assert icosphere(np.int64(3)) is grid
    for array in (grid.vertices, grid.faces, grid.edges, grid.neighbors, grid.pooling):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("level", [-1, 8, 2.5, "3", None, True])
def test_wrong_levels(level):
    with pytest.raises(InputError, match="level must be a whole number from 0 to 7"):
        icosphere(level)


def test_nothing_below_the_icosahedron():
    with pytest.raises(InputError, match="no level to pool to"):
        _ = icosphere(0).pooling

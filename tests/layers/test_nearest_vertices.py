import numpy as np
import pytest
from scipy.spatial import cKDTree

from csnn_tf.errors import InputError
from csnn_tf.grid import icosphere
from csnn_tf.layers import nearest_vertices
from tests.helpers import long_on_jax, numpy_of


def unit(directions):
    directions = np.asarray(directions, "float64")
    return (directions / np.linalg.norm(directions, axis=-1, keepdims=True)).astype("float32")


def in_pieces(directions, level, neighbors, size=10_000):
    """`nearest_vertices` in pieces of one size, so that it is compiled once a level."""
    filled = np.resize(directions, (-(-len(directions) // size) * size, 3))
    pieces = [
        [numpy_of(part) for part in nearest_vertices(piece, level, neighbors)]
        for piece in filled.reshape(-1, size, 3)
    ]
    return [np.concatenate(parts)[: len(directions)] for parts in zip(*pieces, strict=True)]


def assert_nearest(directions, level, neighbors=3):
    """The same distances as a k-d tree's, so the same vertices wherever these are not tied."""
    vertices = icosphere(level).vertices
    index, squared = in_pieces(directions, level, neighbors)
    assert index.shape == squared.shape == (len(directions), neighbors)
    ordered = np.sort(index, axis=1)
    assert (np.diff(ordered, axis=1) > 0).all(), "a vertex came twice"
    exact = directions.astype("float64")
    distance = np.linalg.norm(vertices[index] - exact[:, None], axis=2)
    expected, _ = cKDTree(vertices).query(exact, k=list(range(1, neighbors + 1)))
    np.testing.assert_allclose(distance, expected, rtol=0, atol=5e-7)
    np.testing.assert_allclose(squared, distance**2, rtol=0, atol=1e-6)
    assert (np.diff(squared, axis=1) >= 0).all()


@long_on_jax
def test_a_million_random_directions_at_the_published_level():
    assert_nearest(unit(np.random.default_rng(0).normal(size=(1_000_000, 3))), 4)


@pytest.mark.parametrize(("level", "neighbors"), [(0, 12), (1, 1), (2, 3), (3, 7), (5, 3)])
def test_random_directions_at_other_levels(level, neighbors):
    directions = unit(np.random.default_rng(level).normal(size=(30_000, 3)))
    assert_nearest(directions, level, neighbors)


def cube_map_borders(resolution):
    """Directions on the lines between the cells of the table, its cube's edges and corners too."""
    lines = np.linspace(-1, 1, resolution + 1)
    u, v = (part.ravel() for part in np.meshgrid(lines, lines))
    one = np.ones_like(u)
    faces = [np.stack([sign * one, u, v], axis=1) for sign in (1, -1)]
    return np.concatenate([np.roll(face, axis, axis=1) for face in faces for axis in range(3)])


@pytest.mark.parametrize("level", [0, 2, 4])
def test_adversarial_directions(level):
    grid = icosphere(level)
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    exact = [
        grid.vertices,
        grid.vertices[grid.edges].sum(axis=1),
        grid.vertices[grid.faces].sum(axis=1),
        axes,
        np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T[np.arange(27) != 13],
        cube_map_borders(2 ** (level + 1)),
    ]
    directions = unit(np.concatenate(exact))
    assert_nearest(directions, level)
    # One rounding step aside, and signed zeros.
    rng = np.random.default_rng(level)
    beside = np.nextafter(directions, rng.choice([-2, 2], size=directions.shape).astype("float32"))
    assert_nearest(beside, level)
    assert_nearest(np.where(directions == 0, np.float32(-0.0), directions), level)


def test_a_vertex_is_nearest_to_itself():
    vertices = icosphere(3).vertices
    index, squared = in_pieces(vertices.astype("float32"), 3, 7)
    np.testing.assert_array_equal(index[:, 0], np.arange(len(vertices)))
    np.testing.assert_allclose(squared[:, 0], 0, atol=1e-12)
    neighbors = np.sort(icosphere(3).neighbors, axis=1)
    np.testing.assert_array_equal(np.sort(index[12:, 1:], axis=1), neighbors[12:])


def test_the_zero_vector():
    index, squared = in_pieces(np.zeros((2, 3), "float32"), 2, 3)
    assert ((index >= 0) & (index < 162)).all()
    np.testing.assert_allclose(squared, 1, rtol=1e-6)


def test_any_shape_of_directions():
    directions = unit(np.random.default_rng(1).normal(size=(2, 5, 7, 3)))
    index, squared = nearest_vertices(directions, 2, 3)
    assert tuple(index.shape) == tuple(squared.shape) == (2, 5, 7, 3)
    flat, _ = in_pieces(directions.reshape(-1, 3), 2, 3)
    np.testing.assert_array_equal(numpy_of(index).reshape(-1, 3), flat)


@pytest.mark.parametrize(("level", "neighbors"), [(8, 3), (2, 0), (2, 13)])
def test_wrong_arguments(level, neighbors):
    with pytest.raises(InputError, match="must be a whole number"):
        nearest_vertices(np.ones((1, 3), "float32"), level, neighbors)

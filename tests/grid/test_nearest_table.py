import numpy as np
import pytest
from scipy.spatial import cKDTree

from csnn_tf.errors import InputError
from csnn_tf.grid import icosphere, nearest_table


def cell_of(directions, resolution):
    """The cell that `NearestTable`'s docstring describes, in double precision."""
    rows = np.arange(len(directions))
    axis = np.abs(directions).argmax(axis=1)
    major = directions[rows, axis]
    cells = [
        np.clip((directions[rows, (axis + k) % 3] / np.abs(major) + 1) / 2 * resolution, 0, None)
        for k in (1, 2)
    ]
    u, v = (np.minimum(np.floor(cell).astype(int), resolution - 1) for cell in cells)
    return ((2 * axis + (major < 0)) * resolution + u) * resolution + v


@pytest.mark.parametrize(("level", "neighbors"), [(0, 3), (1, 1), (2, 3), (2, 12), (3, 7), (4, 3)])
def test_the_nearest_are_among_the_candidates(level, neighbors):
    table, vertices = nearest_table(level, neighbors), icosphere(level).vertices
    directions = np.random.default_rng(level).normal(size=(20_000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    _, nearest = cKDTree(vertices).query(directions, k=list(range(1, neighbors + 1)))
    candidates = table.candidates[cell_of(directions, table.resolution)]
    assert (nearest[:, :, None] == candidates[:, None, :]).any(axis=2).all()


@pytest.mark.parametrize("level", [0, 2, 4])
def test_the_table_is_small_and_its_unused_places_point_away(level):
    table, vertices = nearest_table(level, 3), icosphere(level).vertices
    cells, width = table.candidates.shape
    assert cells == 6 * table.resolution**2
    assert 3 <= width <= 12
    assert table.directions.shape == (cells, width, 3)
    used = np.abs(table.directions - vertices[table.candidates]).max(axis=2) < 1e-6
    assert (used.sum(axis=1) >= 3).all()
    assert not used[:, :-1][~used[:, 1:] & ~used[:, :-1]].any()
    for row in range(0, cells, max(1, cells // 50)):
        real, fake = table.candidates[row][used[row]], table.directions[row][~used[row]]
        assert len(set(real)) == len(real)
        # Opposite to all that is near: farther than any candidate from any candidate.
        if len(fake):
            assert (fake @ vertices[real].T).max() < (vertices[real] @ vertices[real].T).min()


def test_one_read_only_table_a_process():
    table = nearest_table(2, 3)
    assert nearest_table(2, np.int64(3)) is table
    with pytest.raises(ValueError, match="read-only"):
        table.candidates[0] = 0


@pytest.mark.parametrize("neighbors", [0, 13, -1, 1.5, "3", True, None])
def test_wrong_neighbors(neighbors):
    with pytest.raises(InputError, match="neighbors must be a whole number from 1 to 12"):
        nearest_table(2, neighbors)


def test_wrong_level():
    with pytest.raises(InputError, match="level must be"):
        nearest_table(9)

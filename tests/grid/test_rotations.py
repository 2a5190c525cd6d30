import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.grid import icosahedral_rotations, icosphere, random_rotations, vertex_permutations


def test_sixty_proper_rotations_and_the_identity_first():
    matrices = icosahedral_rotations()
    assert matrices.shape == (60, 3, 3)
    np.testing.assert_array_equal(matrices[0].round(14), np.eye(3))
    np.testing.assert_allclose(
        matrices @ matrices.swapaxes(1, 2), np.tile(np.eye(3), (60, 1, 1)), atol=1e-14
    )
    np.testing.assert_allclose(np.linalg.det(matrices), 1, rtol=1e-13)
    assert len(np.unique(matrices.round(9), axis=0)) == 60
    with pytest.raises(ValueError, match="read-only"):
        matrices[0] = 0


def test_they_form_the_icosahedral_group():
    matrices = icosahedral_rotations()
    known = {tuple(row) for row in (matrices.reshape(60, 9) * 1e6).round().astype(int)}
    products = np.einsum("aij,bjk->abik", matrices, matrices).reshape(-1, 9)
    assert {tuple(row) for row in (products * 1e6).round().astype(int)} == known
    # Turns by 0, 72, 120, 144 and 180 degrees: 1, 12, 20, 12 and 15 of them.
    angles = np.degrees(np.arccos(np.clip((np.trace(matrices, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    values, counts = np.unique(angles.round(3), return_counts=True)
    np.testing.assert_allclose(values, [0, 72, 120, 144, 180])
    assert counts.tolist() == [1, 12, 20, 12, 15]


@pytest.mark.parametrize("level", range(5))
def test_permutations_are_what_the_matrices_do(level):
    grid, permutations = icosphere(level), vertex_permutations(level)
    assert permutations.shape == (60, grid.num_vertices)
    np.testing.assert_array_equal(
        np.sort(permutations, axis=1), np.tile(np.arange(grid.num_vertices), (60, 1))
    )
    rotated = grid.vertices @ icosahedral_rotations().swapaxes(1, 2)
    np.testing.assert_allclose(grid.vertices[permutations], rotated, atol=1e-14)


def test_permutations_compose_as_the_matrices_do():
    matrices, permutations = icosahedral_rotations(), vertex_permutations(2)
    products = np.einsum("aij,bjk->abik", matrices, matrices)
    gap = np.abs(products[:, :, None] - matrices).max(axis=(-1, -2))
    product = gap.argmin(axis=-1)
    assert np.take_along_axis(gap, product[..., None], -1).max() < 1e-9
    # (M_a M_b) takes i to where a takes what b takes i to.
    composed = np.stack([permutation[permutations] for permutation in permutations])
    np.testing.assert_array_equal(composed, permutations[product])


def test_permutations_keep_edges():
    grid, permutations = icosphere(3), vertex_permutations(3)
    moved = np.sort(permutations[:, grid.edges], axis=-1)
    for edges in moved:
        np.testing.assert_array_equal(edges[np.lexsort(edges.T[::-1])], grid.edges)


def test_permutations_of_a_fine_level():
    permutations = vertex_permutations(6)
    assert permutations.shape == (60, 40_962)
    grid, index = icosphere(6), 41
    rotated = grid.vertices @ icosahedral_rotations()[index].T
    np.testing.assert_allclose(grid.vertices[permutations[index]], rotated, atol=1e-14)


def test_wrong_level():
    with pytest.raises(InputError, match="level must be"):
        vertex_permutations(8)


def test_random_rotations_are_haar_distributed():
    count = 20_000
    matrices = random_rotations(count, np.random.default_rng(3))
    assert matrices.shape == (count, 3, 3)
    np.testing.assert_allclose(np.linalg.det(matrices), 1, rtol=1e-12)
    identity = np.tile(np.eye(3), (count, 1, 1))
    np.testing.assert_allclose(matrices @ matrices.swapaxes(1, 2), identity, atol=1e-12)
    # Under the Haar measure E M = 0, every entry has variance 1/3, E tr = 0, E tr^2 = 1.
    error = 5 / np.sqrt(count)
    assert np.abs(matrices.mean(axis=0)).max() < error
    assert np.abs((matrices**2).mean(axis=0) - 1 / 3).max() < error
    trace = np.trace(matrices, axis1=1, axis2=2)
    assert abs(trace.mean()) < error
    assert abs((trace**2).mean() - 1) < 2 * error
    again = random_rotations(count, np.random.default_rng(3))
    np.testing.assert_array_equal(matrices, again)

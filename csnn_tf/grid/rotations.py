"""Rotations: the 60 of the icosahedron, what each does to the vertices, and random ones."""

from functools import cache

import numpy as np

from csnn_tf.grid.icosphere import check_level, icosphere


@cache
def icosahedral_rotations() -> np.ndarray:
    """The 60 rotations that map the icosphere onto itself (section III-D).

    Returns:
        [60, 3, 3] float64 rotation matrices (determinant +1), read-only; the first is the
        identity. A matrix acts on column vectors: x' = M x.
    """
    grid = icosphere(0)
    # A rotation is fixed by where it takes the three corners of one face: to the corners of any of
    # the 20 faces, starting at any of the three.
    targets = np.concatenate([np.roll(grid.faces, -shift, axis=1) for shift in range(3)])
    matrices = np.swapaxes(grid.vertices[targets], 1, 2) @ np.linalg.inv(
        grid.vertices[grid.faces[0]].T
    )
    # One Newton step towards the nearest orthogonal matrix takes out the rounding of the inverse.
    matrices = 1.5 * matrices - 0.5 * matrices @ np.swapaxes(matrices, 1, 2) @ matrices
    matrices.flags.writeable = False
    return matrices


def vertex_permutations(level: int) -> np.ndarray:
    """Where each icosahedral rotation takes each vertex.

    Row g, column i holds j with vertices[j] = M_g vertices[i]. A feature map h rotated by M_g
    (equation 1 of the paper) is therefore h' with h'[j] = h[i].

    Args:
        level: Level of the icosphere, 0 to 7.

    Returns:
        [60, V] int32, read-only; rows in the order of `icosahedral_rotations`.

    Raises:
        InputError: If the level is not 0 to 7.
    """
    return _permutations(check_level(level))


@cache
def _permutations(level: int) -> np.ndarray:
    grid = icosphere(level)
    if level == 0:
        rotated = icosahedral_rotations() @ grid.vertices.T
        result = np.argmax(grid.vertices @ rotated, axis=1)
    else:
        # A new vertex is the midpoint of a coarse edge, and rotations take edges to edges: exact.
        coarse, edges = _permutations(level - 1), icosphere(level - 1).edges
        size = coarse.shape[1]
        keys = edges[:, 0].astype(np.int64) * size + edges[:, 1]
        ends = np.sort(coarse[:, edges], axis=-1)
        middle = np.searchsorted(keys, ends[..., 0].astype(np.int64) * size + ends[..., 1])
        result = np.concatenate([coarse, size + middle], axis=1)
    result = result.astype(np.int32)
    result.flags.writeable = False
    return result


def random_rotations(count: int, rng: np.random.Generator) -> np.ndarray:
    """Rotations drawn uniformly (Haar measure) from SO(3).

    Args:
        count: How many.
        rng: Source of randomness.

    Returns:
        [count, 3, 3] float64.

    Source: a unit quaternion uniform on the 3-sphere is a uniform rotation (Shoemake 1992).
    """
    q = rng.normal(size=(count, 4))
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)

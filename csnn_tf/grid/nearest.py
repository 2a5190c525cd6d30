"""The vertices nearest to a direction in constant time, by a table over the cells of a cube map."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from csnn_tf.checks import check_between
from csnn_tf.grid.icosphere import check_level, icosphere

_MARGIN = 1e-6
"""Slack of the dominance test: covers float32 rounding of a direction next to a cell's border."""


@dataclass(frozen=True, eq=False)
class NearestTable:
    """For every cell of a cube map, the vertices that can be among the k nearest in it.

    The cube has faces +x, -x, +y, -y, +z, -z; a face is cut into `resolution` squared cells. A
    direction with major axis a (the coordinate of largest size) has the cell coordinates
    floor((u + 1) / 2 * resolution), u being its two other coordinates, in cyclic order after a,
    divided by the size of the major one.

    Args:
        level: Level of the icosphere.
        neighbors: k.
        resolution: Cells along an edge of the cube.
        candidates: [6 * resolution**2, K] int32 vertex indices.
        directions: [6 * resolution**2, K, 3] float32, the candidates' positions. Unused places hold
            the opposite of the cell's centre, which is never among the nearest.
    """

    level: int
    neighbors: int
    resolution: int
    candidates: np.ndarray
    directions: np.ndarray


def nearest_table(level: int, neighbors: int = 3) -> NearestTable:
    """The table of a level, made once per process.

    It is exact: a vertex is left out of a cell only if `neighbors` others are nearer everywhere in
    the cell. "w is nearer than v" is a half-space through the origin and a cell is the convex cone
    of its four corners, so testing the corners decides it for the whole cell.

    Args:
        level: Level of the icosphere, 0 to 7.
        neighbors: k, 1 to 12.

    Returns:
        A `NearestTable`.

    Raises:
        InputError: If an argument is out of range.
    """
    number = check_between("neighbors", neighbors, 1, 12)
    return _nearest_table(check_level(level), number)


@cache
def _nearest_table(level: int, neighbors: int) -> NearestTable:
    from scipy.spatial import cKDTree

    vertices = icosphere(level).vertices
    resolution = 2 ** (level + 1)
    corners = _cell_corners(resolution)
    centres = corners.sum(axis=1)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    radius = np.linalg.norm(corners - centres[:, None], axis=2).max(axis=1)
    tree = cKDTree(vertices)
    # Anywhere in the cell the k-th nearest vertex is at most (k-th of the centre) + radius away,
    # so anything beyond that plus another radius from the centre is out.
    reach = tree.query(centres, k=[neighbors])[0][:, 0] + 2 * radius
    width = int(tree.query_ball_point(centres, reach, return_length=True).max())
    near, order = tree.query(centres, k=list(range(1, width + 1)))
    kept = (near <= reach[:, None]) & ~_dominated(vertices, order, corners, neighbors)
    width = max(int(kept.sum(axis=1).max()), neighbors)
    # A stable sort moves the kept ones to the front, nearest to the centre first.
    front = np.argsort(~kept, axis=1, kind="stable")[:, :width]
    candidates = np.take_along_axis(order, front, axis=1)
    directions = vertices[candidates]
    unused = ~np.take_along_axis(kept, front, axis=1)
    directions[unused] = -np.repeat(centres, unused.sum(axis=1), axis=0)
    table = NearestTable(
        level,
        neighbors,
        resolution,
        candidates.astype(np.int32),
        directions.astype(np.float32),
    )
    table.candidates.flags.writeable = table.directions.flags.writeable = False
    return table


def _cell_corners(resolution: int) -> np.ndarray:
    """[cells, 4, 3] unit vectors to the corners of every cell of the cube map."""
    lines = np.linspace(-1, 1, resolution + 1)
    low, high = lines[:-1], lines[1:]
    u, v = (
        np.stack(np.meshgrid(a, b, indexing="ij"), axis=-1).reshape(-1, 2)
        for a, b in ((low, low), (high, high))
    )
    square = np.stack([u, np.stack([u[:, 0], v[:, 1]], -1), v, np.stack([v[:, 0], u[:, 1]], -1)], 1)
    faces = []
    for axis in range(3):
        for sign in (1.0, -1.0):
            corner = np.empty((*square.shape[:2], 3))
            corner[..., axis] = sign
            corner[..., (axis + 1) % 3] = square[..., 0]
            corner[..., (axis + 2) % 3] = square[..., 1]
            faces.append(corner)
    corners = np.concatenate(faces)
    return corners / np.linalg.norm(corners, axis=-1, keepdims=True)


def _dominated(
    vertices: np.ndarray, order: np.ndarray, corners: np.ndarray, neighbors: int
) -> np.ndarray:
    """[cells, K] bool: whether `neighbors` other candidates are nearer in the whole cell."""
    result = np.empty(order.shape, dtype=bool)
    for start in range(0, len(order), 16384):  # in pieces: the comparison is [cells, 4, K, K]
        part = slice(start, start + 16384)
        nearness = np.einsum("cnx,ckx->cnk", corners[part], vertices[order[part]])
        nearer = np.ones(nearness.shape[:1] + nearness.shape[2:] * 2, dtype=bool)
        for corner in range(4):
            at = nearness[:, corner]
            nearer &= at[:, None, :] > at[:, :, None] + _MARGIN
        result[part] = nearer.sum(axis=2) >= neighbors
    return result

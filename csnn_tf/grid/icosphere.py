"""The icosphere: an icosahedron whose faces are split into four, level by level."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from csnn_tf.checks import check_between
from csnn_tf.errors import InputError

MAX_LEVEL = 7
"""The finest level offered (163,842 vertices)."""


@dataclass(frozen=True, eq=False)
class Icosphere:
    """A unit sphere sampled at the vertices of an icosahedron subdivided `level` times.

    The vertices of level l - 1 are the first ones of level l, so coarse features are a prefix of
    fine ones. The arrays are shared within the process and read-only.

    Args:
        level: Number of subdivisions, 0 to 7.
        vertices: [V, 3] float64, unit vectors; V = 10 * 4**level + 2.
        faces: [F, 3] int32, corners counter-clockwise seen from outside; F = 20 * 4**level.
    """

    level: int
    vertices: np.ndarray
    faces: np.ndarray

    @property
    def num_vertices(self) -> int:
        """V = 10 * 4**level + 2."""
        return len(self.vertices)

    @cached_property
    def edges(self) -> np.ndarray:
        """[E, 2] int32, each undirected edge once, smaller index first; E = 30 * 4**level."""
        return _read_only(_unique_edges(self.faces)[0])

    @cached_property
    def neighbors(self) -> np.ndarray:
        """[V, 6] int32, adjacent vertices in ascending order.

        The 12 vertices of the icosahedron (indices 0 to 11 at every level) have five neighbours;
        their sixth entry is the vertex itself.
        """
        ends = np.concatenate([self.edges, self.edges[:, ::-1]])
        ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
        first = np.searchsorted(ends[:, 0], np.arange(self.num_vertices))
        column = np.arange(len(ends)) - first[ends[:, 0]]
        table = np.tile(np.arange(self.num_vertices, dtype=np.int32)[:, None], (1, 6))
        table[ends[:, 0], column] = ends[:, 1]
        return _read_only(table)

    @cached_property
    def pooling(self) -> np.ndarray:
        """[V', 7] int32, the fine vertices that each vertex of level - 1 pools over.

        Column 0 is the vertex itself, columns 1 to 6 its neighbours at this level; for the 12
        vertices of the icosahedron the last column repeats the vertex.
        """
        if self.level == 0:
            raise InputError("level 0 is the coarsest icosphere: there is no level to pool to.")
        coarse = num_vertices(self.level - 1)
        own = np.arange(coarse, dtype=np.int32)[:, None]
        return _read_only(np.concatenate([own, self.neighbors[:coarse]], axis=1))


def num_vertices(level: int) -> int:
    """Number of vertices of an icosphere: 10 * 4**level + 2 (section III-A)."""
    return 10 * 4**level + 2


def check_level(level: int) -> int:
    """Return `level` as an int, or raise `InputError` if it is not 0 to 7."""
    return check_between("level", level, 0, MAX_LEVEL)


def icosphere(level: int) -> Icosphere:
    """The icosphere of a level, made once per process.

    Args:
        level: Number of subdivisions, 0 to 7.

    Returns:
        An `Icosphere`.

    Raises:
        InputError: If the level is not 0 to 7.

    Example:
        >>> icosphere(4).num_vertices
        2562

    Source: section III-A of the CSNN paper.
    """
    return _icosphere(check_level(level))


@cache
def _icosphere(level: int) -> Icosphere:
    if level == 0:
        vertices, faces = _icosahedron()
    else:
        vertices, faces = _subdivide(_icosphere(level - 1))
    return Icosphere(level, _read_only(vertices), _read_only(faces))


def _icosahedron() -> tuple[np.ndarray, np.ndarray]:
    """The 12 cyclic permutations of (+-1, +-golden ratio, 0), and the 20 faces."""
    golden = (1 + np.sqrt(5)) / 2
    corners = np.array([(s, t * golden, 0.0) for t in (1, -1) for s in (-1, 1)])
    vertices = np.concatenate([np.roll(corners, shift, axis=1) for shift in range(3)])
    vertices /= np.linalg.norm(vertices, axis=1, keepdims=True)
    adjacent = np.isclose(vertices @ vertices.T, 1 / np.sqrt(5))
    a, b, c = np.nonzero(adjacent[:, :, None] & adjacent[:, None, :] & adjacent[None, :, :])
    faces = np.stack([a, b, c], axis=1)
    # Each face shows in six orders: keep the outward one that starts at the smallest index.
    outward = np.linalg.det(vertices[faces]) > 0
    return vertices, faces[outward & (a < b) & (a < c)].astype(np.int32)


def _subdivide(coarse: Icosphere) -> tuple[np.ndarray, np.ndarray]:
    """Split every face into four at its edges' midpoints, pushed out to the unit sphere."""
    edges, edge_of_side = _unique_edges(coarse.faces)
    middle = coarse.vertices[edges].sum(axis=1)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    a, b, c = coarse.faces.T
    ab, bc, ca = coarse.num_vertices + edge_of_side.reshape(3, -1)
    faces = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3)
    return np.concatenate([coarse.vertices, middle]), faces.astype(np.int32)


def _unique_edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Undirected edges in ascending order, and the edge of each side (ab, then bc, then ca)."""
    sides = np.sort(np.concatenate([faces, np.roll(faces, -1, axis=1)]).reshape(2, -1).T, axis=1)
    sides = sides.reshape(-1, 3, 2).transpose(1, 0, 2).reshape(-1, 2)
    size = int(faces.max()) + 1
    keys, inverse = np.unique(
        sides[:, 0].astype(np.int64) * size + sides[:, 1], return_inverse=True
    )
    return np.stack(np.divmod(keys, size), axis=1).astype(np.int32), inverse.reshape(-1)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array

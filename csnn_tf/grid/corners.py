"""The triangles about every vertex of an icosphere."""

from functools import cache
from typing import NamedTuple

import numpy as np

from csnn_tf.grid.icosphere import icosphere


class CornerTable(NamedTuple):
    """The faces about each vertex, and what gives barycentric weights in them.

    Attributes:
        corners: [V, 6, 3] int32, the vertices of the faces about each vertex; the 12 vertices of
            the icosahedron have five faces, the first of which stands twice.
        inverses: [V, 6, 3, 3] float32; `inverses[v, f] @ p` writes a direction p as a sum of the
            face's corners. All three numbers are positive inside the face.
    """

    corners: np.ndarray
    inverses: np.ndarray


@cache
def corner_table(level: int) -> CornerTable:
    """The table of a level; cached, read-only.

    Args:
        level: Level of the icosphere, 0 to 7.
    """
    grid = icosphere(level)
    order = np.argsort(grid.faces, axis=None, kind="stable")
    vertex, face = grid.faces.ravel()[order], order // 3
    first = np.searchsorted(vertex, np.arange(grid.num_vertices))
    count = np.diff(np.append(first, len(vertex)))
    slots = np.arange(6)
    slots = np.where(slots < count[:, None], slots, 0)
    corners = grid.faces[face[first[:, None] + slots]].astype(np.int32)
    inverses = np.linalg.inv(np.swapaxes(grid.vertices[corners], -1, -2)).astype(np.float32)
    corners.setflags(write=False)
    inverses.setflags(write=False)
    return CornerTable(corners, inverses)

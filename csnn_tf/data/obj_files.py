"""Wavefront files (.obj): a mesh, or a point cloud where there are no faces.

Of the many things that they may hold, only vertices and the corners of faces are looked at.
"""

from __future__ import annotations

import codecs
import re

import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.polygons import cut_polygons


def read_obj_mesh(content: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """Vertices [v, 3] and triangles [f, 3] of an OBJ file; no triangles for a point cloud.

    Polygons are cut into triangles.

    Raises:
        ValueError: there is no vertex, or a vertex or a face is malformed.
    """
    # A backslash ends a line that goes on in the next.
    content = re.sub(rb"\\\r?\n", b" ", content.removeprefix(codecs.BOM_UTF8))
    points: list[bytes] = []
    faces: list[bytes] = []
    seen = []  # how many vertices come before a face, for corners that are counted backwards
    for line in content.splitlines():
        kind = line.split(None, 1)[:1]
        if kind == [b"v"]:
            points.append(line)
        elif kind == [b"f"]:
            faces.append(line)
            seen.append(len(points))
    if not points:
        raise ValueError("it holds no vertex")
    vertices = np.loadtxt(points, usecols=(1, 2, 3), ndmin=2, encoding="latin-1")
    return vertices, _read_faces(vertices, faces, np.array(seen)) if faces else None


def _read_faces(
    vertices: NDArray[np.float64], faces: list[bytes], seen: NDArray[np.int64]
) -> NDArray[np.int64]:
    # Of a corner 7/2/5 the vertex comes first; what follows a # is a comment.
    rows = re.sub(rb"/\S*|#[^\n]*", b"", b"\n".join(faces)).split(b"\n")
    corners: list[int] = []
    lengths = []
    for row in rows:
        words = row.split()[1:]
        corners += map(int, words)
        lengths.append(len(words))
    numbers, counts = np.array(corners, dtype=np.int64), np.array(lengths)
    if (numbers == 0).any():
        raise ValueError("a face has the corner 0, and the first vertex is 1")
    before = np.repeat(seen, counts)
    numbers = np.where(numbers > 0, numbers - 1, numbers + before)
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(vertices):
        raise ValueError("it has a face with a vertex that is not there")
    return cut_polygons(vertices, numbers, counts)

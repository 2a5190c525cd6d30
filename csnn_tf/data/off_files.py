"""Meshes in the Object File Format (.off), as Princeton's ModelNet has them."""

from __future__ import annotations

import re
import warnings

import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.polygons import cut_polygons

# Some files of ModelNet have the counts glued to the keyword: `OFF490 518 0`.
_KEYWORD = re.compile(r"\s*(?:ST)?C?N?OFF(?![A-Z])", re.IGNORECASE)


def read_off_mesh(content: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices [v, 3] and triangles [f, 3] of an OFF file; polygons are cut.

    This takes less than half of the time that trimesh takes, which counts with the gigabytes of
    text of ModelNet40, and notices when lines are missing.

    Raises:
        ValueError: the text is no OFF file, or not all of one.
    """
    text = content.decode("utf-8-sig", errors="replace")
    if "#" in text:
        text = re.sub(r"#[^\n]*", "", text)
    keyword = _KEYWORD.match(text)
    if keyword is None:
        raise ValueError("it does not begin with OFF")
    lines = [line for line in text[keyword.end() :].splitlines() if line and not line.isspace()]
    if not lines:
        raise ValueError("it ends before the counts of vertices and faces")
    counts = lines[0].split()
    if len(counts) not in (2, 3) or not all(
        re.fullmatch(r"[0-9]{1,18}", count) for count in counts
    ):
        raise ValueError("the line of counts must be three whole numbers")
    num_vertices, num_faces = int(counts[0]), int(counts[1])
    if num_vertices + num_faces > len(lines) - 1:
        raise ValueError(
            f"it announces {num_vertices} vertices and {num_faces} faces "
            f"but only {len(lines) - 1} lines follow"
        )
    if num_vertices == 0:
        raise ValueError("it has no vertex")
    vertices = np.loadtxt(lines[1 : num_vertices + 1], usecols=(0, 1, 2), ndmin=2)
    faces = _read_faces(vertices, lines[num_vertices + 1 : num_vertices + num_faces + 1])
    return vertices, faces


def _read_faces(vertices: NDArray[np.float64], lines: list[str]) -> NDArray[np.int64]:
    if not lines:
        return np.zeros((0, 3), dtype=np.int64)
    size = 4 if lines[0].split()[0] == "4" else 3
    try:
        with (
            warnings.catch_warnings()
        ):  # NumPy still only warns of 1.5 where a whole number belongs
            warnings.filterwarnings("error", ".*integer via a float", DeprecationWarning)
            # What follows the corners, a colour, is not looked at.
            table = np.loadtxt(lines, usecols=range(size + 1), dtype=np.int64, ndmin=2)
    except (ValueError, DeprecationWarning):  # a face of two corners, or a broken one: look at each
        table = None
    if table is not None and (table[:, 0] == size).all():
        return cut_polygons(vertices, table[:, 1:].ravel(), table[:, 0])
    corners: list[int] = []
    lengths = []
    for line in lines:
        size, *words = line.split()
        words = words[: int(size)]
        if len(words) != int(size):
            raise ValueError(f"a face lacks corners: {line.strip()!r}")
        corners += map(int, words)
        lengths.append(len(words))
    return cut_polygons(vertices, np.array(corners, dtype=np.int64), np.array(lengths))

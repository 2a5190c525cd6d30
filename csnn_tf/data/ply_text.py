"""PLY files in the form of a text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.ply_header import PlyElement, PlyHeader, corners_of
from csnn_tf.data.polygons import cut_polygons

_CHARACTERS = b"0123456789+-.eE \t\r\nnaifNAIF"


def read_text_ply(header: PlyHeader, body: bytes) -> tuple[NDArray, NDArray | None]:
    """Vertices [v, 3] and triangles [f, 3] of a PLY text; no triangles for a point cloud.

    Polygons are cut into triangles.

    Args:
        header: What the file announces.
        body: What follows the header.

    Raises:
        ValueError: that is less than announced, or not a shape.
    """
    rows = [row for row in body.splitlines() if row and not row.isspace()]
    announced = sum(element.count for element in header.elements.values())
    if announced > len(rows):
        raise ValueError(f"its header announces {announced} lines and {len(rows)} follow")
    if strange := body.translate(None, delete=_CHARACTERS):
        raise ValueError(f"there are characters such as {strange[:1]!r} among its numbers")
    position, vertices, faces = 0, np.empty((0, 3)), None
    for name, element in header.elements.items():
        if not element.count:
            continue
        own = rows[position : position + element.count]
        position += element.count
        _places(element, own[-1].split())  # where a file is cut off
        if name == "vertex":
            vertices = _read_vertices(element, own)
        elif name == "face":
            faces = _read_corners(element, own)
    if not len(vertices):
        raise ValueError("it holds no vertex")
    return vertices, None if faces is None else cut_polygons(vertices, *faces)


def _read_vertices(element: PlyElement, rows: list[bytes]) -> NDArray[np.float64]:
    names = [each.name for each in element.properties]
    if lacking := [axis for axis in "xyz" if axis not in names]:
        raise ValueError(f"its vertices have no {lacking[0]}")
    columns = [names.index(axis) for axis in "xyz"]
    if any(each.length for each in element.properties[: max(columns)]):
        raise ValueError("its vertices have lists before their coordinates")
    return np.loadtxt(rows, usecols=columns, ndmin=2, encoding="ascii")


def _read_corners(element: PlyElement, rows: list[bytes]) -> tuple[NDArray, NDArray]:
    """The corners of all faces one after the other, and how many each has."""
    wanted = element.properties.index(corners_of(element))
    corners: list[int] = []
    lengths = []
    for row in rows:
        words = row.split()
        begin, end = _places(element, words)[wanted]
        corners += map(int, words[begin:end])
        lengths.append(end - begin)
    return np.array(corners, dtype=np.int64), np.array(lengths)


def _places(element: PlyElement, words: list[bytes]) -> list[tuple[int, int]]:
    """Between which words of a row each property has its values."""
    places, end = [], 0
    for each in element.properties:
        begin = end + bool(each.length)
        if begin > len(words):
            break
        end = begin + (int(words[begin - 1]) if each.length else 1)
        if not begin <= end <= len(words):
            break
        places.append((begin, end))
    if len(places) < len(element.properties):
        raise ValueError(f"the line {b' '.join(words).decode()!r} lacks values")
    return places

"""Binary PLY files, whose faces may have any numbers of corners.

trimesh takes the lists of all faces for as long as that of the first.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.ply_header import PlyElement, PlyHeader, PlyProperty, corners_of
from csnn_tf.data.polygons import cut_polygons


def read_binary_ply(header: PlyHeader, body: bytes) -> tuple[NDArray, NDArray | None]:
    """Vertices [v, 3] and triangles [f, 3] of a binary PLY file; no triangles for a point cloud.

    Polygons are cut into triangles.

    Args:
        header: What the file announces.
        body: What follows the header.

    Raises:
        ValueError: that is less or more than announced, or not a shape.
    """
    least = sum(
        each.count * sum(np.dtype(p.length or p.kind).itemsize for p in each.properties)
        for each in header.elements.values()
    )
    if least > len(body):
        raise ValueError(f"its header announces {least} bytes and {len(body)} follow")
    position, vertices, faces = 0, np.empty((0, 3)), None
    for name, element in header.elements.items():
        if not element.count:
            continue
        corners = corners_of(element) if name == "face" else None
        table = _read_table(header.order, body, position, element)
        if name == "vertex":
            if table is None:
                raise ValueError("its vertices have lists of different lengths")
            vertices = np.column_stack([_values(element, table, axis)[:, 0] for axis in "xyz"])
        if table is None:
            position, *polygons = _read_rows(header.order, body, position, element, corners)
        else:
            position += table.nbytes
            if corners is not None:
                values = _values(element, table, corners.name).astype(np.int64)
                polygons = values.ravel(), np.full(*values.shape)
        if corners is not None:
            faces = polygons
    if position != len(body):
        raise ValueError(f"its header announces {position} bytes and {len(body)} follow")
    if not len(vertices):
        raise ValueError("it holds no vertex")
    return vertices, None if faces is None else cut_polygons(vertices, *faces)


def _read_table(order: str, body: bytes, position: int, element: PlyElement) -> NDArray | None:
    """All rows [count] of an element at once if its lists are as long as those of the first.

    None if they are not.
    """
    fields, place = [], position
    for index, each in enumerate(element.properties):
        length = 1
        if each.length:
            length, place = _length(order, each, body, place)
            fields.append((f"length {index}", order + each.length))
        kind = np.dtype(order + each.kind)
        place += length * kind.itemsize
        _check_end(place, body)
        fields.append((f"values {index}", kind, (length,)))
    row, has_lists = np.dtype(fields), any(each.length for each in element.properties)
    end = position + element.count * row.itemsize
    if end > len(body) and has_lists:
        return None
    _check_end(end, body)
    rows = np.frombuffer(body, row, element.count, position)
    lengths = [rows[name] for name in row.names or () if name.startswith("length")]
    return None if any((each != each[0]).any() for each in lengths) else rows


def _values(element: PlyElement, rows: NDArray, name: str) -> NDArray:
    """Values [count, length] of a property in all rows."""
    names = [each.name for each in element.properties]
    if name not in names:
        raise ValueError(f"its rows have no {name}")
    return rows[f"values {names.index(name)}"]


def _read_rows(
    order: str, body: bytes, position: int, element: PlyElement, wanted: PlyProperty | None
) -> tuple[int, NDArray, NDArray]:
    """Where an element with lists ends; of the wanted one all values, and its length in each row.

    Raises:
        ValueError: the rows are cut off, or a length is negative.
    """
    values, lengths = [np.empty(0, np.int64)], []
    steps = [(each, np.dtype(order + each.kind)) for each in element.properties]
    for _ in range(element.count):
        for each, kind in steps:
            length = 1
            if each.length:
                length, position = _length(order, each, body, position)
            end = position + length * kind.itemsize
            _check_end(end, body)
            if each is wanted:
                values.append(np.frombuffer(body, kind, length, position))
                lengths.append(length)
            position = end
    return position, np.concatenate(values, dtype=np.int64, casting="unsafe"), np.array(lengths)


def _length(order: str, each: PlyProperty, body: bytes, position: int) -> tuple[int, int]:
    """Length of the list at a place, and where its values begin."""
    letter = {"1": "b", "2": "h", "4": "i", "8": "q"}[each.length[1]]
    form = order + (letter.upper() if each.length[0] == "u" else letter)
    begin = position + struct.calcsize(form)
    _check_end(begin, body)
    (length,) = struct.unpack_from(form, body, position)
    if length < 0:
        raise ValueError(f"it announces a list of {length} entries")
    return length, begin


def _check_end(end: int, body: bytes) -> None:
    if end > len(body):
        raise ValueError(f"it announces {end} bytes and more, and {len(body)} follow the header")

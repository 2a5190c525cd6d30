"""The header of a PLY file."""

from __future__ import annotations

import re
from typing import NamedTuple

_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
    **{"int64": "i8", "uint64": "u8", "float16": "f2"},
}
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_CORNERS = ("vertex_index", "vertex_indices")


class PlyProperty(NamedTuple):
    """One value of a row, or a list of them.

    Attributes:
        name: As the header has it.
        kind: NumPy's name of the value's type.
        length: NumPy's name of the type of a list's length; empty for a single value.
    """

    name: str
    kind: str
    length: str


class PlyElement(NamedTuple):
    """Rows of the same properties, such as all vertices.

    Attributes:
        count: Rows.
        properties: Of each row, in order.
    """

    count: int
    properties: list[PlyProperty]


class PlyHeader(NamedTuple):
    """What a PLY file says of its contents.

    Attributes:
        order: Byte order, `<` or `>`; empty for a text.
        elements: By name, in the order of the file.
    """

    order: str
    elements: dict[str, PlyElement]


def read_ply_header(content: bytes) -> tuple[PlyHeader, bytes]:
    """The header of a PLY file and what follows it.

    Raises:
        ValueError: it is not complete or has a line that is none of a header.
    """
    match = re.match(rb"ply\s(.*?)end_header[ \t]*\r?\n", content, re.DOTALL)
    if match is None:
        raise ValueError("it has no complete PLY header")
    order = None
    elements: dict[str, PlyElement] = {}
    for line in match[1].decode("ascii", errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["format"] and words[1:2] and words[1] in _FORMATS:
            order = _FORMATS[words[1]]
        elif words[:1] == ["element"] and len(words) == 3 and re.fullmatch("[0-9]{1,18}", words[2]):
            properties: list[PlyProperty] = []
            elements[words[1]] = PlyElement(int(words[2]), properties)
        elif words[:1] == ["property"] and elements:
            is_list = words[1:2] == ["list"]
            whole = len(words) == (5 if is_list else 3)
            length, kind = (words[2:4] if is_list else ("", words[1])) if whole else ("", "")
            known = kind in _TYPES and (not length or _TYPES.get(length, "f")[0] in "iu")
            if not known:
                raise ValueError(f"its header has a wrong line: {line.strip()!r}")
            properties.append(PlyProperty(words[-1], _TYPES[kind], _TYPES.get(length, "")))
        elif words[:1] not in ([], ["comment"], ["obj_info"]):
            raise ValueError(f"its header has a wrong line: {line.strip()!r}")
    if order is None:
        raise ValueError("its header names no format")
    if "tristrips" in elements and elements["tristrips"].count:
        raise ValueError("it has triangle strips: save it with faces in their place")
    return PlyHeader(order, elements), content[match.end() :]


def corners_of(face: PlyElement) -> PlyProperty:
    """The property of a face that lists its corners.

    Raises:
        ValueError: there is none, or there are several.
    """
    lists = [each for each in face.properties if each.length]
    named = [each for each in lists if each.name in _CORNERS] or lists
    if len(named) != 1 or named[0].kind[0] not in "iu":
        raise ValueError(f"its faces have no list of whole numbers {' or '.join(_CORNERS)}")
    return named[0]

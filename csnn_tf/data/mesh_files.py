"""Files that trimesh reads: .ply (a mesh or a point cloud), .obj, .stl.

trimesh takes what it can find; the checks here see to it that a file which announces more than it
holds, or is cut off, is refused and allocates nothing.
"""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
from numpy.typing import NDArray

_STL_HEADER, _STL_TRIANGLE = 84, 50
_PLY_SIZES = {
    **dict.fromkeys(("char", "uchar", "int8", "uint8"), 1),
    **dict.fromkeys(("short", "ushort", "int16", "uint16", "float16"), 2),
    **dict.fromkeys(("int", "uint", "int32", "uint32", "float", "float32"), 4),
    **dict.fromkeys(("int64", "uint64", "double", "float64"), 8),
}


def read_trimesh_file(content: bytes, kind: str) -> tuple[NDArray, NDArray | None]:
    """Vertices [v, 3] and triangles [f, 3] of a file's content; no triangles for a point cloud.

    Args:
        content: the whole file.
        kind: `ply`, `obj` or `stl`.

    Raises:
        ValueError: the content is cut off or is not of this kind. trimesh's parsers raise other
            exceptions too.
    """
    import trimesh

    num_faces = 0
    if kind == "ply":
        num_faces = _check_ply(content)
    elif kind == "stl":
        content = _check_stl(content)
    else:  # trimesh would guess the encoding of stray bytes; only comments have any
        content = content.decode("utf-8", errors="replace").encode()
    with warnings.catch_warnings():
        # NumPy still only warns where a number is malformed.
        warnings.filterwarnings("error", "string or file could not be read", DeprecationWarning)
        scene = trimesh.load_scene(
            io.BytesIO(content),
            file_type=kind,
            process=False,
            maintain_order=True,
            skip_materials=True,
        )
    parts = list(scene.geometry.values())
    surfaces = [part for part in parts if isinstance(part, trimesh.Trimesh)]
    if surfaces:
        starts = np.cumsum([0, *(len(part.vertices) for part in surfaces)])
        vertices = np.concatenate([np.asarray(part.vertices) for part in surfaces])
        faces = [part.faces + start for part, start in zip(surfaces, starts, strict=False)]
        faces = np.concatenate(faces)
        if len(faces) < num_faces:
            raise ValueError(f"it announces {num_faces} faces and holds only {len(faces)}")
        return vertices, faces
    clouds = [part for part in parts if isinstance(part, trimesh.PointCloud)]
    if not clouds:
        raise ValueError("it holds no vertex")
    if num_faces:
        raise ValueError(f"it announces {num_faces} faces and holds none")
    return np.concatenate([np.asarray(part.vertices) for part in clouds]), None


def _check_stl(content: bytes) -> bytes:
    """Refuses what is neither a binary STL file of the right length nor a complete text one.

    Returns the content, a text without the normals: nobody needs them, and some programs write
    there what is no number.
    """
    count = int.from_bytes(content[80:84], "little")
    if len(content) == _STL_HEADER + _STL_TRIANGLE * count and count > 0:
        return content
    if content.lstrip()[:5].lower() != b"solid":
        raise ValueError(f"it announces {count} triangles but has {len(content)} bytes")
    words = re.findall(rb"^\s*(facet|vertex|endfacet|endsolid)\b", content.lower(), re.MULTILINE)
    facets = words.count(b"facet")
    complete = words.count(b"endfacet") == facets and words.count(b"vertex") == 3 * facets
    if facets == 0 or not complete or words[-1] != b"endsolid":
        raise ValueError("it is cut off, or not the text of an STL file")
    return re.sub(rb"(?i)normal[^\r\n]*", b"", content)


def _check_ply(content: bytes) -> int:
    """Holds the header of a PLY file against what follows; returns the announced faces."""
    match = re.match(rb"ply\s(.*?)end_header[ \t]*\r?\n", content, re.DOTALL)
    if match is None:
        raise ValueError("it has no complete PLY header")
    is_text, elements = _ply_elements(match[1].decode("ascii", errors="replace"))
    body = content[match.end() :]
    if not is_text:
        least = sum(count * sum(map(abs, sizes)) for count, sizes in elements.values())
        if least > len(body):
            raise ValueError(f"its header announces {least} bytes and {len(body)} follow")
    else:
        rows = [row for row in body.splitlines() if row and not row.isspace()]
        announced = sum(count for count, _ in elements.values())
        if announced > len(rows):
            raise ValueError(f"its header announces {announced} lines and {len(rows)} follow")
        if strange := body.translate(None, delete=b"0123456789+-.eE \t\r\nnaifNAIF"):
            raise ValueError(f"there are characters such as {strange[:1]!r} among its numbers")
        last = [sizes for count, sizes in elements.values() if count]
        if last and not _is_whole_row(rows[announced - 1].split(), last[-1]):
            raise ValueError("its last line is cut off")
    return elements["face"][0] if "face" in elements else 0


def _ply_elements(header: str) -> tuple[bool, dict[str, tuple[int, list[int]]]]:
    """Whether the body is text; by element the rows and their least bytes by property.

    A list has the size of its length, the least that it can be, with a minus sign.
    """
    is_text, name = False, ""
    elements: dict[str, tuple[int, list[int]]] = {}
    for line in header.splitlines():
        words = line.split()
        if words[:1] == ["format"]:
            is_text = words[1:2] == ["ascii"]
        elif words[:1] == ["element"] and len(words) == 3 and re.fullmatch("[0-9]{1,18}", words[2]):
            name = words[1]
            elements[name] = (int(words[2]), [])
        elif words[:1] == ["property"] and elements:
            is_list = words[1:2] == ["list"]
            size = _PLY_SIZES.get(words[1 + is_list] if len(words) == 3 + 2 * is_list else "")
            if size is None:
                raise ValueError(f"its header has a wrong line: {line.strip()!r}")
            elements[name][1].append(-size if is_list else size)
        elif words[:1] not in ([], ["comment"], ["obj_info"]):
            raise ValueError(f"its header has a wrong line: {line.strip()!r}")
    return is_text, elements


def _is_whole_row(words: list[bytes], sizes: list[int]) -> bool:
    """Whether a line has all values of its element's properties."""
    position = 0
    for size in sizes:
        if position >= len(words):
            return False
        position += 1 + (int(words[position]) if size < 0 else 0)
    return position <= len(words)

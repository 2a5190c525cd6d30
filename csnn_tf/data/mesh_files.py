"""Files that trimesh reads: .ply (a mesh or a point cloud; the text form), .obj, .stl.

trimesh takes what it can find; the checks here see to it that a file which announces more than it
holds, or is cut off, is refused and allocates nothing.
"""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.ply_binary import read_binary_ply
from csnn_tf.data.ply_header import PlyElement, PlyHeader, read_ply_header

_STL_HEADER, _STL_TRIANGLE = 84, 50


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
        header, body = read_ply_header(content)
        if header.order:
            return read_binary_ply(header, body)
        _check_ply(header, body)
        num_faces = header.faces
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


def _check_ply(header: PlyHeader, body: bytes) -> None:
    """Holds the header of a PLY text against what follows."""
    rows = [row for row in body.splitlines() if row and not row.isspace()]
    announced = sum(element.count for element in header.elements.values())
    if announced > len(rows):
        raise ValueError(f"its header announces {announced} lines and {len(rows)} follow")
    if strange := body.translate(None, delete=b"0123456789+-.eE \t\r\nnaifNAIF"):
        raise ValueError(f"there are characters such as {strange[:1]!r} among its numbers")
    last = [element for element in header.elements.values() if element.count]
    if last and not _is_whole_row(rows[announced - 1].split(), last[-1]):
        raise ValueError("its last line is cut off")


def _is_whole_row(words: list[bytes], element: PlyElement) -> bool:
    """Whether a line has all values of its element's properties."""
    position = 0
    for each in element.properties:
        if position >= len(words):
            return False
        position += 1 + (int(words[position]) if each.length else 0)
    return position <= len(words)

"""Files that trimesh reads: .obj (a mesh or a point cloud), .stl.

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


def read_trimesh_file(content: bytes, kind: str) -> tuple[NDArray, NDArray | None]:
    """Vertices [v, 3] and triangles [f, 3] of a file's content; no triangles for a point cloud.

    Args:
        content: the whole file.
        kind: `obj` or `stl`.

    Raises:
        ValueError: the content is cut off or is not of this kind. trimesh's parsers raise other
            exceptions too.
    """
    import trimesh

    if kind == "stl":
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
        return vertices, faces
    clouds = [part for part in parts if isinstance(part, trimesh.PointCloud)]
    if not clouds:
        raise ValueError("it holds no vertex")
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

"""Meshes in .stl files, which trimesh reads.

trimesh takes what it can find; the checks here see to it that a file which announces more than it
holds, or is cut off, is refused and allocates nothing.
"""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
from numpy.typing import NDArray

_HEADER, _TRIANGLE = 84, 50


def read_stl_mesh(content: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices [v, 3] and triangles [f, 3] of an STL file, all its solids together.

    Raises:
        ValueError: the content is cut off or is no STL file. trimesh's parsers raise other
            exceptions too.
    """
    import trimesh

    content = _check_stl(content)
    with warnings.catch_warnings():
        # NumPy still only warns where a number is malformed.
        warnings.filterwarnings("error", "string or file could not be read", DeprecationWarning)
        scene = trimesh.load_scene(
            io.BytesIO(content), file_type="stl", process=False, maintain_order=True
        )
    solids = list(scene.geometry.values())
    starts = np.cumsum([0, *(len(solid.vertices) for solid in solids)])
    faces = [solid.faces + start for solid, start in zip(solids, starts, strict=False)]
    return np.concatenate([solid.vertices for solid in solids]), np.concatenate(faces)


def _check_stl(content: bytes) -> bytes:
    """Refuses what is neither a binary STL file of the right length nor a complete text one.

    Returns the content, a text without the normals: nobody needs them, and some programs write
    there what is no number.
    """
    count = int.from_bytes(content[80:84], "little")
    if len(content) == _HEADER + _TRIANGLE * count and count > 0:
        return content
    if content.lstrip()[:5].lower() != b"solid":
        raise ValueError(f"it announces {count} triangles but has {len(content)} bytes")
    words = re.findall(rb"^[ \t]*(facet|vertex|endfacet|endsolid)\b", content.lower(), re.MULTILINE)
    facets = words.count(b"facet")
    complete = words.count(b"endfacet") == facets and words.count(b"vertex") == 3 * facets
    if facets == 0 or not complete or words[-1] != b"endsolid":
        raise ValueError("it is cut off, or not the text of an STL file")
    return re.sub(rb"(?i)normal[^\r\n]*", b"", content)

"""A triangle mesh."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.data.coordinates import check_unmasked, float32_coordinates
from csnn_tf.errors import InputError


class Mesh(NamedTuple):
    """Vertices float32 [v, 3] and triangles int32 [f, 3], whose entries are rows of `vertices`."""

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]


def check_mesh(vertices: ArrayLike, faces: ArrayLike, name: str, centred: bool = False) -> Mesh:
    """Returns a mesh that has a surface to sample.

    Args:
        vertices: [v, 3], in the file's own units.
        faces: [f, 3] whole numbers from 0 to v - 1.
        name: what to call the mesh in messages.
        centred: whether only the shape counts, see `csnn_tf.data.coordinates`.

    Raises:
        InputError: a coordinate is not finite, a face names no vertex, there is no face, or all
            faces have no area.
    """
    check_unmasked(vertices, name)
    vertices, faces = np.asarray(vertices), np.asarray(faces)
    if vertices.dtype.kind not in "fiu" or vertices.ndim != 2 or vertices.shape[1:] != (3,):
        raise InputError(
            f"{name} must have vertices [v, 3], not {vertices.dtype} of shape {vertices.shape}."
        )
    if len(faces) == 0:
        raise InputError(f"{name} has no face; a mesh needs at least one triangle.")
    if faces.dtype.kind not in "iu" or faces.ndim != 2 or faces.shape[1] != 3:
        raise InputError(f"{name} must have faces [f, 3] of whole numbers.")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise InputError(f"{name} has a face with a vertex that is not there.")
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    vertices = float32_coordinates(vertices, centred=centred, used=used)  # infinite where too large
    if not np.isfinite(vertices).all():
        raise InputError(f"{name} has a coordinate that is not finite.")
    mesh = Mesh(vertices, faces.astype(np.int32, copy=False))
    if not _has_area(mesh):
        raise InputError(f"{name} has no area: all its triangles are degenerate.")
    return mesh


def face_areas(mesh: Mesh) -> NDArray[np.float64]:
    """Areas [f] of the triangles, in squared units of the vertices."""
    # Float64, in which the square of no finite float32 length over- or underflows.
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    edges = corners[:, 1:] - corners[:, :1]
    return 0.5 * np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)


def _has_area(mesh: Mesh) -> bool:
    # Nearly every mesh shows it in its first faces: do not compute the areas of all.
    return any(
        (face_areas(mesh._replace(faces=faces)) > 0).any()
        for faces in (mesh.faces[:64], mesh.faces[64:])
    )

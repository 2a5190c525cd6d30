"""Reads one shape from a file: a point cloud or a mesh."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from csnn_tf.checks import check_path
from csnn_tf.data.cloud_files import read_npy_cloud, read_npz_cloud, read_text_cloud
from csnn_tf.data.coordinates import float32_coordinates
from csnn_tf.data.mesh import Mesh, check_mesh
from csnn_tf.data.obj_files import read_obj_mesh
from csnn_tf.data.off_files import read_off_mesh
from csnn_tf.data.ply_binary import read_binary_ply
from csnn_tf.data.ply_header import read_ply_header
from csnn_tf.data.ply_text import read_text_ply
from csnn_tf.data.stl_files import read_stl_mesh
from csnn_tf.errors import InputError

MESH_SUFFIXES = (".off", ".obj", ".stl", ".ply")
CLOUD_SUFFIXES = (".npy", ".npz", ".txt", ".xyz", ".csv", ".ply")
SHAPE_SUFFIXES = tuple(dict.fromkeys(MESH_SUFFIXES + CLOUD_SUFFIXES))

# Coordinates, normals, colours and what else a scanner says of a point.
_MOST_COLUMNS = 16

_Result = TypeVar("_Result")


def read_shape(path: str | Path, *, centred: bool = False) -> NDArray[np.float32] | Mesh:
    """Reads a point cloud or a mesh, by the ending of the file's name.

    - `.off`, `.stl`: a mesh. Polygons are cut into triangles, concave ones too; nothing is merged
      or dropped.
    - `.ply`, `.obj`: a mesh, or a point cloud where the file has no faces.
    - `.npy`: numbers [n, 3 or more]; `.npz`: such an array called `points`, or the only one.
    - `.txt`, `.xyz`, `.csv`: a point a line, commas or blanks between the numbers; the first line
      may name the columns.

    Further columns of a point cloud, such as normals, are left out.

    Example:
        >>> np.save("/tmp/cloud.npy", np.zeros((5, 6)))
        >>> read_shape("/tmp/cloud.npy").shape
        (5, 3)

    Args:
        path: the file.
        centred: whether only the shape counts, see `csnn_tf.data.coordinates`.

    Returns:
        Points float32 [n, 3] in the file's own units, or a `Mesh`; moved to their centroid where
        float32 would not tell them apart (`csnn_tf.data.coordinates`).

    Raises:
        InputError: the file cannot be read as what its name says, holds no point, or holds a
            number that is not finite.
    """
    path = check_path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the files in it, as in {path}/*.")
    suffix = path.suffix.lower()
    if suffix not in SHAPE_SUFFIXES:
        raise InputError(f"{path} must end in one of {' '.join(SHAPE_SUFFIXES)}.")
    if suffix in MESH_SUFFIXES:
        vertices, faces = parse(path, lambda: _read_vertices_and_faces(path, suffix))
        return (
            check_points(path, vertices, centred)
            if faces is None
            else check_mesh(vertices, faces, str(path), centred)
        )
    read = {".npy": read_npy_cloud, ".npz": read_npz_cloud}.get(suffix, read_text_cloud)
    return check_points(path, parse(path, lambda: read(path)), centred)


def read_cloud(path: str | Path) -> NDArray[np.float32]:
    """Reads a point cloud, float32 [n, 3]; see `read_shape`. A mesh is an `InputError`."""
    shape = read_shape(path)
    if isinstance(shape, Mesh):
        raise InputError(f"{path} holds a mesh where a point cloud is expected.")
    return shape


def read_mesh(path: str | Path) -> Mesh:
    """Reads a mesh; see `read_shape`. A point cloud is an `InputError`."""
    shape = read_shape(path)
    if not isinstance(shape, Mesh):
        raise InputError(f"{path} holds a point cloud where a mesh is expected.")
    return shape


def parse(path: Path, read: Callable[[], _Result]) -> _Result:
    """Calls a parser; whatever it stumbles over becomes an `InputError` that names the file."""
    try:
        if path.stat().st_size == 0:
            raise ValueError("it is empty")
        return read()
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist.") from error
    except Exception as error:  # parsers of four packages, fed with anything
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise InputError(f"{path} is not a readable {path.suffix} file: {reason}.") from error


def check_points(path: Path, table: NDArray, centred: bool = False) -> NDArray[np.float32]:
    """The first three columns of a table [n, 3 or more], float32 and finite, at least one row."""
    if table.ndim != 2 or table.shape[1] < 3:
        raise InputError(f"{path} must have three coordinates a point, not shape {table.shape}.")
    if len(table) == 0:
        raise InputError(f"{path} holds no point.")
    if len(table) == 3 and table.shape[1] > _MOST_COLUMNS:
        raise InputError(f"{path} has the shape {table.shape}, not [points, 3]: transpose it.")
    points = float32_coordinates(table[:, :3], centred=centred)  # infinite where too large
    if not np.isfinite(points).all():
        raise InputError(f"{path} has a coordinate that is not finite.")
    return points


def _read_vertices_and_faces(path: Path, suffix: str) -> tuple[NDArray, NDArray | None]:
    content = path.read_bytes()
    if suffix == ".ply":
        header, body = read_ply_header(content)
        return (read_binary_ply if header.order else read_text_ply)(header, body)
    return {".off": read_off_mesh, ".obj": read_obj_mesh, ".stl": read_stl_mesh}[suffix](content)

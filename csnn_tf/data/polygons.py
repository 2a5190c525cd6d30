"""Cuts the polygons of a mesh into triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Point = tuple[float, float]

# A convex face's fan has no triangle that is turned over by more than this share of the area.
_TURNED = 1e-6
_FLAT = 1e-12
# Cutting ears takes time with the square of a polygon's corners: so many squares for a mesh, 7 s.
_MOST_SQUARES = 5000**2


def cut_polygons(
    vertices: NDArray, corners: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Triangles [f, 3] that cover polygons, n - 2 for n corners, in the order of the polygons.

    A polygon is cut into a fan from its first corner, unless triangles of the fan are turned over:
    a concave one loses one ear after the other. Its corners count as if they were in a plane. One
    that crosses itself has no right triangles; it gets some. Fans stay where the squares of the
    numbers of concave polygons' corners sum up to more than 5000². A corner that names no vertex is
    not looked into here.

    Args:
        vertices: [v, 3].
        corners: rows of `vertices`, those of all polygons one after the other.
        lengths: how many of them each polygon has; up to two make no triangle.

    Raises:
        ValueError: a polygon has no corner.
    """
    if (lengths < 1).any():
        raise ValueError(f"face {int(lengths.argmin())} has no corner")
    triangles = np.maximum(lengths - 2, 0)
    begins, places = np.cumsum(lengths) - lengths, np.cumsum(triangles) - triangles
    first = np.repeat(begins, triangles)
    step = np.arange(len(first)) - np.repeat(places, triangles)
    faces = corners[np.stack([first, first + step + 1, first + step + 2], axis=1)]
    if (lengths <= 3).all() or corners.min() < 0 or corners.max() >= len(vertices):
        return faces
    several = np.flatnonzero(lengths > 3)
    large = np.repeat(lengths > 3, triangles)
    with np.errstate(over="ignore", invalid="ignore"):  # such coordinates are refused later
        normals = _normals(vertices, faces[large])
        starts = np.cumsum(triangles[several]) - triangles[several]
        totals = np.add.reduceat(normals, starts)  # twice the polygons' areas, along their normals
        along = np.einsum("fi,fi->f", normals, np.repeat(totals, triangles[several], axis=0))
        turned = np.minimum.reduceat(along, starts) < -_TURNED * (totals**2).sum(axis=1)
    squares = 0
    for polygon, normal in zip(several[turned], totals[turned], strict=True):
        squares += int(lengths[polygon]) ** 2
        if squares > _MOST_SQUARES:
            break
        own = corners[begins[polygon] : begins[polygon] + lengths[polygon]]
        cut = own[_cut_ears(_in_plane(vertices[own], normal))]
        faces[places[polygon] : places[polygon] + len(cut)] = cut
    return faces


def _normals(vertices: NDArray, faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Normals [f, 3] of triangles, twice as long as their areas."""
    origin = vertices[faces[:, 0]].astype(np.float64)
    return np.cross(vertices[faces[:, 1]] - origin, vertices[faces[:, 2]] - origin)


def _in_plane(points: NDArray, normal: NDArray[np.float64]) -> list[_Point]:
    """The points along the axis that a normal is nearest to, counterclockwise, of area about 1."""
    axis = int(np.abs(normal).argmax())
    kept = [(axis + 1) % 3, (axis + 2) % 3]
    if normal[axis] < 0:
        kept.reverse()
    flat = (points - points[0].astype(np.float64))[:, kept] / np.sqrt(abs(normal[axis]) / 2)
    return [(x, y) for x, y in flat.tolist()]


def _cut_ears(points: list[_Point]) -> list[tuple[int, int, int]]:
    """Triangles, n - 2, of a polygon in the plane that goes round counterclockwise."""
    ring = list(range(len(points)))
    triangles, at, missed = [], 0, 0
    while len(ring) > 3 and missed < len(ring):
        at %= len(ring)
        if _is_ear(points, ring, at):
            triangles.append((ring[at - 1], ring[at], ring[(at + 1) % len(ring)]))
            del ring[at]
            at, missed = at - 1, 0  # the corner before may be an ear now
        else:
            at, missed = at + 1, missed + 1
    # What is left where no corner is an ear crosses itself.
    return triangles + [(ring[0], *ring[i : i + 2]) for i in range(1, len(ring) - 1)]


def _is_ear(points: list[_Point], ring: list[int], at: int) -> bool:
    """Whether a corner can be cut off: what is cut is flat, or inside with no corner in it."""
    a, b, c = points[ring[at - 1]], points[ring[at]], points[ring[(at + 1) % len(ring)]]
    area = _area(a, b, c)
    if area <= _FLAT:
        return area >= -_FLAT
    return not any(
        _area(a, b, p) >= 0 and _area(b, c, p) >= 0 and _area(c, a, p) >= 0
        for p in (points[corner] for corner in ring)
        if p not in (a, b, c)
    )


def _area(a: _Point, b: _Point, c: _Point) -> float:
    """Twice the area of a triangle, negative if it goes round clockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

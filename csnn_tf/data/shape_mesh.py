"""Triangle meshes of simple solids, and points drawn on them.

A mesh is one float64 array [T, 3, 3]: T triangles, three corners, three coordinates, +y up. Meshes
are joined by `np.concatenate`. Faces that lie inside another part are kept, as in most CAD
collections. Triangles of no area (at the tip of a cone, say) do no harm: no point falls on them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Triangles = NDArray[np.float64]

_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_QUADS = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)
_UNIT_BOX = _CORNERS[np.concatenate([_QUADS[:, [0, 1, 2]], _QUADS[:, [0, 2, 3]]])]


def sheet(points: NDArray) -> Triangles:
    """Triangulates a grid of points.

    Args:
        points: [m, n, 3], neighbours in the grid are neighbours on the surface.

    Returns:
        [2 (m - 1) (n - 1), 3, 3].
    """
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    halves = np.stack([np.stack([a, b, c], axis=-2), np.stack([a, c, d], axis=-2)])
    return halves.reshape(-1, 3, 3)


def fan(ring: NDArray, apex: ArrayLike | None = None) -> Triangles:
    """Fills a closed ring [n, 3] with triangles to `apex`, by default the mean of its points."""
    centre = ring.mean(axis=0) if apex is None else np.asarray(apex, dtype=np.float64)
    return np.stack([ring, np.roll(ring, -1, axis=0), np.broadcast_to(centre, ring.shape)], axis=1)


def loft(rings: ArrayLike, caps: bool = True) -> Triangles:
    """Joins successive closed rings of points by a skin.

    Args:
        rings: [m, n, 3], m rings of n points each.
        caps: whether the first and the last ring are filled.

    Returns:
        [T, 3, 3].
    """
    rings = np.asarray(rings, dtype=np.float64)
    skin = sheet(np.concatenate([rings, rings[:, :1]], axis=1))
    return np.concatenate([skin, fan(rings[0]), fan(rings[-1])]) if caps else skin


def box(centre: ArrayLike, size: ArrayLike) -> Triangles:
    """Boxes along the axes; `centre` and `size` are [3] each, or [K, 3] for K boxes at once."""
    centre, size = np.atleast_2d(centre), np.atleast_2d(size)
    return (_UNIT_BOX * size[:, None, None] + centre[:, None, None]).reshape(-1, 3, 3)


def lathe(profile: ArrayLike, segments: int = 32) -> Triangles:
    """Turns a profile of (radius, height) pairs [m, 2] about the y axis."""
    radius, height = np.asarray(profile, dtype=np.float64).T
    angle = 2 * np.pi * np.arange(segments) / segments
    rings = np.empty((len(radius), segments, 3))
    rings[..., 0] = radius[:, None] * np.cos(angle)
    rings[..., 1] = height[:, None]
    rings[..., 2] = radius[:, None] * np.sin(angle)
    return loft(rings, caps=False)


def cylinder(
    radius: float,
    bottom: float,
    top: float,
    top_radius: float | None = None,
    caps: bool = True,
    segments: int = 32,
) -> Triangles:
    """A cylinder about the y axis, or a cone's frustum where `top_radius` differs."""
    end = radius if top_radius is None else top_radius
    wall = [(radius, bottom), (end, top)]
    return lathe([(0, bottom), *wall, (0, top)] if caps else wall, segments)


def tube(
    curve: ArrayLike,
    radius: ArrayLike,
    sides: int = 10,
    normal: ArrayLike = (0, 0, 1),
    closed: bool = False,
    caps: bool = True,
) -> Triangles:
    """A round (or, with few sides, prismatic) tube along a curve.

    Args:
        curve: [m, 3], the points of the centre line.
        radius: one number, or [m].
        sides: corners of the cross-section.
        normal: a direction that the curve never runs along; a plane curve's normal fits.
        closed: whether the last point is joined to the first.
        caps: whether the ends of an open tube are filled.

    Returns:
        [T, 3, 3].
    """
    curve = np.asarray(curve, dtype=np.float64)
    if closed:
        tangent = np.roll(curve, -1, axis=0) - np.roll(curve, 1, axis=0)
    else:
        tangent = np.gradient(curve, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    first = np.asarray(normal) - (tangent @ np.asarray(normal))[:, None] * tangent
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(tangent, first)
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    section = np.cos(angle)[:, None] * first[:, None] + np.sin(angle)[:, None] * second[:, None]
    rings = curve[:, None] + np.broadcast_to(radius, len(curve))[:, None, None] * section
    if closed:
        return loft(np.concatenate([rings, rings[:1]]), caps=False)
    return loft(rings, caps)


def strut(
    start: ArrayLike,
    end: ArrayLike,
    radius: float,
    end_radius: float | None = None,
    sides: int = 8,
) -> Triangles:
    """A straight bar between two points; four sides make it square."""
    line = np.array([start, end], dtype=np.float64)
    normal = np.eye(3)[np.argmin(np.abs(line[1] - line[0]))]
    return tube(line, [radius, radius if end_radius is None else end_radius], sides, normal)


def torus(radius: float, thickness: float, height: float = 0.0, sides: int = 10) -> Triangles:
    """A ring about the y axis at `height`; `thickness` is the radius of its tube."""
    curve = on_circle(40, radius, height)
    return tube(curve, thickness, sides, normal=(0, 1, 0), closed=True)


def on_circle(count: int, radius: float, height: float = 0.0, phase: float = 0.0) -> NDArray:
    """`count` points [count, 3] evenly on a horizontal circle about the y axis."""
    angle = phase + 2 * np.pi * np.arange(count) / count
    return np.stack(
        [radius * np.cos(angle), np.full(count, height), radius * np.sin(angle)], axis=1
    )


def rectangle(width: float, depth: float, per_side: int = 6) -> NDArray:
    """The outline [4 per_side, 2] of a rectangle about the origin, corners included."""
    step = np.arange(per_side) / per_side - 0.5
    half = np.full(per_side, 0.5)
    sides = [(step, -half), (half, step), (-step, half), (-half, -step)]
    return np.concatenate([np.stack(side, axis=1) for side in sides]) * (width, depth)


def round_hole(outline: NDArray, radius: float, centre: ArrayLike = (0, 0)) -> NDArray:
    """A circle [n, 2] inside an outline [n, 2], its points towards those of the outline."""
    spoke = outline - np.asarray(centre, dtype=np.float64)
    return centre + radius * spoke / np.linalg.norm(spoke, axis=1, keepdims=True)


def plate(
    outline: NDArray,
    bottom: float,
    top: float,
    hole: NDArray | None = None,
    rim: bool = True,
) -> Triangles:
    """A flat plate: an outline in the xz plane, extruded from `bottom` to `top`.

    Args:
        outline: [n, 2], star-shaped about the mean of its points.
        bottom: Height of the lower face.
        top: Height of the upper face.
        hole: [n, 2], its points paired with those of the outline, or None.
        rim: whether the outer wall is there.

    Returns:
        [T, 3, 3].
    """

    def at(ring: NDArray, height: float) -> NDArray:
        return np.stack([ring[:, 0], np.full(len(ring), height), ring[:, 1]], axis=1)

    low, high = at(outline, bottom), at(outline, top)
    parts = [loft([low, high], caps=False)] if rim else []
    if hole is None:
        return np.concatenate([*parts, fan(low), fan(high)])
    low_hole, high_hole = at(hole, bottom), at(hole, top)
    return np.concatenate([*parts, loft([low, low_hole, high_hole, high], caps=False)])


def rotation(axis: int, angle: float) -> NDArray:
    """The matrix [3, 3] of a right-handed turn about axis 0, 1 or 2 by `angle` (radians)."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
    return matrix


def move(
    mesh: Triangles, turn: NDArray | None = None, offset: ArrayLike = (0.0, 0.0, 0.0)
) -> Triangles:
    """Multiplies every corner by the matrix `turn`, then adds `offset`."""
    return (mesh if turn is None else mesh @ turn.T) + np.asarray(offset)


def repeat_around(mesh: Triangles, count: int, phase: float = 0.0) -> Triangles:
    """`count` copies of a mesh, turned evenly about the y axis."""
    turns = [rotation(1, phase + 2 * np.pi * k / count) for k in range(count)]
    return np.concatenate([move(mesh, turn) for turn in turns])


def sample_surface(mesh: Triangles, num_points: int, rng: np.random.Generator) -> NDArray:
    """Points drawn uniformly by area on a mesh, in random order.

    Every point picks its triangle with probability area / total area, so the number of points on a
    part is multinomial by area.

    Args:
        mesh: [T, 3, 3].
        num_points: Number of points N.
        rng: Source of the 3 N uniform numbers.

    Returns:
        float64 [N, 3].
    """
    corner, edge, other = mesh[:, 0], mesh[:, 1] - mesh[:, 0], mesh[:, 2] - mesh[:, 0]
    area = np.linalg.norm(np.cross(edge, other), axis=1)
    total = np.cumsum(area)
    pick, along, across = rng.random((num_points, 3)).T
    chosen = np.searchsorted(total, pick * total[-1], side="right")
    chosen = np.minimum(chosen, len(mesh) - 1)
    fold = along + across > 1  # the far half of the parallelogram, folded back on the triangle
    along, across = np.where(fold, 1 - along, along), np.where(fold, 1 - across, across)
    return corner[chosen] + along[:, None] * edge[chosen] + across[:, None] * other[chosen]

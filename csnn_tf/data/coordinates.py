"""Coordinates as float32 that still tell points apart, wherever they lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from csnn_tf.errors import InputError

# Extents that a cloud may lie from the origin: farther on, float32 goes in steps of a ten
# thousandth of it or more.
_FARTHEST = 1e-4 / float(np.finfo(np.float32).eps)
# The same where the place does not count: what is at the origin, or stands on it, does not move.
_FARTHEST_CENTRED = 1.5
# Largest coordinate below which float32, and what computes with it, runs out of small numbers.
_SMALLEST = 1e-30


def float32_coordinates(
    points: NDArray, *, centred: bool = False, used: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Coordinates as float32; clouds that its steps would spoil are moved to their centroid first.

    Coordinates of surveys (UTM, say) are millions of metres, where float32 goes in steps of half a
    metre: a cloud keeps its shape, which is what counts, and loses its place.

    Args:
        points: numbers [..., points, 3]; each cloud is looked at by itself. Numbers that are
            float32 already stay as they are.
        centred: Whether only the shape counts, as for models that move clouds to their centroid:
            clouds are moved then as soon as they would lose digits.
        used: [points] which ones say where a shape lies if all of them do not seem far: a vertex at
            the origin that no face uses makes a mesh far off seem as large as its distance.

    Returns:
        [..., points, 3]; infinite where a number is too large for float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if points.dtype.kind != "f" or points.dtype.itemsize > 4:
            farthest = _FARTHEST_CENTRED if centred else _FARTHEST
            seen, far = points, _far(points, farthest)
            if used is not None and not (used.all() or far.any()):
                seen = points[..., used, :]
                far = _far(seen, farthest)
            if far.any():
                centroid = seen.mean(axis=-2, keepdims=True, dtype=np.float64)
                points = points.astype(np.float64)
                points -= np.where(far[..., None, None], centroid, 0)
        return np.ascontiguousarray(points, dtype=np.float32)


def enlarged(points: NDArray) -> NDArray:
    """Clouds [..., points, 3] whose coordinates are too small for float32 divided by the largest.

    For what takes clouds of any length unit.
    """
    largest = np.abs(points).max(axis=(-2, -1), keepdims=True, initial=0).astype(np.float64)
    tiny = (largest > 0) & (largest < _SMALLEST)
    return points / np.where(tiny, largest, 1) if tiny.any() else points


def check_unmasked(points: object, name: str) -> None:
    """Raise `InputError` for an array with masked numbers, which others would take for numbers."""
    if np.ma.is_masked(points):
        raise InputError(
            f"{name} has masked coordinates: give the points that count, without the others."
        )


def _far(points: NDArray, farthest: float) -> NDArray[np.bool_]:
    """Which clouds lie farther from the origin than so many of their extents."""
    low, high = (f(points, axis=-2).astype(np.float64) for f in (np.min, np.max))
    extent = (high - low).max(axis=-1)
    return (np.maximum(-low, high).max(axis=-1) > farthest * extent) & (extent > 0)

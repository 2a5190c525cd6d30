"""Coordinates as float32 that still tell points apart, wherever they lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Share of a cloud's extent that float32's steps at its place may have.
_LARGEST_STEP = 1e-4


def float32_coordinates(points: NDArray) -> NDArray[np.float32]:
    """Coordinates as float32; clouds that its steps would spoil are moved to their centroid first.

    Coordinates of surveys (UTM, say) are millions of metres, where float32 goes in steps of half a
    metre: a cloud keeps its shape, which is what counts, and loses its place.

    Args:
        points: numbers [..., points, 3]; each cloud is looked at by itself. Numbers that are
            float32 already stay as they are.

    Returns:
        [..., points, 3]; infinite where a number is too large for float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if points.dtype.kind != "f" or points.dtype.itemsize > 4:
            low, high = (f(points, axis=-2).astype(np.float64) for f in (np.min, np.max))
            extent = (high - low).max(axis=-1)
            step = np.maximum(-low, high).max(axis=-1) * np.finfo(np.float32).eps
            far = (step > _LARGEST_STEP * extent) & (extent > 0)
            if far.any():
                points = points.astype(np.float64)
                centroid = points.mean(axis=-2, keepdims=True)
                points -= np.where(far[..., None, None], centroid, 0)
        return np.ascontiguousarray(points, dtype=np.float32)

"""Neighbour lists under any periodic boundaries: the one place that knows the engine (vesin)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.checks import check_array, check_number
from csnn_tf.errors import InputError

#: Atoms nearer than this count as being at the same place, Å.
SAME_PLACE = 0.01
_MAX_IMAGES = 100_000
_MAX_NEIGHBORS = 1_000  # an atom; diamond has 250 within 7 Å
_MAX_DENSITY = 2.0  # atoms/Å^3, where there are so many; diamond has 0.18
_MAX_CUTOFF = 100.0  # Å, with periodic boundaries: beyond, the engine searches for hours
_MAX_EXTENT = 50_000  # in cutoffs; the engine's cell list overflows far above


def neighbor_list(
    positions: ArrayLike, cell: ArrayLike | None, pbc: ArrayLike, cutoff: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """All pairs of atoms within a cutoff, each in both directions, periodic images included.

    Cells may be skewed and smaller than the cutoff: an atom is then its own neighbour through its
    images. Cost and memory grow linearly with the number of atoms. The result depends on the input
    alone, not on threads.

    Args:
        positions: [N, 3], Å; atoms may lie outside the cell.
        cell: [3, 3], Å, one lattice vector a row; rows of directions that are not periodic are
            ignored. None without periodic boundaries.
        pbc: Whether each lattice vector is periodic, one bool or three.
        cutoff: Å.

    Returns:
        Centre atom [pairs] (ascending), neighbour atom [pairs], and displacement [pairs, 3] in Å
        from the centre to that image of the neighbour.

    Raises:
        InputError: No atoms, positions that are not finite, two atoms at the same place, periodic
            boundaries without a cell, far too many images of it or neighbours inside the cutoff,
            or a cutoff above 100 Å with periodic boundaries; or what is no number.

    Example:
        >>> centre, neighbour, displacement = neighbor_list(
        ...     [[0.0, 0.0, 0.0]], [[2.5, 0, 0], [0, 9, 0], [0, 0, 9]], (True, False, False), 3.0)
        >>> displacement[:, 0].tolist()
        [-2.5, 2.5]
    """
    from vesin import NeighborList

    positions, periodic, cutoff = _check_atoms(positions, pbc, cutoff)
    box = _complete_cell(cell, periodic)
    _check_size(positions, box, periodic, cutoff)
    if not periodic.any():  # no pair is further apart than the structure is wide
        cutoff = min(cutoff, 1 + float(np.linalg.norm(np.ptp(positions, axis=0))))
    # Along directions that are not periodic the engine would compare all atoms with all.
    extents = np.ptp(positions @ box[~periodic].T, axis=0) + 1.1 * cutoff
    box[~periodic] *= extents[:, None]
    _check_density(len(positions), box, cutoff)
    engine = NeighborList(cutoff=cutoff, full_list=True, sorted=True, n_threads=1)
    centre, neighbour, displacement = engine.compute(
        points=positions, box=box, periodic=np.ones(3, bool), quantities="ijD"
    )
    squared = np.einsum("px,px->p", displacement, displacement)
    if squared.size and squared.min() < SAME_PLACE**2:
        pair = int(squared.argmin())
        raise InputError(
            f"atoms {int(centre[pair])} and {int(neighbour[pair])} are at the same place "
            f"({np.sqrt(squared[pair]):.3g} Å apart); expected at least {SAME_PLACE} Å."
        )
    return centre.astype(np.int64), neighbour.astype(np.int64), displacement


def check_cell(cell: ArrayLike | None, pbc: ArrayLike) -> None:
    """Check that the periodic lattice vectors exist and are independent.

    Raises:
        InputError: They do not or are not.
    """
    _complete_cell(cell, np.broadcast_to(np.asarray(pbc, bool), 3))


def _check_atoms(
    positions: ArrayLike, pbc: ArrayLike, cutoff: float
) -> tuple[NDArray, NDArray, float]:
    positions = check_array("positions", positions)
    if positions.size == 0:
        raise InputError("the structure has no atoms.")
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise InputError(f"positions has shape {positions.shape}; expected [atoms, 3].")
    finite = np.isfinite(positions).all(axis=1)
    if not finite.all():
        raise InputError(f"the position of atom {int(finite.argmin())} is not a finite number.")
    pbc = np.asarray(pbc, bool)
    if pbc.shape not in ((), (3,)):
        raise InputError(f"pbc has shape {pbc.shape}; expected one bool or three.")
    cutoff = check_number("cutoff", cutoff)
    if cutoff <= 0:
        raise InputError(f"cutoff is {cutoff:g}; expected a positive distance in Å.")
    return positions, np.broadcast_to(pbc, 3), cutoff


def _complete_cell(cell: ArrayLike | None, periodic: NDArray) -> NDArray:
    """The cell with rows of directions that are not periodic replaced by unit normals."""
    if not periodic.any():
        return np.eye(3)
    box = np.zeros((3, 3)) if cell is None else check_array("cell", cell)
    if box.shape != (3, 3) or not np.isfinite(box).all():
        raise InputError(f"cell must be a [3, 3] array of finite numbers, not shape {box.shape}.")
    _, sizes, directions = np.linalg.svd(box[periodic])
    if sizes.min() <= 1e-6 * max(sizes.max(), 1e-6):
        raise InputError(
            "the cell is missing or has zero volume, which periodic boundaries need "
            f"(periodic directions: {np.flatnonzero(periodic).tolist()})."
        )
    box[~periodic] = directions[len(sizes) :]
    return box


def _check_size(positions: NDArray, box: NDArray, periodic: NDArray, cutoff: float) -> None:
    """Stop before the engine would fill memory or overflow."""
    if periodic.any() and cutoff > _MAX_CUTOFF:
        raise InputError(
            f"the cutoff is {cutoff:g} Å; at most {_MAX_CUTOFF:g} Å are searched in a crystal."
        )
    heights = 1 / np.linalg.norm(np.linalg.inv(box), axis=0)
    images = np.prod(np.where(periodic, 2 * np.ceil(cutoff / heights) + 1, 1))
    if images > _MAX_IMAGES:
        raise InputError(
            f"the cell has {images:.0f} periodic images within the cutoff of {cutoff:g} Å; "
            "is it given in Å?"
        )
    extent = max(np.ptp(positions, axis=0).max(), np.linalg.norm(box, axis=1).max())
    if extent > _MAX_EXTENT * cutoff:
        raise InputError(
            f"atoms or cell span {extent:.3g} Å, over {_MAX_EXTENT} times the cutoff of "
            f"{cutoff:g} Å; are they given in Å?"
        )


def _check_density(atoms: int, box: NDArray, cutoff: float) -> None:
    density = atoms / abs(np.linalg.det(box))
    neighbors = density * 4 / 3 * np.pi * cutoff**3
    if neighbors > _MAX_NEIGHBORS and density > _MAX_DENSITY:
        raise InputError(
            f"atoms have about {neighbors:.0f} neighbours within the cutoff of {cutoff:g} Å; "
            "is the structure given in Å?"
        )

"""Fullerene cages from face spirals."""

from __future__ import annotations

import itertools
from collections import deque

import numpy as np
from numpy.typing import NDArray

#: Places of the 12 pentagons in the face spiral (Fowler and Manolopoulos, Atlas of Fullerenes).
C20_SPIRAL = tuple(range(1, 13))
#: C40, isomer 38, D2: the one of lowest LCBOP energy.
C40_SPIRAL = (1, 2, 4, 7, 9, 11, 13, 15, 17, 19, 20, 22)


def fullerene(pentagons: tuple[int, ...], atoms: int, bond: float = 1.44) -> NDArray[np.float64]:
    """Positions of a fullerene's atoms, to be relaxed by a force field.

    Args:
        pentagons: Places of the pentagons in the face spiral, counted from 1.
        atoms: Number of atoms.
        bond: Target bond length, Å.

    Returns:
        [atoms, 3], Å.

    Raises:
        ValueError: The spiral does not close to a fullerene of so many atoms.
    """
    faces = _wind_spiral([5 if n in pentagons else 6 for n in range(1, atoms // 2 + 3)])
    bonds = _bond_matrix(faces, atoms)
    return _relax_springs(_spectral_layout(bonds), bonds, bond)


def _wind_spiral(sizes: list[int]) -> list[set[int]]:
    """Neighbours of every face when faces of these sizes are wound up one after the other.

    The rim of the patch is a queue of (face, edges still free). Each new face shares an edge with
    the rim's newest and oldest face; a rim face without free edges left is enclosed and goes, and
    the new face then touches the one behind it.
    """
    neighbors: list[set[int]] = [set() for _ in sizes]

    def touch(face: int, rim_entry: list[int]) -> None:
        neighbors[face].add(rim_entry[0])
        neighbors[rim_entry[0]].add(face)
        rim_entry[1] -= 1

    rim = deque([[0, sizes[0]]])
    first = [1, sizes[1] - 1]
    touch(1, rim[0])
    rim.append(first)
    for face in range(2, len(sizes) - 1):
        used = 2
        touch(face, rim[-1])
        touch(face, rim[0])
        for oldest in (True, False):
            while rim and rim[0 if oldest else -1][1] == 0:
                if oldest:
                    rim.popleft()
                else:
                    rim.pop()
                following = rim[0 if oldest else -1] if rim else None
                if following is None or following[0] in neighbors[face]:
                    raise ValueError("the face spiral closes too early")
                touch(face, following)
                used += 1
        if used >= sizes[face]:
            raise ValueError("the face spiral closes too early")
        rim.append([face, sizes[face] - used])
    last = len(sizes) - 1
    if len(rim) != sizes[last] or any(free != 1 for _, free in rim):
        raise ValueError("the face spiral does not close")
    for entry in rim:
        touch(last, entry)
    return neighbors


def _bond_matrix(faces: list[set[int]], atoms: int) -> NDArray[np.bool_]:
    """Atoms sit where three faces meet; atoms that share two faces are bonded. [atoms, atoms]."""
    corners = sorted(
        {
            tuple(sorted((a, b, c)))
            for a, around in enumerate(faces)
            for b in around
            for c in around & faces[b]
        }
    )
    if len(corners) != atoms:
        raise ValueError(f"the face spiral has {len(corners)} corners, expected {atoms}")
    by_edge: dict[tuple[int, int], list[int]] = {}
    for atom, corner in enumerate(corners):
        for edge in itertools.combinations(corner, 2):
            by_edge.setdefault(edge, []).append(atom)
    bonds = np.zeros((atoms, atoms), bool)
    for a, b in by_edge.values():
        bonds[a, b] = bonds[b, a] = True
    return bonds


def _spectral_layout(bonds: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Coordinates from the three eigenvectors below the top one of the bond matrix (a sphere)."""
    values, vectors = np.linalg.eigh(bonds.astype(float))
    chosen = [-2, -3, -4]
    return vectors[:, chosen] / np.sqrt(np.maximum(values[-1] - values[chosen], 1e-6))


def _relax_springs(
    layout: NDArray[np.float64], bonds: NDArray[np.bool_], bond: float
) -> NDArray[np.float64]:
    """Springs between bonded and second neighbours, repulsion between the others."""
    from scipy.optimize import minimize

    second = (bonds.astype(int) @ bonds > 0) & ~bonds & ~np.eye(len(bonds), dtype=bool)
    first, across = np.argwhere(np.triu(bonds)), np.argwhere(np.triu(second))
    far = np.argwhere(np.triu(~bonds & ~second, 1))
    springs = [(first, bond, 10.0), (across, 1.7 * bond, 2.0), (far, 2.2 * bond, 1.0)]
    length = np.linalg.norm(layout[first[:, 0]] - layout[first[:, 1]], axis=1).mean()

    def energy(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        positions = flat.reshape(-1, 3)
        gradient = np.zeros_like(positions)
        total = 0.0
        for pairs, rest, stiffness in springs:
            between = positions[pairs[:, 0]] - positions[pairs[:, 1]]
            distance = np.linalg.norm(between, axis=1)
            stretch = distance - rest
            if pairs is far:  # only pushes
                stretch = np.minimum(stretch, 0)
            total += stiffness * (stretch**2).sum()
            pull = (2 * stiffness * stretch / distance)[:, None] * between
            np.add.at(gradient, pairs[:, 0], pull)
            np.add.at(gradient, pairs[:, 1], -pull)
        return total, gradient.ravel()

    start = (layout * (bond / length)).ravel()
    result = minimize(energy, start, jac=True, method="L-BFGS-B", options={"maxiter": 3000})
    return result.x.reshape(-1, 3)

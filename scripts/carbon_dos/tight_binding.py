"""Non-self-consistent tight binding of carbon with a Slater-Koster table, at k-points."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from ase.units import Bohr, Hartree
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import eigh

from csnn_tf.data.atoms import neighbor_list

#: Where Debian's package cp2k-data puts the C-C table.
DEFAULT_TABLE = "/usr/share/cp2k/DFTB/scc/cc.spl"
_ORBITALS = 4  # s, px, py, pz
_PP_SIGMA, _PP_PI, _SP_SIGMA, _SS_SIGMA = 5, 6, 8, 9  # columns of the table; overlaps 10 further


class TightBinding:
    """Two-centre, non-orthogonal tight binding with one s and three p orbitals an atom.

    The zero of energy is that of the table, the levels of the free neutral atom, hence vacuum.

    Args:
        table: Slater-Koster table (`.spl`) of one element with itself, Hartree and Bohr.
    """

    def __init__(self, table: str | Path = DEFAULT_TABLE) -> None:
        lines = Path(table).read_text().splitlines()
        step, count = _numbers(lines[0])[:2]
        levels = _numbers(lines[1])
        self.level_p, self.level_s = levels[1] * Hartree, levels[2] * Hartree
        rows = np.array([_numbers(line)[:20] for line in lines[3 : 3 + int(count)]])
        columns = np.array([_PP_SIGMA, _PP_PI, _SP_SIGMA, _SS_SIGMA])
        integrals = np.hstack([rows[:, columns] * Hartree, rows[:, columns + 10]])
        distances = step * Bohr * np.arange(1, len(rows) + 1)
        first = int(np.flatnonzero(np.abs(integrals).sum(axis=1))[0])
        self.shortest, self.cutoff = distances[first], distances[-1] - 1e-6
        self._integrals = CubicSpline(distances[first:], integrals[first:])

    def bands(
        self, positions: NDArray, cell: NDArray, kpoints: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Eigenvalues of a cell that is periodic in all directions.

        Args:
            positions: [N, 3], Å.
            cell: [3, 3], Å.
            kpoints: [K, 3], fractions of the reciprocal lattice vectors.

        Returns:
            [K, 4 N], eV, ascending at each k-point.
        """
        atoms = len(positions)
        centre, neighbour, displacement = neighbor_list(positions, cell, True, self.cutoff)
        distance = np.linalg.norm(displacement, axis=1)
        if distance.min() < self.shortest:
            raise ValueError(f"two atoms are {distance.min():.2f} Å apart, below the table's range")
        integrals = self._integrals(distance)
        direction = displacement / distance[:, None]
        hopping = _blocks(direction, integrals[:, :4])
        overlap = _blocks(direction, integrals[:, 4:])
        levels = np.tile([self.level_s, self.level_p, self.level_p, self.level_p], atoms)
        pair = centre * atoms + neighbour
        order = np.argsort(pair, kind="stable")
        present, starts = np.unique(pair[order], return_index=True)

        def assemble(blocks: NDArray, phase: NDArray | None) -> NDArray:
            """Sum the blocks of each pair of atoms over its periodic images."""
            weighted = blocks if phase is None else blocks * phase[:, None, None]
            total = np.zeros((atoms * atoms, _ORBITALS, _ORBITALS), weighted.dtype)
            total[present] = np.add.reduceat(weighted[order], starts, axis=0)
            split = total.reshape(atoms, atoms, _ORBITALS, _ORBITALS)
            return split.transpose(0, 2, 1, 3).reshape(_ORBITALS * atoms, -1)

        diagonal = np.diag_indices(_ORBITALS * atoms)
        reciprocal = 2 * np.pi * np.linalg.inv(cell).T
        eigenvalues = []
        for k in np.atleast_2d(kpoints):
            # exp(i k d) with the atoms' own distances has the eigenvalues of Bloch's phases.
            phase = np.exp(1j * displacement @ (k @ reciprocal)) if k.any() else None
            hamiltonian, metric = assemble(hopping, phase), assemble(overlap, phase)
            hamiltonian[diagonal] += levels
            metric[diagonal] += 1.0
            eigenvalues.append(
                eigh(hamiltonian, metric, eigvals_only=True, driver="gvd", check_finite=False)
            )
        return np.array(eigenvalues)


def monkhorst_pack(mesh: tuple[int, int, int]) -> tuple[NDArray, NDArray]:
    """Mesh shifted by half a step where it has more than one point, halved by k = -k.

    Returns:
        Fractional k-points [K, 3] and their weights [K], which sum to 1.
    """
    axes = [(np.arange(n) + (0.5 if n > 1 else 0.0)) / n for n in mesh]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    weights: dict[tuple[float, ...], float] = {}
    for point in points:
        mirror = [tuple(np.round(sign * point % 1, 8) % 1) for sign in (1, -1)]
        weights[min(mirror)] = weights.get(min(mirror), 0.0) + 1 / len(points)
    return np.array(list(weights)), np.array(list(weights.values()))


def _blocks(u: NDArray, integrals: NDArray) -> NDArray:
    """Slater-Koster blocks [pairs, 4, 4] for directions u [pairs, 3].

    Args:
        u: Unit vectors from the first to the second atom.
        integrals: [pairs, 4]: pp sigma, pp pi, sp sigma, ss sigma.
    """
    pp_sigma, pp_pi, sp_sigma, ss_sigma = integrals.T[:, :, None]
    blocks = np.empty((len(u), _ORBITALS, _ORBITALS))
    blocks[:, 0, 0] = ss_sigma[:, 0]
    blocks[:, 0, 1:] = u * sp_sigma
    blocks[:, 1:, 0] = -u * sp_sigma
    along = u[:, :, None] * u[:, None, :]
    blocks[:, 1:, 1:] = along * (pp_sigma - pp_pi)[:, None] + np.eye(3) * pp_pi[:, None]
    return blocks


def _numbers(line: str) -> list[float]:
    """Numbers of a line, with Fortran's repeat counts (`5*0.0`) and without its logicals."""
    values: list[float] = []
    for token in re.split(r"[,\s]+", line.strip()):
        repeat, _, value = token.rpartition("*")
        if value and value not in "TF":
            values += [float(value)] * int(repeat or 1)
    return values

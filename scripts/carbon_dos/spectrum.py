"""From eigenvalues to a broadened DOS, and its Fermi level and band energy in closed form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import erfc

#: Standard deviation of the Gaussian that broadens every level, eV.
SIGMA = 0.2
#: Levels hold two electrons, one of each spin.
_SPINS = 2.0


class Filling(NamedTuple):
    """Fermi level in eV and band energy in eV/atom of the broadened spectrum."""

    fermi_level: float
    band_energy: float


def broadened_dos(
    levels: NDArray, weights: NDArray, atoms: int, energies: NDArray
) -> NDArray[np.float64]:
    """Gaussian-broadened DOS [bins] in states/eV/atom, both spins.

    Args:
        levels: Eigenvalues [K, n], eV.
        weights: Weights of the k-points [K], sum 1.
        atoms: Number of atoms.
        energies: [bins], eV.
    """
    distance = (energies[:, None] - levels.ravel()) / SIGMA
    gaussians = np.exp(-0.5 * distance**2) / (SIGMA * np.sqrt(2 * np.pi))
    return _SPINS * gaussians @ np.repeat(weights, levels.shape[1]) / atoms


def fill(levels: NDArray, weights: NDArray, atoms: int, electrons: float) -> Filling:
    """Fill the broadened spectrum with electrons.

    A Gaussian's integral is an error function and its first moment elementary, so only the Fermi
    level is searched.

    Args:
        levels: Eigenvalues [K, n], eV.
        weights: Weights of the k-points [K], sum 1.
        atoms: Number of atoms.
        electrons: Electrons/atom.
    """
    energy = levels.ravel()
    states = _SPINS * np.repeat(weights, levels.shape[1]) / atoms
    scale = np.sqrt(2) * SIGMA

    def missing(fermi_level: float) -> float:
        return float((states * erfc((energy - fermi_level) / scale)).sum() / 2 - electrons)

    level = brentq(missing, energy.min() - 10 * SIGMA, energy.max() + 10 * SIGMA, xtol=1e-10)
    filled = erfc((energy - level) / scale) / 2
    tail = SIGMA / np.sqrt(2 * np.pi) * np.exp(-((energy - level) ** 2) / scale**2)
    return Filling(level, float((states * (energy * filled - tail)).sum()))

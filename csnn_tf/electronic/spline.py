"""The cubic spline through the bins of a DOS, and its closed-form integrals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.checks import check_array
from csnn_tf.errors import InputError

_MAX_ITERATIONS = 100


def check_grid(energies: ArrayLike, dos: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return both arrays in float64 after checking that they belong together.

    Args:
        energies: [bins], eV, increasing.
        dos: [..., bins], states/eV/atom.

    Raises:
        InputError: What is no number, fewer than 4 bins, energies that are not finite or do not
            increase, or another number of bins.
    """
    energies, dos = check_array("energies", energies), check_array("dos", dos)
    if energies.ndim != 1 or energies.size < 4:
        raise InputError(
            f"energies has shape {energies.shape}; expected [bins] with at least 4 bins."
        )
    if not (np.isfinite(energies).all() and (np.diff(energies) > 0).all()):
        raise InputError("energies must be finite and increase from bin to bin.")
    if dos.ndim == 0 or dos.shape[-1] != energies.size:
        raise InputError(
            f"dos has shape {dos.shape}; its last axis must be the {energies.size} energy bins."
        )
    return energies, dos


class DosSpline:
    r"""Not-a-knot cubic splines f through [S, bins] values, integrated exactly.

    With $F(E) = \int_{e_0}^{E} f$ and $M(E) = \int_{e_0}^{E} \epsilon f(\epsilon) d\epsilon$
    (a quartic and a quintic polynomial in every segment), the Fermi level solves $F(E_F) = N$ and
    $M(E_F)$ is the paper's equation 14. The DOS below the first bin counts as zero.

    Args:
        energies: [bins], eV, increasing.
        dos: [S, bins], states/eV/atom.
    """

    def __init__(self, energies: NDArray, dos: NDArray) -> None:
        from scipy.interpolate import CubicSpline

        self.energies = energies
        # Rows with a NaN or infinite bin are solved as zeros and come out as NaN.
        self.finite = np.isfinite(dos).all(axis=-1)
        values = np.where(self.finite[:, None], dos, 0.0)
        # [4, bins - 1, S] -> [4, S, bins - 1], lowest power first
        self.coefficients = CubicSpline(energies, values.T).c[::-1].transpose(0, 2, 1)
        width = np.diff(energies)
        self.cumulative = self._running(cubic_integral(self.coefficients, width))
        self.moment = self._running(_moment(self.coefficients, energies[:-1], width))

    def _running(self, segments: NDArray) -> NDArray:
        """Running sum [S, bins] over segments, zero at the first bin, NaN in rows not finite."""
        total = np.pad(np.cumsum(segments, axis=-1), ((0, 0), (1, 0)))
        total[~self.finite] = np.nan
        return total

    def solve(self, electrons: NDArray) -> tuple[NDArray, NDArray]:
        """First energy at which F reaches `electrons`, and M there; NaN where it never does.

        Args:
            electrons: [S], electrons/atom.

        Returns:
            Fermi level [S] in eV and band energy [S] in eV/atom.
        """
        reached = self.cumulative[:, 1:] >= electrons[:, None]
        solvable = reached.any(axis=-1)
        segment = reached.argmax(axis=-1)
        row = np.arange(len(electrons))
        coefficients = self.coefficients[:, row, segment]
        below = np.where(solvable, self.cumulative[row, segment], 0.0)
        missing = np.where(solvable, electrons - below, 0.0)
        width = np.diff(self.energies)[segment]
        t = _root(coefficients, missing, width)
        start = self.energies[segment]
        band = self.moment[row, segment] + _moment(coefficients, start, t)
        return np.where(solvable, start + t, np.nan), np.where(solvable, band, np.nan)


def cubic_value(c: Any, t: Any) -> Any:
    """A cubic at t.

    Args:
        c: Its four coefficients, lowest power first, arrays or tensors as t.
        t: Where.
    """
    return c[0] + t * (c[1] + t * (c[2] + t * c[3]))


def cubic_integral(c: Any, t: Any) -> Any:
    """Integral of a cubic from 0 to t, see `cubic_value`."""
    return t * (c[0] + t * (c[1] / 2 + t * (c[2] / 3 + t * c[3] / 4)))


def cubic_moment(c: Any, t: Any) -> Any:
    """Integral of x times a cubic from x = 0 to t, see `cubic_value`."""
    return t * t * (c[0] / 2 + t * (c[1] / 3 + t * (c[2] / 4 + t * c[3] / 5)))


def _moment(c: NDArray, start: NDArray, t: NDArray) -> NDArray:
    """Integral of (start + x) times a segment's cubic from x = 0 to t."""
    return start * cubic_integral(c, t) + cubic_moment(c, t)


def _root(c: NDArray, target: NDArray, width: NDArray) -> NDArray:
    """Solve integral(c, t) = target for t in [0, width] by Newton steps kept in a bracket."""
    low, high = np.zeros_like(target), width.copy()
    t = width / 2
    for _ in range(_MAX_ITERATIONS):
        excess = cubic_integral(c, t) - target
        high = np.where(excess >= 0, t, high)
        low = np.where(excess < 0, t, low)
        slope = cubic_value(c, t)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = t - excess / slope
        inside = (newton > low) & (newton < high)
        last, t = t, np.where(inside, newton, (low + high) / 2)
        if np.max(np.abs(t - last), initial=0.0) < 1e-13:
            break
    return t

"""Even energy grids: without the rounding of files, and as text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.errors import InputError

_ROUNDING = 1.001e-3
"""By how much rounding to 3 decimals moves an energy off the line between the ends, eV."""
_SHARE = 0.02
"""The same as a share of the step, at most: beyond, bins differ in width."""
_MOST = 1_000_000


def is_even(energies: NDArray[np.float64]) -> bool:
    """Whether energies [n], eV, increase by the same step, but for rounding in float64 or text."""
    steps = np.diff(energies)
    return bool(steps.min() > 0 and np.ptp(steps) < 1e-6 * steps.max() * energies.size)


def evened(energies: ArrayLike) -> NDArray[np.float64]:
    """Energies without the rounding that files with three decimals have.

    Args:
        energies: [n], eV.

    Returns:
        n energies from the first to the last with one step, where each of the given ones lies
        within 0.001 eV and 2 % of the step; otherwise those given, also if they are even already.
    """
    values = np.asarray(energies, np.float64)
    if values.ndim != 1 or values.size < 4 or not np.isfinite(values).all() or is_even(values):
        return values
    even = np.linspace(values[0], values[-1], values.size)
    step, off = even[1] - even[0], np.abs(values - even).max()
    return even if off <= min(_ROUNDING, _SHARE * step) else values


def bins_of_text(text: str) -> NDArray[np.float64]:
    """Energies [bins], eV, from FIRST:LAST:STEP.

    Raises:
        InputError: It is no such text.

    Example:
        >>> bins_of_text("-1:0:0.25")
        array([-1.  , -0.75, -0.5 , -0.25,  0.  ])
    """
    try:
        first, last, step = (float(part) for part in text.split(":"))
        steps = (last - first) / step
        if not (step > 0 and 3 - 1e-3 < steps < _MOST and abs(steps - round(steps)) < 1e-3):
            raise ValueError
    except (AttributeError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise InputError(
            "bins must be FIRST:LAST:STEP in eV, a whole number of at least 3 steps, such as "
            f"-30:0.9:0.1, not {text!r:.60}."
        ) from None
    return first + step * np.arange(round(steps) + 1)


def text_of_bins(energies: Sequence[float]) -> str:
    """The text of an even grid, see `bins_of_text`."""
    step = (energies[-1] - energies[0]) / (len(energies) - 1)
    return f"{energies[0]:.10g}:{energies[-1]:.10g}:{step:.10g}"

"""A DOS on another energy grid: bin averages that conserve its integral."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.checks import check_array
from csnn_tf.data.atoms.structure import NOISE, NOISE_STATES, without_noise
from csnn_tf.electronic.quantities import ELECTRON_TOLERANCE
from csnn_tf.errors import InputError
from csnn_tf.even_bins import evened

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

    from csnn_tf.data.atoms.structure_set import StructureSet

#: States/atom that may lie below the first bin: each is made up for at the Fermi level.
_LOST_STATES = 1e-4
#: Share of its largest value with which a DOS may begin above the first bin: a broadening's tail.
_CUT_OFF = 1e-3
#: Default energy grid: 310 bins of 0.1 eV from -30 eV (section IV-B), eV from the vacuum level.
DEFAULT_ENERGIES: NDArray = -30.0 + 0.1 * np.arange(310)


def rebin_dos(
    energies: ArrayLike, dos: ArrayLike, target: ArrayLike, name: str = "the DOS"
) -> NDArray:
    """Average a DOS over the bins of another grid, whose integral is then the same.

    A shape-preserving cubic (PCHIP, never negative) through the values is integrated exactly over
    every bin, which reaches half a bin to either side of its energy. Where both grids are the same
    the values return unchanged. A DOS that begins or ends in a gap, with a zero, has no states
    beyond: bins there are zeros, also where there are bands that were left out.

    Args:
        energies: [n], eV, increasing.
        dos: [n], states/eV/atom; noise below zero becomes zero, down to -0.01 of the largest and
            0.005 states/atom in all.
        target: [bins], eV, evenly spaced.
        name: File or structure, for messages.

    Returns:
        [bins], states/eV/atom.

    Raises:
        InputError: The DOS is malformed, has states below the first bin, begins beyond it or ends
            before the last one with states; or the bins are not evenly spaced.
    """
    energies, dos = _check_dos(energies, dos, name)
    target = energy_bins(target)
    if energies.shape == target.shape and np.allclose(energies, target, rtol=0, atol=1e-6):
        return dos.copy()
    # A value stands for its own bin, so the source reaches half a step beyond both ends.
    first, last = np.diff(energies)[[0, -1]] / 2
    ends = np.concatenate([[energies[0] - first], energies, [energies[-1] + last]])
    integral = _primitive(ends, np.pad(dos, 1, mode="edge"))

    def cumulative(at: NDArray) -> NDArray:
        return integral(np.clip(at, ends[0], ends[-1]))

    if dos[0] > _CUT_OFF * dos.max() and ends[0] > target[:2].mean():  # a bin or more lacks it
        raise InputError(
            f"{name}: the DOS begins at {energies[0]:.2f} eV with {dos[0]:.3g} states/eV/atom: "
            f"what lies below, from {target[0]:.2f} eV on, is missing (if nothing does, let it "
            "begin with a zero)."
        )
    return _averages(ends[-1], cumulative, target, dos[-1], name)


def rebin_cumulative(
    energies: ArrayLike, cumulative: ArrayLike, target: ArrayLike, name: str = "the DOS"
) -> NDArray:
    """The same from a cumulative DOS, which loses nothing where the DOS has spikes.

    Args:
        energies: [n], eV, increasing.
        cumulative: [n], states/atom, not decreasing but for noise: where it falls by no more than
            0.01 of its steepest rise, nor 0.005 in all, it counts as constant.
        target: [bins], eV, evenly spaced.
        name: File or structure, for messages.

    Returns:
        [bins], states/eV/atom.

    Raises:
        InputError: As in `rebin_dos`.
    """
    energies, cumulative = _check(energies, cumulative, name)
    dos = np.diff(cumulative) / np.diff(energies)
    if dos.min() < -NOISE * dos.max():
        raise InputError(f"{name}: the cumulative DOS decreases, so the DOS would be negative.")
    if cumulative.min() < -ELECTRON_TOLERANCE:
        raise InputError(f"{name}: the cumulative DOS is negative, down to {cumulative.min():.3g}.")
    rising = np.maximum.accumulate(cumulative)
    fall = float((rising - cumulative).max())
    if fall > NOISE_STATES:
        raise InputError(
            f"{name}: the cumulative DOS falls by {fall:.3g} states/atom, which is more than noise "
            f"({NOISE_STATES:g})."
        )
    cumulative = np.maximum(rising, 0)
    if cumulative[0] > _LOST_STATES:
        raise InputError(
            f"{name}: {cumulative[0]:.4f} states/atom lie below its first energy at "
            f"{energies[0]:.2f} eV, where nothing tells how they are distributed: it must begin "
            "below them (with VASP: a lower EMIN)."
        )
    target = energy_bins(target)
    curve = _cubic(energies, cumulative)
    open_end = (cumulative[-1] - cumulative[-2]) / (energies[-1] - energies[-2])

    def clipped(at: NDArray) -> NDArray:
        values = curve(np.clip(at, energies[0], energies[-1]))
        return np.where(at < energies[0], 0.0, values)

    return _averages(energies[-1], clipped, target, open_end, name)


def rebin_structures(structures: StructureSet, target: ArrayLike) -> StructureSet:
    """Structures with their DOS, where they have one, on other bins.

    Args:
        structures: The structures.
        target: [bins], eV, evenly spaced.

    Raises:
        InputError: As in `rebin_dos`, or a DOS no longer holds its electrons.
    """
    if structures.dos is None:
        return structures
    target = energy_bins(target)
    rows = zip(structures.dos, structures.names, strict=True)
    dos = [rebin_dos(structures.energies, row, target, str(name)) for row, name in rows]
    dos = np.reshape(dos, (len(structures), len(target)))
    structures = dataclasses.replace(structures, dos=dos, energies=target)
    check_all_electrons(structures)
    return structures


def energy_bins(energies: ArrayLike) -> NDArray[np.float64]:
    """Energies [bins], eV, as numbers.

    Raises:
        InputError: They are not numbers in a row, at least 2, that increase.
    """
    try:
        bins = check_array("energies", energies)
    except InputError:
        bins = np.empty(0)
    if bins.ndim != 1 or bins.size < 2 or not np.isfinite(bins).all() or np.diff(bins).min() <= 0:
        raise InputError(
            f"energies must be at least 2 numbers of eV that increase, not {energies!r:.60}."
        )
    return evened(bins)


def check_electrons(
    energies: ArrayLike,
    dos: ArrayLike,
    electrons: float,
    name: str,
    fermi_level: float | None = None,
    tolerance: float = ELECTRON_TOLERANCE,
) -> None:
    """Check that a DOS holds the electrons it should.

    Args:
        energies: [bins], eV.
        dos: [bins], states/eV/atom.
        electrons: Electrons/atom; NaN checks nothing.
        name: File or structure, for the message.
        fermi_level: eV, where the source states it: the count up to there must then match in both
            directions. Otherwise the whole DOS must hold at least this many.
        tolerance: Electrons/atom.

    Raises:
        InputError: It does not; the message says by how much.
    """
    if np.isnan(electrons):
        return
    energies, dos = _check_dos(energies, dos, name)
    end = energies[-1] if fermi_level is None else float(fermi_level)
    found = float(_primitive(energies, dos)(np.clip(end, energies[0], energies[-1])))
    short = electrons - found
    if short > tolerance or (fermi_level is not None and -short > tolerance):
        raise InputError(_mismatch(name, found, end, electrons))


def check_all_electrons(structures: StructureSet, tolerance: float = ELECTRON_TOLERANCE) -> None:
    """Check that every DOS of a set reaches its electron count within its bins.

    Args:
        structures: Without DOS, or where a count is unknown, nothing is checked.
        tolerance: Electrons/atom.

    Raises:
        InputError: One does not; the message names the structure and says by how much.
    """
    if structures.dos is None or not len(structures):
        return
    energies = structures.energies
    found = _primitive(energies, structures.dos)(energies[-1])
    short = np.nan_to_num(structures.electrons - found, nan=-1.0)
    if short.max() > tolerance:
        worst = int(short.argmax())
        raise InputError(
            _mismatch(
                structures.names[worst], found[worst], energies[-1], structures.electrons[worst]
            )
        )


def _primitive(energies: NDArray, dos: NDArray) -> Callable[[ArrayLike], NDArray]:
    """Antiderivative of the shape-preserving cubic through DOS [..., bins]."""
    return _cubic(energies, dos).antiderivative()


def _cubic(energies: NDArray, values: NDArray) -> PchipInterpolator:
    """The shape-preserving cubic through values [..., bins]."""
    from scipy.interpolate import PchipInterpolator

    with np.errstate(over="ignore"):  # of one over the slopes of far tails: they are zero then
        return PchipInterpolator(energies, values, axis=-1)


def _mismatch(name: str, found: float, end: float, electrons: float) -> str:
    side = "fewer" if found < electrons else "more"
    return (
        f"{name}: the DOS holds {found:.4f} electrons/atom up to {end:.2f} eV, "
        f"{abs(electrons - found):.4f} {side} than the {electrons:.4f} expected (is it per atom, "
        "both spins, and on the right reference energy?)."
    )


def _check_dos(energies: ArrayLike, dos: ArrayLike, name: str) -> tuple[NDArray, NDArray]:
    energies, values = _check(energies, dos, name)
    return energies, without_noise(energies, values, name)


def _check(energies: ArrayLike, values: ArrayLike, name: str) -> tuple[NDArray, NDArray]:
    energies, values = evened(energies), np.asarray(values, np.float64)
    if energies.ndim != 1 or energies.size < 2 or values.shape != energies.shape:
        raise InputError(
            f"{name}: energies {energies.shape} and DOS {values.shape} must be one row each of the "
            "same length, at least 2."
        )
    if not (np.diff(energies) > 0).all():
        raise InputError(f"{name}: the energies of the DOS must increase.")
    if not np.isfinite(values).all():
        raise InputError(f"{name}: the DOS has entries that are not finite numbers.")
    return energies, values


def _averages(
    end: float,
    cumulative: Callable[[NDArray], NDArray],
    target: NDArray,
    last_dos: float,
    name: str,
) -> NDArray:
    """Differences of `cumulative` over the bins of `target`, divided by the bin width."""
    width = (target[-1] - target[0]) / (len(target) - 1)
    if np.ptp(np.diff(target)) > 1e-6 * width * len(target):  # what the models take as even
        raise InputError(
            f"{name}: the DOS must be re-binned, but the bins from {target[0]:g} to "
            f"{target[-1]:g} eV are not evenly spaced."
        )
    edges = np.append(target - width / 2, target[-1] + width / 2)
    if end < edges[-1] - 1e-6 and last_dos > 1e-6:
        raise InputError(
            f"{name}: the DOS ends at {end:.2f} eV, before the end of the last energy bin at "
            f"{edges[-1]:.2f} eV."
        )
    at_edges = cumulative(edges)
    if at_edges[0] > _LOST_STATES:
        raise InputError(
            f"{name}: {at_edges[0]:.4f} states/atom lie below the first energy bin at "
            f"{target[0]:.2f} eV: let the bins begin lower."
        )
    return np.maximum(np.diff(at_edges), 0.0) / width

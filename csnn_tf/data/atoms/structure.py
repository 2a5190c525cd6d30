"""One atomic structure, with or without its density of states, and the checks on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.errors import InputError

#: Valence electrons of an atom: one number for all elements, or one by chemical symbol.
Electrons = float | Mapping[str, float] | None
#: Largest atomic number that has a name.
LAST_ELEMENT = 118
#: Share of the largest DOS that noise may fall below zero.
NOISE = 1e-2
#: States/atom that noise may have below zero in all.
NOISE_STATES = 5e-3


@dataclasses.dataclass(eq=False)
class Structure:
    """One structure as a reader returns it.

    Attributes:
        positions: [N, 3], Å.
        numbers: [N], atomic numbers.
        cell: [3, 3], Å, one lattice vector a row; zeros where there is none.
        pbc: [3], whether each lattice vector is periodic.
        dos: [bins], states/eV/atom, both spins; None where unknown.
        electrons: Electrons/atom; NaN where unknown.
        type: Structure type, for example "C60".
        temperature: K; NaN where unknown.
        split: "train", "val", "test" or "" where unknown.
        name: Where it comes from; error messages show it.
    """

    positions: NDArray
    numbers: NDArray
    cell: NDArray
    pbc: NDArray
    dos: NDArray | None = None
    electrons: float = np.nan
    type: str = ""
    temperature: float = np.nan
    split: str = ""
    name: str = ""


def of_no_element(numbers: ArrayLike) -> NDArray:
    """Which of these [N] are atomic numbers of no element."""
    numbers = np.asarray(numbers)
    return (numbers <= 0) | (numbers > LAST_ELEMENT)


def check_numbers(numbers: ArrayLike, name: str) -> None:
    """Raise `InputError` unless these [N] are atomic numbers of elements."""
    wrong = of_no_element(numbers)
    if wrong.any():
        raise InputError(f"{name}: atom {wrong.argmax()} is of no element.")


def check_dos(dos: ArrayLike, bins: int, name: str) -> None:
    """Check one DOS [bins].

    Raises:
        InputError: Wrong length, entries that are not finite or negative by more than noise, down
            to -0.01 of the largest value; the message names the structure.
    """
    dos = np.asarray(dos)
    if dos.shape != (bins,):
        raise InputError(f"{name}: the DOS has shape {dos.shape}; expected ({bins},) energy bins.")
    if not np.isfinite(dos).all():
        raise InputError(f"{name}: the DOS has entries that are not finite numbers.")
    lowest = dos.min(initial=0.0)
    if lowest < -NOISE * dos.max(initial=0.0):
        raise InputError(
            f"{name}: the DOS is negative in {int((dos < 0).sum())} bins, down to {lowest:.3g}."
        )


def without_noise(energies: NDArray, dos: NDArray, name: str) -> NDArray:
    """A DOS [bins] at energies [bins], eV, with zeros in place of noise below zero.

    Smearing of higher order, splines and Fourier sums leave dips between bands: down to -0.01 of
    the largest value they count as noise, if they sum up to no more than 0.005 states/atom. Zeros
    in place of more than that would add states which move the Fermi level and the band energy.

    Raises:
        InputError: It is negative by more; the message has the name.
    """
    check_dos(dos, np.size(energies), name)
    below = np.minimum(dos, 0.0)
    if not below.any():
        return dos
    states = -float(np.sum(below * np.abs(np.gradient(energies))))
    if states > NOISE_STATES:
        raise InputError(
            f"{name}: the DOS is negative in {int((below < 0).sum())} bins, by {states:.3g} "
            f"states/atom in all, which is more than noise ({NOISE_STATES:g})."
        )
    return dos - below


def check_electron_counts(electrons: Electrons, name: str = "electrons") -> None:
    """Raise `InputError` unless these are positive numbers, by chemical symbols if several."""
    from ase.data import atomic_numbers

    if electrons is None:
        return
    counts = electrons if isinstance(electrons, Mapping) else {"": electrons}
    for symbol, count in counts.items():
        if symbol and symbol not in atomic_numbers:
            raise InputError(f"{name} names {symbol!r}, which is no chemical symbol.")
        if isinstance(count, bool) or not isinstance(count, Real) or not 0 < count < np.inf:
            raise InputError(
                f"{name} must be a positive number, or one by chemical symbol, not "
                f"{electrons!r:.60}."
            )


def electrons_per_atom(numbers: ArrayLike, electrons: Electrons, name: str = "structure") -> float:
    """Mean number of electrons of a structure's atoms.

    Args:
        numbers: [N], atomic numbers.
        electrons: Valence electrons: one number for all atoms, or by chemical symbol; None gives
            NaN.
        name: The structure, for the message.

    Raises:
        InputError: An element is not in the mapping, or a count is not positive.
    """
    if electrons is None:
        return float("nan")
    check_electron_counts(electrons)
    if not isinstance(electrons, Mapping):
        return float(electrons)
    from ase.data import chemical_symbols

    elements, counts = np.unique(numbers, return_counts=True)
    total = 0.0
    for number, count in zip(elements, counts, strict=True):
        symbol = chemical_symbols[number]
        if symbol not in electrons:
            raise InputError(f"{name} contains {symbol}, whose electron count is not given.")
        total += electrons[symbol] * count
    return total / len(np.atleast_1d(numbers))

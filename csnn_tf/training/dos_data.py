"""What a training run takes from a set of structures: parts, elements, electron counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.atoms.rebinning import check_all_electrons
from csnn_tf.data.atoms.structure import electrons_per_atom
from csnn_tf.electronic.quantities import ELECTRON_TOLERANCE
from csnn_tf.errors import InputError

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet
    from csnn_tf.data.atoms.structure import Electrons

_SPLITS = ("train", "val", "test")
_CHARGE = 4.0
"""Electrons that a charged cell may have more or fewer than its neutral atoms."""
_CHARGE_PER_ATOM = 0.5
_FIT = 1e-3
"""Electrons/atom by which counts of the elements may miss those of a structure."""


def training_parts(
    structures: StructureSet, validation: float, seed: int
) -> tuple[StructureSet, StructureSet | None]:
    """Training and held-out structures.

    The data's own splits "train" and "val" where it has them; otherwise a random share of all that
    are not of the split "test", but for structures with an element that no other would teach.

    Args:
        structures: With DOS.
        validation: Share to hold out where there is no split "val".
        seed: Seed of the choice.

    Returns:
        Both parts; None in place of the second if nothing is held out.

    Raises:
        InputError: There is no DOS or nothing to train on, or a split has another name.
    """
    if structures.dos is None:
        raise InputError("the structures have no DOS (atoms.info['dos']) to learn from.")
    split = structures.split
    for place in np.flatnonzero(~np.isin(split, (*_SPLITS, "")))[:1]:
        raise InputError(
            f"{structures.names[place]} is of the split {str(split[place])!r}: splits are "
            f"{', '.join(_SPLITS)}."
        )
    if "train" in split and "val" in split:
        return structures.select(split="train"), structures.select(split="val")
    rows = np.flatnonzero(
        split == "train" if "train" in split else ~np.isin(split, ("test", "val"))
    )
    held = np.flatnonzero(split == "val")
    if not len(held):
        rows = np.random.default_rng([seed, 2]).permutation(rows)
        count = min(round(validation * len(rows)), len(rows) - 1)
        held, rows = _elements_in_both(structures, np.sort(rows[:count]), np.sort(rows[count:]))
    if not len(rows):
        raise InputError("no structure is left to train on: all are of the splits test and val.")
    return structures.subset(rows), structures.subset(held) if len(held) else None


def _elements_in_both(
    structures: StructureSet, held: NDArray, rows: NDArray
) -> tuple[NDArray, NDArray]:
    """Rows to hold out and to train on, where the latter have every element."""
    known = set(structures.subset(rows).numbers.tolist())
    moved = []
    for row in held:
        found = set(structures[row].numbers.tolist())
        if not found <= known:
            known |= found
            moved.append(row)
    return np.setdiff1d(held, moved), np.sort(np.append(rows, np.asarray(moved, rows.dtype)))


def check_held_out(training: StructureSet, held_out: StructureSet | None) -> None:
    """Raise `InputError` if a held-out structure has an element that none to train on has."""
    if held_out is None:
        return
    strange = np.flatnonzero(~np.isin(held_out.numbers, training.numbers))
    for atom in strange[:1]:
        (symbol,) = _symbols(held_out.numbers[[atom]])
        place = int(np.searchsorted(held_out.offsets, atom, side="right")) - 1
        raise InputError(
            f"{held_out.names[place]} is held out and contains {symbol}, which no structure to "
            "train on does: put one that does into the split train."
        )


def with_electrons(structures: StructureSet, given: Electrons) -> StructureSet:
    """The structures with electron counts where theirs are unknown.

    Args:
        structures: The structures.
        given: Valence electrons, one number or by chemical symbol; None changes nothing.

    Raises:
        InputError: The count of an element is not given, or a DOS does not hold the electrons.
    """
    unknown = np.flatnonzero(np.isnan(structures.electrons))
    if given is None or not len(unknown):
        return structures
    electrons = structures.electrons.copy()
    for place in unknown:
        item = structures[place]
        electrons[place] = electrons_per_atom(item.numbers, given, item.name)
    filled = dataclasses.replace(structures, electrons=electrons)
    check_all_electrons(filled)
    return filled


def reference(structures: StructureSet) -> NDArray:
    """What the loss compares with: DOS and electrons of each structure, [S, bins + 1]."""
    return np.concatenate([structures.dos, structures.electrons[:, None]], axis=1, dtype=np.float32)


def elements_of(structures: StructureSet) -> tuple[str, ...]:
    """Chemical symbols of all atoms, by atomic number."""
    return _symbols(np.unique(structures.numbers))


def _symbols(numbers: NDArray) -> tuple[str, ...]:
    from ase.data import chemical_symbols

    if numbers.max() >= len(chemical_symbols):
        raise InputError(f"{numbers.max()} is not an atomic number.")
    return tuple(chemical_symbols[number] for number in numbers)


def electrons_by_element(
    structures: StructureSet, given: Electrons = None
) -> dict[str, float] | None:
    """Electrons of an atom of each element.

    Args:
        structures: With electrons per atom. In a compound of one composition these do not say how
            many each element has.
        given: What the user says, one number or by chemical symbol, of neutral atoms; None or
            without an element of the structures, they alone decide.

    Returns:
        Electrons by chemical symbol, or None if nothing determines them.

    Raises:
        InputError: The structures determine other whole numbers than what is given, or one has
            another count by more than a charge makes up: 4 electrons a cell, half an electron per
            atom.
    """
    elements = elements_of(structures)
    numbers = np.unique(structures.numbers)
    shares = np.stack(
        [
            np.add.reduceat(structures.numbers == number, structures.offsets, dtype=np.float64)
            for number in numbers
        ],
        axis=1,
    )
    shares /= structures.counts[:, None]
    found = _fitted(shares, structures.electrons)
    said: Mapping[str, float] = {}
    if given is not None:
        said = given if isinstance(given, Mapping) else dict.fromkeys(elements, given)
    if found is not None:
        _check_elements(elements, shares, structures.electrons, found, said)
    if set(elements) <= said.keys():
        counts = np.array([said[name] for name in elements], np.float64)
        _check_charges(structures, shares @ counts)
        return dict(zip(elements, counts.tolist(), strict=True))
    if found is None:
        return None
    return {name: round(float(n), 6) for name, n in zip(elements, found, strict=True)}


def _fitted(shares: NDArray, electrons: NDArray) -> NDArray | None:
    """Electrons of each element [E] that the structures [S] determine, or None."""
    known = np.isfinite(electrons)
    # Of no rows at all, older NumPy has no rank.
    if not known.any() or np.linalg.matrix_rank(shares[known]) < shares.shape[1]:
        return None
    counts, *_ = np.linalg.lstsq(shares[known], electrons[known], rcond=None)
    return counts if np.abs(shares[known] @ counts - electrons[known]).max() <= _FIT else None


def _check_elements(
    elements: tuple[str, ...],
    shares: NDArray,
    electrons: NDArray,
    found: NDArray,
    said: Mapping[str, float],
) -> None:
    """Hold what is given against the counts that the structures determine.

    In a dilute cell a wrong count hides among the charges. Only whole numbers are sure to be those
    of neutral atoms: cells that all have the same charge determine fractions.
    """
    whole = np.round(found)
    if np.nan_to_num(np.abs(shares @ whole - electrons)).max() > _FIT:
        return
    for name, count, most in zip(elements, whole, shares.max(axis=0), strict=True):
        if name in said and abs(said[name] - count) * most > _FIT:
            raise InputError(
                f"{name} has {count:g} electrons by the structures' own account and "
                f"{said[name]:g} by the electrons given: they contradict each other."
            )


def _check_charges(structures: StructureSet, expected: NDArray) -> None:
    """Hold the structures' electrons/atom [S] against those of the neutral atoms given."""
    off = np.nan_to_num(np.abs(structures.electrons - expected))
    # Counts taken off a DOS are no more exact than its electrons need to be.
    allowed = np.minimum(_CHARGE_PER_ATOM, _CHARGE / structures.counts + ELECTRON_TOLERANCE)
    worst = int((off / allowed).argmax())
    if off[worst] > allowed[worst]:
        raise InputError(
            f"{structures.names[worst]} has {structures.electrons[worst]:g} electrons/atom by its "
            f"own account and {expected[worst]:g} by the electrons given: they contradict each "
            "other."
        )

"""What a training run takes from a set of structures: parts, elements, electron counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from csnn_tf.errors import InputError

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet
    from csnn_tf.data.atoms.structure import Electrons

_SPLITS = ("train", "val", "test")


def training_parts(
    structures: StructureSet, validation: float, seed: int
) -> tuple[StructureSet, StructureSet | None]:
    """Training and held-out structures.

    The data's own splits "train" and "val" where it has them; otherwise a random share of all that
    are not of the split "test".

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
        held, rows = np.sort(rows[:count]), np.sort(rows[count:])
    if not len(rows):
        raise InputError("no structure is left to train on: all are of the splits test and val.")
    return structures.subset(rows), structures.subset(held) if len(held) else None


def reference(structures: StructureSet) -> NDArray:
    """What the loss compares with: DOS and electrons of each structure, [S, bins + 1]."""
    return np.concatenate([structures.dos, structures.electrons[:, None]], axis=1, dtype=np.float32)


def elements_of(structures: StructureSet) -> tuple[str, ...]:
    """Chemical symbols of all atoms, by atomic number."""
    from ase.data import chemical_symbols

    numbers = np.unique(structures.numbers)
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
        given: What the user says, one number or by chemical symbol; None or without an element of
            the structures, or if it contradicts them, they alone decide.

    Returns:
        Electrons by chemical symbol, or None if nothing determines them.
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
    known = np.isfinite(structures.electrons)
    if given is not None:
        said = given if isinstance(given, Mapping) else dict.fromkeys(elements, given)
        if set(elements) <= said.keys():
            counts = np.array([said[name] for name in elements], np.float64)
            if np.abs(shares[known] @ counts - structures.electrons[known]).max(initial=0) <= 1e-3:
                return dict(zip(elements, counts.tolist(), strict=True))
    if np.linalg.matrix_rank(shares[known]) < len(elements):
        return None
    counts, *_ = np.linalg.lstsq(shares[known], structures.electrons[known], rcond=None)
    if np.abs(shares[known] @ counts - structures.electrons[known]).max() > 1e-3:
        return None
    return {name: round(float(n), 6) for name, n in zip(elements, counts, strict=True)}

"""A set of atomic structures of different sizes, with or without their densities of states."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.data.atoms.neighbors import check_cell
from csnn_tf.data.atoms.structure import (
    Structure,
    check_dos,
    check_numbers,
    of_no_element,
    without_noise,
)
from csnn_tf.errors import InputError
from csnn_tf.even_bins import evened


@dataclasses.dataclass(eq=False)
class StructureSet:
    """Structures whose atoms lie one after the other (no padding).

    Attributes:
        positions: [A, 3], Å, the atoms of all structures one after the other.
        numbers: [A], atomic numbers.
        counts: [S], atoms of each structure; they sum to A.
        cells: [S, 3, 3], Å, one lattice vector a row.
        pbc: [S, 3], bool.
        dos: [S, bins], states/eV/atom, both spins, or None.
        energies: [bins], eV from the vacuum level, or None where there is no DOS. Three decimals
            count as rounded, see `csnn_tf.even_bins.evened`.
        electrons: [S], electrons/atom, NaN where unknown.
        types: [S], structure type, text.
        temperature: [S], K, NaN where unknown.
        split: [S], "train", "val", "test" or "".
        names: [S], where each structure comes from.

    Raises:
        InputError: An array has the wrong shape; a structure has no atoms, a position that is not
            finite, an atom of no element, periodic boundaries without a cell or electrons that are
            not positive; a DOS has the wrong length, entries that are not finite or negative by
            more than noise (see `csnn_tf.data.atoms.structure.without_noise`). The message names
            the structure.
    """

    positions: NDArray
    numbers: NDArray
    counts: NDArray
    cells: NDArray
    pbc: NDArray
    dos: NDArray | None
    energies: NDArray | None
    electrons: NDArray
    types: NDArray
    temperature: NDArray
    split: NDArray
    names: NDArray

    def __post_init__(self) -> None:
        self.counts = np.asarray(self.counts, np.int64)
        size, atoms = len(self.counts), int(self.counts.sum())
        self.positions = np.asarray(self.positions, np.float64)
        self.numbers = np.asarray(self.numbers, np.int32)
        self.cells = np.asarray(self.cells, np.float64)
        self.pbc = np.asarray(self.pbc, bool)
        self.electrons = np.asarray(self.electrons, np.float64)
        self.temperature = np.asarray(self.temperature, np.float64)
        self.types, self.split, self.names = (
            np.asarray(texts, dtype=str) for texts in (self.types, self.split, self.names)
        )
        expected = {
            "positions": (atoms, 3),
            "numbers": (atoms,),
            "cells": (size, 3, 3),
            "pbc": (size, 3),
            **dict.fromkeys(("electrons", "temperature", "types", "split", "names"), (size,)),
        }
        for field, shape in expected.items():
            if getattr(self, field).shape != shape:
                raise InputError(
                    f"{field} has shape {getattr(self, field).shape}; expected {shape}."
                )
        self._check_structures()
        self._check_dos()

    def _check_structures(self) -> None:
        if (self.counts <= 0).any():
            raise InputError(f"{self.names[self.counts.argmin()]}: the structure has no atoms.")
        finite = np.isfinite(self.positions).all(axis=1)
        if not finite.all():
            index = int(np.searchsorted(self.offsets, finite.argmin(), side="right")) - 1
            atom = int(finite.argmin() - self.offsets[index])
            raise InputError(
                f"{self.names[index]}: the position of atom {atom} is not a finite number."
            )
        wrong = ~(np.isnan(self.electrons) | ((self.electrons > 0) & np.isfinite(self.electrons)))
        for index in np.flatnonzero(wrong)[:1]:
            raise InputError(
                f"{self.names[index]} has {self.electrons[index]:g} electrons/atom; expected a "
                "positive number, or NaN where unknown."
            )
        if of_no_element(self.numbers).any():
            for name, numbers in zip(
                self.names, np.split(self.numbers, self.offsets[1:]), strict=True
            ):
                check_numbers(numbers, name)
        checked: dict[bytes, bool] = {}
        for name, cell, pbc in zip(self.names, self.cells, self.pbc, strict=True):
            key = cell.tobytes() + pbc.tobytes()
            if key not in checked:
                try:
                    check_cell(cell, pbc)
                except InputError as error:
                    raise InputError(f"{name}: {error}") from None
                checked[key] = True

    def _check_dos(self) -> None:
        if (self.dos is None) != (self.energies is None):
            raise InputError("dos and energies must be given together.")
        if self.dos is None:
            return
        self.dos = np.asarray(self.dos, np.float32)
        self.energies = np.asarray(self.energies, np.float64)
        if self.dos.shape != (len(self), self.energies.size):
            raise InputError(
                f"dos has shape {self.dos.shape}; expected {(len(self), self.energies.size)}."
            )
        self.energies = evened(self.energies)
        rows = [
            without_noise(self.energies, dos, str(name))
            for name, dos in zip(self.names, self.dos, strict=True)
        ]
        self.dos = np.stack(rows) if rows else self.dos

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Row of each structure's first atom in `positions`, [S]."""
        offsets = np.cumsum(self.counts) - self.counts
        offsets.flags.writeable = False
        return offsets

    def __getitem__(self, index: int) -> Structure:
        """One structure by its index."""
        index = range(len(self))[index]
        first = int(self.offsets[index])
        atoms = slice(first, first + int(self.counts[index]))
        return Structure(
            positions=self.positions[atoms],
            numbers=self.numbers[atoms],
            cell=self.cells[index],
            pbc=self.pbc[index],
            dos=None if self.dos is None else self.dos[index],
            electrons=float(self.electrons[index]),
            type=str(self.types[index]),
            temperature=float(self.temperature[index]),
            split=str(self.split[index]),
            name=str(self.names[index]),
        )

    def subset(self, which: ArrayLike) -> StructureSet:
        """The structures chosen by a boolean mask [S] or by indices, in that order.

        Raises:
            InputError: The mask is not as long as the set, or an index is of no structure.
        """
        rows = self._rows(which)
        spans = [np.arange(f, f + n) for f, n in zip(self.offsets, self.counts, strict=True)]
        atoms = np.concatenate([spans[row] for row in rows]) if len(rows) else np.zeros(0, int)
        fields = ("counts", "cells", "pbc", "electrons", "types", "temperature", "split", "names")
        return StructureSet(
            positions=self.positions[atoms],
            numbers=self.numbers[atoms],
            dos=None if self.dos is None else self.dos[rows],
            energies=self.energies,
            **{field: getattr(self, field)[rows] for field in fields},
        )

    def _rows(self, which: ArrayLike) -> NDArray[np.int64]:
        """Indices from a mask or from indices."""
        size = len(self)
        try:
            which = np.asarray(which)
        except ValueError:  # lists of different lengths
            which = np.empty((0, 0))
        if which.dtype == bool and which.shape == (size,):
            return np.flatnonzero(which)
        if which.shape == (0,) and which.dtype != bool:  # an empty list has no whole numbers
            return np.empty(0, np.int64)
        if which.dtype.kind not in "iu" or which.ndim != 1:
            raise InputError(
                f"a subset is chosen by a mask of the {size} structures or by a list of whole "
                f"numbers, not by {which.dtype} of shape {which.shape}."
            )
        wrong = which[(which < -size) | (which >= size)]
        if wrong.size:
            raise InputError(f"there is no structure {wrong[0]}: the set has {size}.")
        return which.astype(np.int64)

    def select(self, *, split: str | None = None, type: str | None = None) -> StructureSet:
        """The structures of one split, of one type, or both.

        Raises:
            InputError: There are none.
        """
        mask = np.ones(len(self), bool)
        for field, value in (("split", split), ("types", type)):
            if value is not None:
                mask &= getattr(self, field) == value
                if not mask.any():
                    known = sorted(set(getattr(self, field).tolist()))
                    raise InputError(f"no structure has {field} {value!r}; the set has {known}.")
        return self.subset(mask)

    @classmethod
    def from_structures(
        cls, structures: Iterable[Structure], energies: ArrayLike | None = None
    ) -> StructureSet:
        """Put structures into one set.

        Args:
            structures: At least one; all with a DOS or none.
            energies: [bins], eV, the bins of all their DOS.

        Raises:
            InputError: There are none, only some have a DOS, or one cannot be used.
        """
        items: Sequence[Structure] = list(structures)
        if not items:
            raise InputError("there are no structures.")
        with_dos = [item for item in items if item.dos is not None]
        if with_dos and len(with_dos) != len(items):
            missing = next(item.name for item in items if item.dos is None)
            raise InputError(f"{missing} has no DOS while other structures of the set have one.")
        for item in items:
            if np.ndim(item.positions) != 2 or not len(item.positions):
                raise InputError(f"{item.name}: the structure has no atoms.")
            if with_dos:
                check_dos(item.dos, np.size(energies), item.name)
        return cls(
            positions=np.concatenate([item.positions for item in items]),
            numbers=np.concatenate([item.numbers for item in items]),
            counts=np.array([len(item.positions) for item in items]),
            cells=np.stack([item.cell for item in items]),
            pbc=np.stack([np.broadcast_to(item.pbc, 3) for item in items]),
            dos=np.stack([item.dos for item in items]) if with_dos else None,
            energies=np.asarray(energies, np.float64) if with_dos else None,
            electrons=np.array([item.electrons for item in items]),
            types=np.array([item.type for item in items]),
            temperature=np.array([item.temperature for item in items]),
            split=np.array([item.split for item in items]),
            names=np.array([item.name for item in items]),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[StructureSet]) -> StructureSet:
        """Join sets, in order.

        Raises:
            InputError: There are none, or their energy grids differ.
        """
        if not parts:
            raise InputError("there are no structure sets to join.")
        first = parts[0]
        for part in parts[1:]:
            if (part.energies is None) != (first.energies is None):
                lacking = part if part.energies is None else first
                raise InputError(f"{lacking.names[0]} has no DOS while others have one.")
            if not np.array_equal(part.energies, first.energies):
                raise InputError(
                    f"the DOS of {part.names[0]} has other bins than that of {first.names[0]}."
                )
        joined = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in dataclasses.fields(cls)
            if field.name not in ("dos", "energies")
        }
        dos = None if first.dos is None else np.concatenate([part.dos for part in parts])
        return cls(dos=dos, energies=first.energies, **joined)


def check_structures(structures: object) -> None:
    """Raise `InputError` unless it is a `StructureSet`."""
    if not isinstance(structures, StructureSet):
        raise InputError(
            "structures must be a StructureSet, which load_structures and structures_from_atoms "
            f"give, not a {type(structures).__name__}."
        )

"""The neighbourhoods of all atoms of a set of structures, found once and kept in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.data.atoms.neighbors import neighbor_list
from csnn_tf.errors import InputError

if TYPE_CHECKING:
    from csnn_tf.data.atoms.structure_set import StructureSet

#: Neighbours a little beyond the cutoff are listed too: the layer alone decides, in one place and
#: with a margin for rounding, which of those at the cutoff count.
MARGIN = 1e-4

Batch = dict[str, NDArray]

_PAIRWISE = ("centre", "species", "neighbor")


@dataclasses.dataclass(frozen=True, eq=False)
class Environments:
    """Pairs of atoms within a cutoff, sorted by centre atom, structure after structure.

    Attributes:
        displacements: [pairs, 3] float32, Å, from the centre atom to its neighbour.
        neighbors: [pairs] int32, index of the neighbour atom among all A.
        species: [pairs] int16, index of the neighbour's element.
        pairs: [A + 1], number of pairs before each atom's.
        atoms: [A] int32, index of each atom's element.
        counts: [S] int32, atoms of each structure.
    """

    displacements: NDArray
    neighbors: NDArray
    species: NDArray
    pairs: NDArray
    atoms: NDArray
    counts: NDArray

    @classmethod
    def find(cls, structures: StructureSet, elements: Sequence[str], cutoff: float) -> Environments:
        """Find the neighbours of all atoms.

        Args:
            structures: The structures.
            elements: Chemical symbols that the model knows; their places are the indices.
            cutoff: Å.

        Raises:
            InputError: An element is unknown, or a structure has no neighbour list (see
                `csnn_tf.data.atoms.neighbor_list`); the message names the structure.
        """
        atoms = species_indices(structures, elements)
        displacements, neighbors, species, per_atom = [], [], [], []
        for index, first in enumerate(structures.offsets):
            item = structures[index]
            try:
                centre, neighbor, vectors = neighbor_list(
                    item.positions, item.cell, item.pbc, cutoff + MARGIN
                )
            except InputError as error:
                raise InputError(f"{item.name}: {error}") from None
            displacements.append(vectors.astype(np.float32))
            neighbors.append((first + neighbor).astype(np.int32))
            species.append(atoms[neighbors[-1]].astype(np.int16))
            per_atom.append(np.bincount(centre, minlength=len(item.positions)))
        return cls(
            displacements=np.concatenate(displacements),
            neighbors=np.concatenate(neighbors),
            species=np.concatenate(species),
            pairs=np.concatenate([[0], np.cumsum(np.concatenate(per_atom))]),
            atoms=atoms,
            counts=structures.counts.astype(np.int32),
        )

    @property
    def offsets(self) -> NDArray:
        """Each structure's first atom, and after the last the number of atoms, [S + 1]."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    def of_structures(self, which: ArrayLike) -> Batch:
        """The input of a model for some structures, in that order, without padding.

        Only here, where they are in the same batch, neighbours have an index: "neighbor" [pairs].

        Args:
            which: [n], indices of structures.
        """
        offsets, start, parts = self.offsets, 0, []
        for index in np.asarray(which):
            first, last = offsets[index], offsets[index + 1]
            part = self.of_atoms(first, last)
            rows = slice(self.pairs[first], self.pairs[last])
            part["centre"] = part["centre"] + np.int32(start)
            part["neighbor"] = self.neighbors[rows] + np.int32(start - first)
            parts.append(part)
            start += last - first
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return {**joined, "counts": self.counts[np.asarray(which)]}

    def of_atoms(self, first: int, last: int) -> Batch:
        """The input of a model for the atoms from `first` up to, not including, `last`."""
        rows = slice(self.pairs[first], self.pairs[last])
        per_atom = np.diff(self.pairs[first : last + 1])
        return {
            "displacements": self.displacements[rows],
            "centre": np.repeat(np.arange(last - first, dtype=np.int32), per_atom),
            "species": self.species[rows].astype(np.int32),
            "atoms": self.atoms[first:last],
        }


def padded(batch: Batch, atoms: int, pairs: int) -> Batch:
    """A batch with as many rows as asked for: zero displacements, atoms of element 0."""
    more_atoms, more_pairs = atoms - len(batch["atoms"]), pairs - len(batch["centre"])
    return {
        **batch,
        "displacements": np.pad(batch["displacements"], ((0, more_pairs), (0, 0))),
        **{name: np.pad(batch[name], (0, more_pairs)) for name in _PAIRWISE if name in batch},
        "atoms": np.pad(batch["atoms"], (0, more_atoms)),
    }


def filled(batch: Batch, atoms: int) -> Batch:
    """A batch with as many atoms as asked for, by repeating its own first atoms.

    The copies count in no structure. They keep what batch normalisation sees like the data, which
    empty environments would not.
    """
    present = len(batch["atoms"])
    copies = [batch]
    for start in range(present, atoms, present):
        size = min(present, atoms - start)
        rows = slice(0, int(np.searchsorted(batch["centre"], size)))
        copy = {
            "displacements": batch["displacements"][rows],
            "centre": batch["centre"][rows] + np.int32(start),
            "species": batch["species"][rows],
            "atoms": batch["atoms"][:size],
        }
        if "neighbor" in batch:  # the first atoms themselves: a copy may have been cut off
            copy["neighbor"] = batch["neighbor"][rows]
        copies.append(copy)
    joined = {name: np.concatenate([part[name] for part in copies]) for name in copies[-1]}
    return {**batch, **joined}


def rotated(batch: Batch, matrices: NDArray) -> Batch:
    """A batch of structures with each structure turned by a rotation of its own.

    Args:
        batch: From `Environments.of_structures`, without padding.
        matrices: [structures, 3, 3].
    """
    owner = np.repeat(np.arange(len(matrices)), batch["counts"])[batch["centre"]]
    pairs = np.bincount(owner, minlength=len(matrices))
    parts = np.split(batch["displacements"], np.cumsum(pairs)[:-1])
    turned = [
        part @ matrix.T for part, matrix in zip(parts, matrices.astype(np.float32), strict=True)
    ]
    return {**batch, "displacements": np.concatenate(turned)}


def element_numbers(elements: Sequence[str]) -> list[int]:
    """Atomic numbers of chemical symbols, or an `InputError` that names what is none."""
    from ase.data import atomic_numbers

    unknown = [element for element in elements if element not in atomic_numbers]
    if unknown:
        raise InputError(f"{unknown[0]!r} is not a chemical symbol.")
    return [atomic_numbers[element] for element in elements]


def species_indices(structures: StructureSet, elements: Sequence[str]) -> NDArray:
    """Index of each atom's element, [A] int32.

    Raises:
        InputError: An element is not among them; the message names it and the structure.
    """
    from ase.data import chemical_symbols

    known = np.array(element_numbers(elements))
    place = np.full(max(len(chemical_symbols), int(structures.numbers.max()) + 1), -1, np.int32)
    place[known] = np.arange(len(known))
    indices = place[structures.numbers]
    if (indices < 0).any():
        atom = int(np.argmax(indices < 0))
        index = int(np.searchsorted(structures.offsets, atom, side="right")) - 1
        number = structures.numbers[atom]
        symbol = chemical_symbols[number] if number < len(chemical_symbols) else str(number)
        raise InputError(
            f"{structures.names[index]} contains {symbol}, which the model does not know: it knows "
            f"{', '.join(elements)}."
        )
    return indices

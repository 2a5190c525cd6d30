"""Checks of structures inside the exported graph: a bad one is an error that names the input."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from csnn_tf.data.atoms.neighbors import SAME_PLACE
from csnn_tf.data.environments import element_numbers
from csnn_tf.export.request_checks import after, require, vector

LARGEST_LENGTH = 1e6
"""Å; coordinates beyond it are no structure's, and lose digits that neighbours need."""
_HIGHEST_NUMBER = 200


class Elements:
    """Atomic numbers of a request as indices of a model's elements.

    Args:
        symbols: Chemical symbols that the model knows; their places are the indices.

    Raises:
        InputError: If one is no chemical symbol.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self.numbers = element_numbers(symbols)
        self._known = ", ".join(
            f"{number} ({symbol})" for number, symbol in zip(self.numbers, symbols, strict=True)
        )
        self._places = np.full(_HIGHEST_NUMBER, -1, np.int32)
        self._places[self.numbers] = np.arange(len(symbols))

    def indices(self, numbers, name: str):
        """Indices [n] int32 of atomic numbers [n] int64, or an error that names the input."""
        inside = (numbers >= 0) & (numbers < _HIGHEST_NUMBER)
        places = tf.gather(tf.constant(self._places), tf.where(inside, numbers, 0))
        known = require(
            tf.reduce_all(inside & (places >= 0)),
            f"{name}: an element that the model does not know: it knows {self._known}",
        )
        return after(places, known)


def checked_atoms(numbers, counts, *, max_structures: int, max_atoms: int) -> tuple[Any, Any]:
    """Atomic numbers [A] and atoms of each structure [S], int64, or an error at run time."""
    numbers, counts = vector(numbers, "numbers"), vector(counts, "counts")
    atoms, structures = tf.size(numbers, tf.int64), tf.size(counts, tf.int64)
    counts = after(
        counts,
        require(structures > 0, "counts: there are no structures"),
        require(structures <= max_structures, f"counts: over {max_structures} structures"),
        require(atoms <= max_atoms, f"numbers: over {max_atoms} atoms"),
        require(
            tf.reduce_all((counts > 0) & (counts <= atoms)),
            "counts: a structure has no atoms, or more than numbers has",
        ),
    )
    # Only now, so that the sum of absurd counts cannot wrap around.
    fits = require(tf.reduce_sum(counts) == atoms, "counts: must add up to the length of numbers")
    return after(numbers, fits), after(counts, fits)


def checked_crystals(positions, cell, pbc, numbers, counts) -> tuple[Any, Any, Any]:
    """Positions [A, 3], cell [S, 3, 3] and pbc [S, 3], or an error at run time."""
    positions = tf.ensure_shape(positions, [None, 3], name="positions_must_be_atoms_3")
    cell = tf.ensure_shape(cell, [None, 3, 3], name="cell_must_be_structures_3_3")
    pbc = tf.ensure_shape(pbc, [None, 3], name="pbc_must_be_structures_3")
    positions = after(positions, _as_long("positions", positions, "numbers", numbers))
    cell = after(cell, _as_long("cell", cell, "counts", counts))
    pbc = after(pbc, _as_long("pbc", pbc, "counts", counts))
    ignored = ~pbc[:, :, None]
    return (
        after(positions, _moderate("positions", positions)),
        after(cell, _moderate("cell", tf.where(ignored, tf.zeros_like(cell), cell))),
        pbc,
    )


def checked_pairs(
    displacements, centre, neighbor_numbers, atoms, *, max_pairs: int
) -> tuple[Any, Any, Any]:
    """Displacements [pairs, 3], centre and neighbour's number [pairs], or an error at run time.

    Args:
        displacements, centre, neighbor_numbers: As the request gives them.
        atoms: Number of atoms.
        max_pairs: Pairs allowed.
    """
    displacements = tf.ensure_shape(displacements, [None, 3], name="displacements_must_be_pairs_3")
    centre, numbers = vector(centre, "centre"), vector(neighbor_numbers, "neighbor_numbers")
    pairs = tf.shape(displacements, tf.int64)[0]
    displacements = after(
        displacements, require(pairs <= max_pairs, f"displacements: over {max_pairs} pairs")
    )
    centre = after(centre, _as_long("centre", centre, "displacements", displacements))
    numbers = after(numbers, _as_long("neighbor_numbers", numbers, "displacements", displacements))
    displacements = after(displacements, _moderate("displacements", displacements))
    squared = tf.reduce_sum(displacements**2, axis=-1)
    return (
        after(
            displacements,
            require(
                tf.reduce_all(squared >= SAME_PLACE**2),
                f"displacements: two atoms are less than {SAME_PLACE} Å apart",
            ),
        ),
        after(
            centre,
            require(
                tf.reduce_all((centre >= 0) & (centre < atoms)),
                "centre: an index that is not one of the atoms, which count from 0",
            ),
        ),
        numbers,
    )


def _as_long(name: str, values, other: str, reference):
    same = tf.shape(values)[0] == tf.shape(reference)[0]
    return require(same, f"{name}: must have as many rows as {other}")


def _moderate(name: str, values):
    # False for NaN too.
    return require(
        tf.reduce_all(tf.abs(values) <= LARGEST_LENGTH),
        f"{name}: must be finite and at most {LARGEST_LENGTH:g} Å",
    )

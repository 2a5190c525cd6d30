"""Densities of states of structures of any number and size, in chunks of atoms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from csnn_tf.checks import check_positive
from csnn_tf.compiled_predictor import CompiledPredictor, check_finite, power_of_two
from csnn_tf.data.atoms.structure import (
    Electrons,
    check_electron_counts,
    electrons_per_atom,
)
from csnn_tf.data.atoms.structure_set import check_structures
from csnn_tf.data.environments import Batch, Environments, padded
from csnn_tf.electronic import solve_fermi
from csnn_tf.errors import InputError
from csnn_tf.models.atomic_dos_model import AtomicDosModel
from csnn_tf.models.blocks import rows_within
from csnn_tf.models.compiled_forward import compiled_forward
from csnn_tf.models.folded_network import FoldedNetwork
from csnn_tf.models.loading import as_model
from csnn_tf.overlapping import overlapping
from csnn_tf.processor import tensorflow_on_cpu
from csnn_tf.rotating import vote_rotations

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet

_NUMBERS_AT_ONCE = 2**24  # of the largest feature map in a chunk: 64 MB
_SMALLEST = 16
_LARGEST = 2048
"""Atoms in a chunk by default, at most."""


@dataclasses.dataclass(frozen=True, eq=False)
class DosPrediction:
    """Predicted densities of states.

    Attributes:
        energies: [bins], eV from the vacuum level.
        dos: [S, bins], states/eV/atom, both spins.
        fermi_level: [S], eV; NaN where the DOS never reaches the electron count, or it is unknown.
        band_energy: [S], eV/atom (equation 14); NaN likewise.
        electrons: [S], electrons/atom; NaN where unknown.
        counts: [S], atoms of each structure.
        atomic_dos: [A, bins], states/eV of every atom, or None where not asked for.
    """

    energies: NDArray
    dos: NDArray
    fermi_level: NDArray
    band_energy: NDArray
    electrons: NDArray
    counts: NDArray
    atomic_dos: NDArray | None = None


class DosPredictor(CompiledPredictor):
    """Runs a density-of-states model over structures; time and memory go with the atoms.

    It computes what the model's `network_inputs` and `network` do one after the other.

    Args:
        model: A `DensityOfStates` model or one of the baselines with the same input; or its .keras
            file, run folder or name.
        chunk_atoms: Atoms in a chunk, of which several are computed at once (see `overlapping`); by
            default as many as fit into some 100 MB. TensorFlow's CPU fills large ones up to a
            multiple of the atoms whose feature maps stay in the cache (64 of the published model).
            A model that passes messages gets whole structures, however large, as many as have so
            many atoms.
        votes: Rotations, the same for all structures, over which densities of states are averaged;
            of no use to models that are invariant to them. As `csnn-tf export --votes`.
        electrons: Valence electrons per atom, a number or one by chemical symbol, in place of those
            that the model knows.

    Raises:
        InputError: There is no such model, or a number is out of range.

    Example:
        >>> model = DensityOfStates.from_preset("tiny", ["C"], np.linspace(-30, 1, 311), {"C": 4})
        >>> DosPredictor(model).predict(builtin_carbon()).dos.shape
        (224, 311)
    """

    def __init__(
        self,
        model: AtomicDosModel | str | Path,
        chunk_atoms: int | None = None,
        votes: int = 1,
        electrons: Electrons = None,
    ) -> None:
        self.model = as_model(model, AtomicDosModel)
        check_electron_counts(electrons)
        self._electrons = electrons
        self.votes = check_positive("votes", votes)
        if chunk_atoms is None:
            chunk_atoms = _affordable(self.model)
        self.chunk_atoms = check_positive("chunk_atoms", chunk_atoms)
        super().__init__()

    def _compile(self):
        # Nothing says that the network of a model whose atoms see each other keeps rows apart.
        blocks = tensorflow_on_cpu() and not self.model.passes_messages
        network = FoldedNetwork(self.model.network, blocks=blocks)
        self._rows = network.rows

        def forward(batch):
            return network(self.model.network_inputs(batch, training=False))

        return compiled_forward(forward, self.model, any_shape=True)

    def predict(self, structures: StructureSet, *, atomic: bool = False) -> DosPrediction:
        """DOS, Fermi level and band energy of structures.

        Args:
            structures: At least one; what they hold besides atoms is ignored.
            atomic: Whether the DOS of every atom is returned too.

        Raises:
            InputError: An element is unknown to the model, a structure has no neighbour list, or
                the model's weights are such that its answer is not finite.
        """
        check_structures(structures)
        dos, parts = [], []
        for block in self._blocks(structures):
            found = Environments.find(block, self.model.elements, self.model.cutoff)
            values = self.atomic_dos(found)
            starts = found.offsets[:-1]
            dos.append(np.add.reduceat(values, starts, axis=0, dtype=np.float64))
            if atomic:
                parts.append(values)
        mean = (np.concatenate(dos) / structures.counts[:, None]).astype(np.float32)
        check_finite(mean, lambda place: str(structures.names[place]))
        energies = np.asarray(self.model.energies)
        electrons = self.electrons(structures)
        level, band = (np.full(len(structures), np.nan) for _ in range(2))
        if self.known_electrons is not None:
            level, band = solve_fermi(energies, mean, electrons, role="prediction")
        return DosPrediction(
            energies=energies,
            dos=mean,
            fermi_level=level,
            band_energy=band,
            electrons=electrons,
            counts=structures.counts,
            atomic_dos=np.concatenate(parts) if atomic else None,
        )

    @property
    def known_electrons(self) -> Electrons:
        """Valence electrons as given, or else as the model knows them."""
        return self.model.electrons if self._electrons is None else self._electrons

    def electrons(self, structures: StructureSet) -> NDArray:
        """Electrons/atom of each structure [S], NaN if unknown.

        Raises:
            InputError: The count of an element was not given.
        """
        known = self.known_electrons
        return np.array(
            [
                electrons_per_atom(structures.numbers[first : first + count], known, str(name))
                for first, count, name in zip(
                    structures.offsets, structures.counts, structures.names, strict=True
                )
            ]
        )

    def atomic_dos(self, environments: Environments) -> NDArray:
        """DOS of every atom, [A, bins] float32, states/eV."""
        return np.concatenate(list(overlapping(self._chunk, self._batches(environments))))

    def _batches(self, environments: Environments) -> Iterator[Batch]:
        if self.model.passes_messages:
            ends = np.cumsum(environments.counts)
            start = 0
            while start < len(ends):
                before = ends[start] - environments.counts[start]
                fit = int(np.searchsorted(ends, before + self.chunk_atoms, side="right"))
                stop = max(fit, start + 1)
                batch = environments.of_structures(range(start, stop))
                del batch["counts"]  # another shape each time, and not needed for atoms
                yield batch
                start = stop
            return
        total = len(environments.atoms)
        for first in range(0, total, self.chunk_atoms):
            yield environments.of_atoms(first, min(first + self.chunk_atoms, total))

    def _chunk(self, batch: Batch) -> NDArray:
        present = len(batch["atoms"])
        # Few padded shapes, so that few compilations: powers of two.
        atoms = max(power_of_two(present), _SMALLEST)
        if present <= self.chunk_atoms:
            atoms = min(self.chunk_atoms, atoms)
        if self._rows is not None and atoms > self._rows:
            atoms = -(-atoms // self._rows) * self._rows
        pairs = max(power_of_two(len(batch["centre"])), _SMALLEST)
        batch = padded(batch, atoms, pairs)
        if self.votes == 1:
            return np.asarray(self._forward(batch))[:present]
        displacements = batch["displacements"]
        total = sum(
            np.asarray(self._forward({**batch, "displacements": displacements @ matrix.T}))
            for matrix in vote_rotations(self.votes).astype(np.float32)
        )
        return (total / np.float32(self.votes))[:present]

    def _blocks(self, structures: StructureSet) -> Iterator[StructureSet]:
        """Groups of structures with some chunks of atoms each."""
        if not len(structures):
            raise InputError("there are no structures to predict.")
        group = (np.cumsum(structures.counts) - 1) // (8 * self.chunk_atoms)
        for rows in np.split(np.arange(len(structures)), np.flatnonzero(np.diff(group)) + 1):
            yield structures if len(rows) == len(structures) else structures.subset(rows)


def least_chunks(model: type[AtomicDosModel], structures: StructureSet) -> int:
    """Chunks that structures make at least, by default.

    Args:
        model: Class of the model; one that passes messages takes structures whole.
        structures: What is to be predicted.
    """
    chunks = -(-len(structures.numbers) // _LARGEST)
    return min(chunks, len(structures)) if model.passes_messages else chunks


def _affordable(model: AtomicDosModel) -> int:
    """Atoms, a power of two, whose largest feature maps stay within the budget."""
    return min(max(rows_within(_NUMBERS_AT_ONCE, model.numbers_per_atom), _SMALLEST), _LARGEST)

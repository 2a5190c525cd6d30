"""Densities of states for users of ASE."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.atoms import StructureSet, structure_from_atoms
from csnn_tf.data.atoms.ase_files import check_atoms
from csnn_tf.data.atoms.structure import Electrons
from csnn_tf.dos_inference import DosPrediction, DosPredictor
from csnn_tf.errors import InputError
from csnn_tf.models.atomic_dos_model import AtomicDosModel

if TYPE_CHECKING:
    from ase import Atoms


class DosCalculator:
    """Predicted DOS of an `ase.Atoms` object, by the names that ASE gives such things.

    `get_energies` and `get_dos` are those of `ase.dft.dos.DOS`, with differences that its users
    should know: energies count from the vacuum level, not from the Fermi level (subtract
    `get_fermi_level()` to compare), the broadening is that of the training data, and both spins are
    together. The result is kept until atoms, positions, cell, boundaries or the model's weights
    change. It computes no energies or forces, so it is not for `atoms.calc`. Copies and pickled
    ones have a model of their own.

    Args:
        model: A density-of-states model, or what `csnn_tf.models.loading.load_model` reads: a
            .keras file, a run folder or the name of a trained model.
        atoms: Structure for calls that give none.
        chunk_atoms: Atoms at once, see `csnn_tf.dos_inference.DosPredictor`.
        votes: Rotations that are averaged over, see there.
        electrons: Valence electrons per atom, a number or one by chemical symbol, in place of those
            that the model knows.

    Raises:
        InputError: If there is no such model, or a number is out of range.

    Example:
        >>> calculator = DosCalculator("runs/carbon")
        >>> calculator.get_fermi_level(ase.build.graphene(size=(4, 4, 1), vacuum=10.0))
    """

    def __init__(
        self,
        model: AtomicDosModel | str | Path,
        atoms: Atoms | None = None,
        *,
        chunk_atoms: int | None = None,
        votes: int = 1,
        electrons: Electrons = None,
    ) -> None:
        self._predictor = DosPredictor(model, chunk_atoms, votes, electrons)
        self.model, self.atoms = self._predictor.model, atoms
        self._known: tuple[Atoms, bytes, DosPrediction] | None = None

    def get_energies(self) -> NDArray:
        """Energies of the bins, [bins], eV from the vacuum level."""
        return np.asarray(self.model.energies)

    def get_dos(self, atoms: Atoms | None = None) -> NDArray:
        """DOS of the whole cell, [bins], states/eV, both spins."""
        prediction = self._predict(atoms)
        return prediction.dos[0].astype(np.float64) * int(prediction.counts[0])

    def get_atomic_dos(self, atoms: Atoms | None = None) -> NDArray:
        """Contribution of every atom, [N, bins], states/eV; they sum to `get_dos`."""
        prediction = self._predict(atoms)
        assert prediction.atomic_dos is not None
        return prediction.atomic_dos.astype(np.float64)

    def get_fermi_level(self, atoms: Atoms | None = None) -> float:
        """Fermi level, eV from the vacuum level.

        Raises:
            InputError: Nothing says the electron counts, or the DOS does not reach the count.
        """
        return self._solved(atoms, "fermi_level")

    def get_band_energy(self, atoms: Atoms | None = None) -> float:
        """Band energy of the whole cell (equation 14), eV.

        Raises:
            InputError: As `get_fermi_level`.
        """
        return self._solved(atoms, "band_energy") * int(self._predict(atoms).counts[0])

    def get_number_of_electrons(self, atoms: Atoms | None = None) -> float:
        """Electrons of the whole cell that the Fermi level counts; NaN if unknown."""
        prediction = self._predict(atoms)
        return float(prediction.electrons[0]) * int(prediction.counts[0])

    def _solved(self, atoms: Atoms | None, field: str) -> float:
        if self._predictor.known_electrons is None:
            raise InputError(
                "the model does not know how many electrons its elements have: give electrons."
            )
        value = float(getattr(self._predict(atoms), field)[0])
        if np.isnan(value):
            raise InputError("the predicted DOS never reaches the electron count.")
        return value

    def _predict(self, atoms: Atoms | None) -> DosPrediction:
        atoms = self.atoms if atoms is None else atoms
        if atoms is None:
            raise InputError("there are no atoms: give them to the call or to DosCalculator.")
        check_atoms(atoms, "the structure")
        weights = _digest(self.model)
        if self._known is None or weights != self._known[1] or _changed(self._known[0], atoms):
            structure = structure_from_atoms(
                atoms, atoms.get_chemical_formula() or "the structure", atoms_only=True
            )
            structures = StructureSet.from_structures([structure])
            prediction = self._predictor.predict(structures, atomic=True)
            self._known = atoms.copy(), weights, prediction
        return self._known[2]


def _digest(model: AtomicDosModel) -> bytes:
    """Tells one state of the weights from others."""
    found = sha256()
    for weight in model.weights:
        found.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)))
    return found.digest()


def _changed(before: Atoms, now: Atoms) -> bool:
    """Whether anything that the DOS depends on differs."""
    return not (
        len(before) == len(now)
        and np.array_equal(before.numbers, now.numbers)
        and np.array_equal(before.positions, now.positions)
        and np.array_equal(before.cell.array, now.cell.array)
        and np.array_equal(before.pbc, now.pbc)
    )

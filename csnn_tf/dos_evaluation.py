"""Errors of a density-of-states model on a test set, beside the means that it must beat."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from csnn_tf.checks import check_positive, check_seed
from csnn_tf.data.atoms.structure_set import check_structures
from csnn_tf.dos_inference import DosPrediction, DosPredictor
from csnn_tf.electronic import DosReport, dos_report, solve_fermi, yardstick_reports
from csnn_tf.electronic.quantities import (
    Convention,
    held_electrons,
    out_of_reach_if_unknown,
)
from csnn_tf.errors import InputError
from csnn_tf.grid import random_rotations
from csnn_tf.models.atomic_dos_model import AtomicDosModel, described_bins, same_bins

if TYPE_CHECKING:
    from pathlib import Path

    from csnn_tf.data.atoms import StructureSet
    from csnn_tf.evaluation import Progress


@dataclasses.dataclass(frozen=True, eq=False)
class DosEvaluation:
    """What an evaluation found.

    Attributes:
        report: The model's errors.
        yardsticks: Errors of the training structures' mean DOS, by name.
        band_energy_change: Mean absolute change of the predicted band energy, eV/atom, when a
            structure is turned by an arbitrary rotation; None where not measured, or where a
            predicted DOS does not reach the electron count or that is unknown.
        rotations: Rotations of each structure that were tried for it.
        prediction: The model's prediction, Fermi levels and band energies in the convention that
            was asked for and of the electron counts of the structures, NaN where unknown.
    """

    report: DosReport
    yardsticks: dict[str, DosReport]
    band_energy_change: float | None
    rotations: int
    prediction: DosPrediction

    def to_dict(self) -> dict[str, Any]:
        """Errors as plain numbers for JSON."""
        return {
            **self.report.to_dict(),
            "yardsticks": {name: report.to_dict() for name, report in self.yardsticks.items()},
            "band_energy_change": self.band_energy_change,
            "rotations": self.rotations,
        }


def evaluate_dos(
    model: AtomicDosModel | str | Path,
    structures: StructureSet,
    train: StructureSet | None = None,
    *,
    convention: Convention = "spline",
    rotations: int = 0,
    seed: int = 0,
    need_electrons: bool = False,
    progress: Progress | None = None,
) -> DosEvaluation:
    """Compare predicted with reference densities of states.

    Structures whose electron count neither they nor the model know are unresolved (see
    `csnn_tf.electronic.DosErrors`): their DOS counts, Fermi level and band energy do not.

    Args:
        model: The model, or its .keras file, run folder or name.
        structures: Test structures, with DOS on the model's bins.
        train: Training structures with DOS on the same bins, whose means are the yardsticks; None
            for no yardsticks.
        convention: How Fermi level and band energy are taken, see
            `csnn_tf.electronic.solve_fermi`.
        rotations: Arbitrary rotations (uniform over SO(3)) of each structure under which the change
            of its band energy is measured; 0 skips that.
        seed: Seed of the rotations.
        need_electrons: Whether unknown electron counts are refused, before anything is computed.
        progress: Called after every pass over the structures.

    Raises:
        InputError: The structures or those of `train` have no DOS or other bins, an electron count
            is unknown but needed, or an argument is out of range.
    """
    check_structures(structures)
    if train is not None:
        check_structures(train)
        if train.dos is None:
            raise InputError("train holds structures without a DOS, whose mean is the yardstick.")
    rotations = check_positive("rotations", rotations) if rotations else 0
    seed = check_seed(seed)
    predictor = DosPredictor(model)
    model = predictor.model
    electrons = _checked(predictor, structures, need_electrons)
    if convention == "spline":  # what the reference lacks, a prediction like it does too
        electrons = held_electrons(structures.energies, structures.dos, electrons)
    if train is not None:
        _check_bins("train", train, model)
        # Rounding apart they are the same, and the yardsticks want the very same.
        train = dataclasses.replace(train, energies=structures.energies)
    prediction = _counted(predictor.predict(structures), electrons, convention)
    if progress is not None:
        progress(1, 1 + rotations)
    report = dos_report(
        structures.energies,
        structures.dos,
        prediction.dos,
        electrons,
        structures.types,
        convention=convention,
        atoms=structures.counts,
    )
    change = None
    if rotations:
        rng = np.random.default_rng(seed)
        changes = []
        for number in range(rotations):
            turned = turned_structures(structures, random_rotations(len(structures), rng))
            found = _counted(predictor.predict(turned), electrons, convention)
            changes.append(found.band_energy - prediction.band_energy)
            if progress is not None:
                progress(2 + number, 1 + rotations)
        change = float(np.mean(np.abs(changes)))
        change = change if np.isfinite(change) else None
    known = np.where(np.isinf(electrons), np.nan, electrons)
    yardsticks = {}
    if train is not None:
        test = dataclasses.replace(structures, electrons=known)
        yardsticks = yardstick_reports(train, test, convention)
    prediction = dataclasses.replace(prediction, electrons=known)
    return DosEvaluation(report, yardsticks, change, rotations, prediction)


def _counted(
    prediction: DosPrediction, electrons: NDArray, convention: Convention
) -> DosPrediction:
    """A prediction whose Fermi level and band energy are of these electron counts."""
    if convention == "spline" and np.array_equal(prediction.electrons, electrons):
        return prediction
    level, band = solve_fermi(
        prediction.energies,
        prediction.dos,
        electrons,
        convention=convention,
        atoms=prediction.counts,
        role="prediction",
    )
    return dataclasses.replace(prediction, electrons=electrons, fermi_level=level, band_energy=band)


def turned_structures(structures: StructureSet, matrices: NDArray) -> StructureSet:
    """Structures, positions and cells, each turned about the origin by a matrix of its own.

    Args:
        structures: The structures.
        matrices: [S, 3, 3].
    """
    per_atom = np.repeat(matrices, structures.counts, axis=0)
    return dataclasses.replace(
        structures,
        positions=np.einsum("aij,aj->ai", per_atom, structures.positions),
        cells=np.einsum("sij,slj->sli", matrices, structures.cells),
    )


def _checked(predictor: DosPredictor, structures: StructureSet, need_electrons: bool) -> NDArray:
    """Electrons/atom of each structure, after checking that the two belong together."""
    if structures.dos is None:
        raise InputError("the structures have no DOS to compare with.")
    _check_bins("the data", structures, predictor.model)
    electrons = structures.electrons
    if np.isnan(electrons).any():
        electrons = np.where(np.isnan(electrons), predictor.electrons(structures), electrons)
    if need_electrons and np.isnan(electrons).any():
        raise InputError("the electron counts are unknown: give --electrons, for example C=4.")
    return out_of_reach_if_unknown(electrons)


def _check_bins(name: str, structures: StructureSet, model: AtomicDosModel) -> None:
    if not same_bins(structures.energies, model.energies):
        raise InputError(
            f"{name} has {described_bins(structures.energies)}, the model "
            f"{described_bins(model.energies)}."
        )

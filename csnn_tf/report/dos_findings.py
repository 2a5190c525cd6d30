"""What the page of a density-of-states model shows, measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from csnn_tf.dos_evaluation import DosEvaluation, evaluate_dos
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.electronic import solve_fermi
from csnn_tf.electronic.groups import rows_by_label

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet
    from csnn_tf.models import AtomicDosModel


@dataclass(frozen=True)
class DosFindings:
    """Measurements of a density-of-states model on a test set.

    Attributes:
        structures: The test structures.
        evaluation: Errors and predictions.
        reference_level: [S] Fermi level of the reference, eV; NaN where there is none.
        reference_band: [S] band energy of the reference, eV/atom.
        errors: [S] root mean square error of each DOS, states/eV/atom.
        chosen: Structure type to the rows of its best, median and worst structure by `errors`.
        atomic: Row of a chosen structure to the band energy of each of its atoms, eV.
    """

    structures: "StructureSet"
    evaluation: DosEvaluation
    reference_level: NDArray
    reference_band: NDArray
    errors: NDArray
    chosen: dict[str, dict[str, int]]
    atomic: dict[int, NDArray]

    @classmethod
    def measure(
        cls,
        model: "AtomicDosModel",
        structures: "StructureSet",
        train: "StructureSet | None" = None,
        *,
        rotations: int = 1,
        seed: int = 0,
        progress: Callable[[str], Any] = lambda step: None,
    ) -> "DosFindings":
        """Predict the structures and compare.

        Args:
            model: The model.
            structures: Test structures, with DOS on the model's bins.
            train: Training structures, whose means stand beside the model, or None.
            rotations: Arbitrary rotations of each structure under which the change of its band
                energy is measured.
            seed: Of the rotations.
            progress: Called with the name of every step before it.

        Raises:
            InputError: If the structures have no DOS, other bins, or no electron count.
        """
        progress(f"{len(structures)} structures")
        evaluation = evaluate_dos(
            model, structures, train, rotations=rotations, seed=seed, need_electrons=True
        )
        prediction = evaluation.prediction
        level, band = solve_fermi(
            structures.energies,
            structures.dos,
            evaluation_electrons(structures, prediction.electrons),
        )
        errors = np.sqrt(np.mean((prediction.dos - structures.dos) ** 2, axis=1, dtype=np.float64))
        chosen = best_median_worst(errors, structures.types)
        progress("contributions of atoms")
        rows = sorted({row for rows in chosen.values() for row in rows.values()})
        shown = structures.subset(np.array(rows))
        found = DosPredictor(model).predict(shown, atomic=True)
        atomic = {}
        for place, row in enumerate(rows):
            first = shown.offsets[place]
            curves = found.atomic_dos[first : first + shown.counts[place]]
            atomic[row] = atomic_band_energy(found.energies, curves, prediction.fermi_level[row])
        return cls(structures, evaluation, level, band, errors, chosen, atomic)


def evaluation_electrons(structures: "StructureSet", known: NDArray) -> NDArray:
    """Electrons/atom [S] of the structures, the model's where the data does not say."""
    return np.where(np.isnan(structures.electrons), known, structures.electrons)


def best_median_worst(errors: NDArray, types: NDArray) -> dict[str, dict[str, int]]:
    """Rows of the structures with the lowest, middle and highest error of each type.

    Args:
        errors: [S].
        types: [S] structure types.

    Returns:
        Type to {"best": row, "median": row, "worst": row}; fewer where a type has fewer than three.
    """
    chosen = {}
    for kind, rows in rows_by_label(np.asarray(types)).items():
        rows = rows[np.argsort(errors[rows], kind="stable")]
        places = {"best": 0, "median": len(rows) // 2, "worst": len(rows) - 1}
        if len(rows) < 3:
            del places["median"]
        if len(rows) < 2:
            del places["worst"]
        chosen[kind] = {name: int(rows[place]) for name, place in places.items()}
    return chosen


def atomic_band_energy(energies: NDArray, atomic_dos: NDArray, fermi_level: float) -> NDArray:
    r"""Every atom's part of the band energy.

    $E_a = \int_{-\infty}^{E_F} DOS_a(\epsilon)\,\epsilon\,d\epsilon$, equation 14 for the DOS of
    one atom; its mean over the atoms is the structure's band energy, up to the trapezoidal rule.

    Args:
        energies: [bins], eV.
        atomic_dos: [A, bins], states/eV.
        fermi_level: Of the structure, eV.

    Returns:
        [A], eV; NaN where the Fermi level is.
    """
    if not np.isfinite(fermi_level):
        return np.full(len(atomic_dos), np.nan)
    below = energies < fermi_level
    at_level = np.array([np.interp(fermi_level, energies, curve) for curve in atomic_dos])
    grid = np.append(energies[below], fermi_level)
    curves = np.concatenate([atomic_dos[:, below], at_level[:, None]], axis=1)
    return trapezoid(curves * grid, grid, axis=1)

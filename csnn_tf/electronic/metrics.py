"""Errors of predicted densities of states: overall and by structure type, as in Table II."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.electronic.groups import rows_by_label
from csnn_tf.electronic.quantities import (
    Convention,
    cumulative_dos,
    held_electrons,
    out_of_reach_if_unknown,
    solve_fermi,
)
from csnn_tf.errors import InputError

#: Mean band-energy error below which a structure counts as resolved, eV/atom (section IV-B).
CHEMICAL_ACCURACY = 0.043
# Share of the largest DOS below which there is a gap.
_GAP = 1e-3
_MOST_COLUMNS = 12


@dataclasses.dataclass(frozen=True)
class DosErrors:
    """Errors over a group of structures.

    Attributes:
        structures: Number of structures in the group.
        unresolved: Structures whose predicted or reference DOS never reaches the electron count,
            or whose count is unknown; they have no Fermi level and are left out of the two means
            below (and count as outside chemical accuracy).
        gapped: Structures whose reference DOS has next to no states at its Fermi level. In a gap
            the level hangs on the last digits of a DOS, so their errors of it say little.
        band_energy_mae: Mean absolute error of the band energy, eV/atom; NaN if none is resolved.
        fermi_level_mae: Mean absolute error of the Fermi level, eV; NaN if none is resolved.
        dos_rmse: Root mean square error over structures and bins, states/eV/atom.
        cumulative_dos_rmse: The same of the cumulative DOS, states/atom.
        within_chemical_accuracy: Share of structures (0 to 1) whose band-energy error is at most
            0.043 eV/atom.
    """

    structures: int
    unresolved: int
    gapped: int
    band_energy_mae: float
    fermi_level_mae: float
    dos_rmse: float
    cumulative_dos_rmse: float
    within_chemical_accuracy: float


@dataclasses.dataclass(frozen=True)
class DosReport:
    """Errors of one model on one set of structures.

    Attributes:
        overall: Errors over all structures.
        by_type: Errors of each structure type, in the order of first appearance.
    """

    overall: DosErrors
    by_type: dict[str, DosErrors]

    @property
    def types_within_chemical_accuracy(self) -> int:
        """Structure types whose mean band-energy error is at most 0.043 eV/atom, all resolved."""
        return sum(
            errors.unresolved == 0 and errors.band_energy_mae <= CHEMICAL_ACCURACY
            for errors in self.by_type.values()
        )

    def to_dict(self) -> dict:
        """Nested dict of plain numbers for JSON; a mean that does not exist becomes None."""
        plain = dataclasses.asdict(self)
        plain["types_within_chemical_accuracy"] = self.types_within_chemical_accuracy
        plain["overall"] = _without_nan(plain["overall"])
        plain["by_type"] = {name: _without_nan(row) for name, row in plain["by_type"].items()}
        return plain


def dos_report(
    energies: ArrayLike,
    reference: ArrayLike,
    predicted: ArrayLike,
    electrons: ArrayLike,
    types: ArrayLike,
    *,
    convention: Convention = "spline",
    atoms: ArrayLike = 1,
) -> DosReport:
    """Compare predicted with reference densities of states.

    Args:
        energies: [bins], eV.
        reference: [S, bins], states/eV/atom, both spins.
        predicted: [S, bins], the same.
        electrons: Electrons/atom, one number or [S]; NaN where unknown, which is unresolved.
        types: [S], structure type of each, text.
        convention: How Fermi level and band energy are taken, see `solve_fermi`.
        atoms: Atoms in each cell, one number or [S]; only the published convention uses it.

    Returns:
        The report; `format_table` prints it.

    Raises:
        InputError: No structures, or arrays of different lengths.
    """
    reference, predicted = np.asarray(reference), np.asarray(predicted)
    types = np.asarray(types, dtype=str)
    if reference.ndim != 2 or reference.shape != predicted.shape or not len(reference):
        raise InputError(
            f"reference {reference.shape} and predicted {predicted.shape} must both be "
            "[structures, bins] with at least one structure."
        )
    if types.shape != reference.shape[:1]:
        raise InputError(f"types has shape {types.shape}; expected ({len(reference)},).")
    electrons = out_of_reach_if_unknown(electrons)
    if convention == "spline":  # what the reference lacks, a prediction like it does too
        electrons = held_electrons(energies, reference, electrons)
    true = solve_fermi(
        energies, reference, electrons, convention=convention, atoms=atoms, role="reference"
    )
    found = solve_fermi(
        energies, predicted, electrons, convention=convention, atoms=atoms, role="prediction"
    )
    difference = cumulative_dos(energies, predicted - reference, convention)
    errors = {
        "band": np.abs(found.band_energy - true.band_energy),
        "level": np.abs(found.fermi_level - true.fermi_level),
        "dos": np.mean((predicted - reference) ** 2, axis=1, dtype=np.float64),
        "cumulative": np.mean(difference**2, axis=1),
        "gapped": _states_at(energies, reference, true.fermi_level) < _GAP * reference.max(axis=1),
    }
    return DosReport(
        overall=_errors(errors, np.arange(len(types))),
        by_type={name: _errors(errors, rows) for name, rows in rows_by_label(types).items()},
    )


def format_table(
    reports: Mapping[str, DosReport],
    metric: str = "band_energy_mae",
    details: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Markdown table with the columns of Table II: one row a model, one column a type, overall.

    Of more than 12 types, as where each formula is one, there is the column overall alone.

    Args:
        reports: Model name to report, all on the same structures.
        metric: Field of `DosErrors` to show.
        details: Further columns beside the model's name, by title: one text a model.

    Returns:
        Text; the best figure of each column stands in bold. A group with unresolved structures
        says so next to its figure and never counts as best.

    Raises:
        InputError: The metric is unknown, or the reports cover different types.
    """
    if metric not in {field.name for field in dataclasses.fields(DosErrors)}:
        raise InputError(f"metric is {metric!r}; expected a field of DosErrors.")
    columns = [list(report.by_type) for report in reports.values()]
    if not columns or any(set(names) != set(columns[0]) for names in columns):
        raise InputError("format_table needs at least one report, all on the same types.")
    shown = columns[0] if len(columns[0]) <= _MOST_COLUMNS else []
    names = [*shown, "Overall"]
    cells = {
        model: [*(report.by_type[name] for name in shown), report.overall]
        for model, report in reports.items()
    }
    larger_is_better = metric in ("within_chemical_accuracy", "structures")
    rows = []
    details = details or {}
    for place, (model, errors) in enumerate(cells.items()):
        row = [model, *(texts[place] for texts in details.values())]
        for column, entry in enumerate(errors):
            rivals = [other[column] for other in cells.values()]
            valid = [getattr(rival, metric) for rival in rivals if not rival.unresolved]
            best = (max if larger_is_better else min)(valid, default=None)
            value = getattr(entry, metric)
            text = str(value) if isinstance(value, int) else f"{value:.4f}"
            if entry.unresolved:
                text += f" ({entry.unresolved} unresolved)"
            elif len(cells) > 1 and value == best:
                text = f"**{text}**"
            row.append(text)
        rows.append(row)
    head = ["Model", *details, *names]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _errors(errors: dict[str, NDArray], rows: NDArray) -> DosErrors:
    band = errors["band"][rows]
    resolved = np.isfinite(band)
    none = not resolved.any()
    return DosErrors(
        structures=len(rows),
        unresolved=int((~resolved).sum()),
        gapped=int(errors["gapped"][rows].sum()),
        band_energy_mae=float("nan") if none else float(band[resolved].mean()),
        fermi_level_mae=float("nan") if none else float(errors["level"][rows][resolved].mean()),
        dos_rmse=float(np.sqrt(errors["dos"][rows].mean())),
        cumulative_dos_rmse=float(np.sqrt(errors["cumulative"][rows].mean())),
        within_chemical_accuracy=float((band <= CHEMICAL_ACCURACY).mean()),
    )


def _states_at(energies: ArrayLike, dos: NDArray, levels: NDArray) -> NDArray:
    """DOS [S, bins] at an energy each, [S]; NaN at NaN."""
    rows = zip(np.atleast_1d(levels), dos, strict=True)
    return np.array([np.interp(level, energies, row) for level, row in rows])


def _without_nan(row: dict) -> dict:
    return {key: None if value != value else value for key, value in row.items()}

"""Table II: errors of the density-of-states models by structure type."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from csnn_tf.dos_evaluation import evaluate_dos
from csnn_tf.electronic import CHEMICAL_ACCURACY, DosErrors, DosReport, format_table
from csnn_tf.models import AtomicDosModel
from csnn_tf.models.loading import load_model
from csnn_tf.reproduction.dos_runs import DosRun
from csnn_tf.reproduction.runs import weights
from csnn_tf.reproduction.tables import comma_separated, write_texts

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet

_TITLES = {
    "band_energy_mae": "Band energy, mean absolute error, eV/atom",
    "fermi_level_mae": "Fermi level, mean absolute error, eV",
    "dos_rmse": "DOS, root mean square error, states/eV/atom",
    "within_chemical_accuracy": f"Share of structures within {CHEMICAL_ACCURACY} eV/atom",
}
_MODELS = {
    "agni": ("AGNI", "hand-crafted"),
    "schnet": ("SchNet", "learned"),
    "csnn": ("CSNN", "learned"),
}
_YARDSTICKS = {
    "mean DOS of the type": "mean of the type",
    "mean DOS of the type and temperature": "mean of the type and temperature",
}
_CAUTION = """\
The paper's own Table II (overall 0.033 for AGNI, 0.035 for SchNet, 0.025 for CSNN) is about
snapshots computed with density functional theory (DFT), which are not these data: it is not the
same test, and its numbers must not be set beside these. A model that does not beat the means, which
know nothing of the positions of atoms, has learned nothing from them."""


@dataclasses.dataclass(frozen=True)
class Table2Row:
    """One model or yardstick.

    Attributes:
        model: Its name.
        kind: "learned", "hand-crafted" or "mean".
        weights: Number of trainable weights; None for a mean.
        run: The run; None for a mean.
        report: Its errors.
    """

    model: str
    kind: str
    weights: int | None
    run: DosRun | None
    report: DosReport

    @property
    def label(self) -> str:
        """The name, and whether the training was cut short."""
        if self.run is None or self.run.complete:
            return self.model
        return f"{self.model} ({self.run.cut_short})"


def table2(runs: Mapping[str, DosRun], structures: StructureSet) -> list[Table2Row]:
    """Evaluate models and yardsticks on the test split.

    Args:
        runs: Trained runs by "csnn", "agni", "schnet".
        structures: With DOS and the splits "train" and "test".

    Returns:
        The paper's order: baselines, then CSNN; the yardsticks after them.

    Raises:
        InputError: If a split is missing or a model does not fit the data.
    """
    test, train = structures.select(split="test"), structures.select(split="train")
    rows, means = [], {}
    for name in (name for name in _MODELS if name in runs):
        run = runs[name]
        model = load_model(run.folder.path, AtomicDosModel)
        result = evaluate_dos(model, test, train, need_electrons=True)
        rows.append(Table2Row(*_MODELS[name], weights(model), run, result.report))
        means = result.yardsticks
    rows += [
        Table2Row(title, "mean", None, None, means[name])
        for name, title in _YARDSTICKS.items()
        if name in means
    ]
    return rows


def markdown(rows: list[Table2Row], data: str) -> str:
    """The tables, how the runs were made, and what not to compare them with.

    Args:
        rows: From `table2`.
        data: Name of the data.
    """
    reports = {row.label: row.report for row in rows}
    details = {
        "Type": [row.kind for row in rows],
        "Params": ["" if row.weights is None else f"{row.weights:,}" for row in rows],
    }
    count = rows[0].report.overall.structures
    parts = [f"# Table II on {data}", f"{count} test structures. {_CAUTION}"]
    for metric, title in _TITLES.items():
        parts += [f"## {title}", format_table(reports, metric, details)]
    resolved = [
        f"{row.label} {row.report.types_within_chemical_accuracy} of {len(row.report.by_type)}"
        for row in rows
    ]
    parts.append(
        f"Types whose mean error is within {CHEMICAL_ACCURACY} eV/atom: {'; '.join(resolved)}."
    )
    parts += ["## Runs", "\n".join(_described(row) for row in rows if row.run is not None)]
    return "\n\n".join(parts) + "\n"


def table_csv(rows: list[Table2Row]) -> str:
    """Every error of every model and structure type, one line each."""
    errors = [field.name for field in dataclasses.fields(DosErrors)]
    header = ["model", "type", "params", "seed", "epochs", "epochs_planned", "cut_short"]
    lines: list[list[object]] = []
    for row in rows:
        run = row.run
        about = ["", "", "", ""]
        if run is not None:
            about = [run.config.seed, run.epochs, run.config.epochs, int(not run.complete)]
        groups = {**row.report.by_type, "Overall": row.report.overall}
        for name, group in groups.items():
            values = [f"{getattr(group, field):.6g}" for field in errors]
            lines.append([row.model, row.kind, row.weights or "", *about, name, *values])
    return comma_separated([*header, "structure_type", *errors], lines)


def write_table2(rows: list[Table2Row], data: str, out: Path) -> list[Path]:
    """Write table2.md and table2.csv.

    Returns:
        Both files.

    Raises:
        InputError: If the folder cannot be written.
    """
    return write_texts({"table2.md": markdown(rows, data), "table2.csv": table_csv(rows)}, out)


def _described(row: Table2Row) -> str:
    text = f"- {row.model}: {row.run.description}"
    if row.run.complete:
        return text + "."
    return text + ": cut short, so its errors are not those of a finished run."

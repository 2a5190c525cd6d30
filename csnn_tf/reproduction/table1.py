"""Table I: accuracy of classifiers under rotations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csnn_tf.data.modelnet_classes import MODELNET40_CLASSES
from csnn_tf.evaluation import evaluate
from csnn_tf.evaluation_result import EvaluationResult
from csnn_tf.reproduction.classifier_runs import ClassifierRun
from csnn_tf.reproduction.history_on_test import best_on_test
from csnn_tf.reproduction.runs import weights
from csnn_tf.reproduction.tables import comma_separated, markdown_table, percent, write_texts

if TYPE_CHECKING:
    from csnn_tf.data.shape_set import ShapeSet

SETTINGS = (("z", "z"), ("z", "so3"), ("so3", "so3"))
"""Rotations in training and in testing, the columns of the table."""
MODELS = {"pointnet": "PointNet", "dgcnn": "DGCNN", "csnn": "CSNN"}
"""The rows of the table, in the paper's order."""
PUBLISHED = {
    "pointnet": ("3.5M", 87.5, 22.9, 84.9),
    "dgcnn": ("1.8M", 90.7, 35.5, 89.0),
    "csnn": ("4.0M", 91.0, 88.3, 90.1),
}
"""Weights and accuracies in percent of the paper's Table I."""

_HEADS = tuple(f"{train}/{test}".replace("so3", "SO3") for train, test in SETTINGS)
_INTRODUCTION = """\
Overall accuracy in percent on {count} test shapes, in brackets the 95 % interval by bootstrap over
the shapes. A/B: trained under rotations A, tested under rotations B; z is about the upright axis,
SO3 uniform over all rotations. The epoch is chosen on shapes held out from the training set. The
paper's rows are figures of its Table I, which are about ModelNet40 and were picked on the test set:
they are higher than they would be had the epoch been chosen without it."""
_OTHER_DATA = "These data are not ModelNet40, so the paper's rows must not be set against ours."
_CHOICES = """\
The same runs with other epochs: what is gained by choosing one on held-out shapes (`best.keras`)
over taking the last (`last.keras`)."""
_ON_TEST = """
The highest accuracy on the test set of any epoch, for each column anew, is what choosing the epoch
there would seem to reach: it is no accuracy on unseen shapes."""


@dataclasses.dataclass(frozen=True)
class Table1Row:
    """A model in all settings.

    Attributes:
        model: Its name.
        weights: Number of trainable weights by rotation in training.
        runs: The runs by rotation in training, those that there are.
        held_out: By setting, the accuracy of the epoch that was best on held-out shapes.
        last: By setting, that of the last epoch.
        on_test: By setting, what `best_on_test` gives for these test shapes; without those of which
            it knows nothing.
    """

    model: str
    weights: dict[str, int]
    runs: dict[str, ClassifierRun]
    held_out: dict[tuple[str, str], EvaluationResult]
    last: dict[tuple[str, str], EvaluationResult]
    on_test: dict[tuple[str, str], tuple[int, float, int]]

    @property
    def title(self) -> str:
        """How the table calls the model."""
        return MODELS[self.model]

    def cut_short(self, setting: tuple[str, str]) -> str:
        """That the setting's run was cut short, or nothing."""
        run = self.runs.get(setting[0])
        return "" if run is None else run.cut_short

    def late_on_test(self) -> list[str]:
        """Names of the runs of which not every epoch was looked at on the test set."""
        looked_at = {trained: found[2] for (trained, _), found in self.on_test.items()}
        return [
            run_name(self.model, rotation)
            for rotation, run in self.runs.items()
            if looked_at.get(rotation, 0) < run.epochs
        ]


def run_name(model: str, rotation: str) -> str:
    """Name of the folder of a run."""
    return f"{model}-{rotation}"


def table1(
    runs: Mapping[str, ClassifierRun],
    shapes: Callable[[ClassifierRun], ShapeSet],
    *,
    seed: int = 0,
    progress: Callable[[str], Any] = lambda step: None,
) -> list[Table1Row]:
    """Evaluate runs in all settings.

    Args:
        runs: By `run_name`.
        shapes: The test shapes as a run takes them.
        seed: Of the rotations of the test shapes.
        progress: Called with the name of every step before it.

    Returns:
        The paper's order: baselines, then CSNN; models without a run are left out.

    Raises:
        InputError: If a model cannot be read or does not fit the shapes.
    """
    rows = []
    for name in MODELS:
        own = {
            rotation: runs[run_name(name, rotation)]
            for rotation in ("z", "so3")
            if run_name(name, rotation) in runs
        }
        if not own:
            continue
        found: dict[str, dict[tuple[str, str], EvaluationResult]] = {"best": {}, "last": {}}
        counts, on_test = {}, {}
        for rotation, run in own.items():
            settings = [pair for pair in SETTINGS if pair[0] == rotation]
            for setting in settings:
                chosen = best_on_test(run.folder, setting[1], shapes(run), seed)
                if chosen is not None:
                    on_test[setting] = chosen
            for choice, results in found.items():
                progress(f"{run_name(name, rotation)}, {choice} epoch")
                model = run.load(run.folder.path / f"{choice}.keras")
                counts[rotation] = weights(model)
                for setting in settings:
                    results[setting] = evaluate(
                        model,
                        shapes(run),
                        rotation=setting[1],
                        upright_axis=run.config.upright_axis,
                        seed=seed,
                    )
        rows.append(Table1Row(name, counts, own, found["best"], found["last"], on_test))
    return rows


def markdown(rows: list[Table1Row], data: str) -> str:
    """The table, the same runs with other epochs, and how the runs were made.

    Args:
        rows: From `table1`.
        data: Name of the data.
    """
    lines = []
    for row in rows:
        cells = [percent(row.held_out.get(pair), row.cut_short(pair)) for pair in SETTINGS]
        params = " / ".join(f"{count:,}" for count in dict.fromkeys(row.weights.values()))
        lines.append([row.title, params, *cells])
        lines.append([f"{row.title}, the paper's", *PUBLISHED[row.model]])
    some = next(result for row in rows for result in row.held_out.values())
    caution = [] if set(some.class_names) == set(MODELNET40_CLASSES) else [_OTHER_DATA]
    choices, on_test = _choices(rows)
    parts = [
        f"# Table I on {data}",
        _INTRODUCTION.format(count=int(some.confusion.sum())),
        *caution,
        markdown_table(("Model", "Params", *_HEADS), lines),
        "## Which epoch",
        _CHOICES + (_ON_TEST if on_test else ""),
        markdown_table(("Model", "Epoch chosen by", *_HEADS), choices),
        "## Runs",
        "\n".join(_described(row) for row in rows),
    ]
    return "\n\n".join(parts) + "\n"


def table_csv(rows: list[Table1Row]) -> str:
    """Every accuracy, as shares from 0 to 1, one line each; the paper's too."""
    header = ["model", "params", "trained", "tested", "epoch_chosen_by", "accuracy", "low", "high"]
    header += ["class_mean_accuracy", "seed", "epochs", "epochs_planned", "cut_short"]
    lines: list[list[object]] = []
    for row in rows:
        for setting, published in zip(SETTINGS, PUBLISHED[row.model][1:], strict=True):
            for choice, results in (("held-out", row.held_out), ("last", row.last)):
                if setting not in results:
                    continue
                result, run = results[setting], row.runs[setting[0]]
                values = [result.accuracy, *result.interval, result.class_mean_accuracy]
                lines.append(
                    [row.model, row.weights[setting[0]], *setting, choice]
                    + [f"{value:.6g}" for value in values]
                    + [run.config.seed, run.epochs, run.config.epochs, int(not run.complete)]
                )
            chosen = row.on_test.get(setting)
            if chosen is not None:
                run = row.runs[setting[0]]
                lines.append(
                    [row.model, row.weights[setting[0]], *setting, "test", f"{chosen[1]:.6g}"]
                    + [""] * 3
                    + [run.config.seed, run.epochs, run.config.epochs, int(not run.complete)]
                )
            paper = [PUBLISHED[row.model][0], *setting, "paper", f"{published / 100:.6g}"]
            lines.append([row.model, *paper, *[""] * 7])
    return comma_separated(header, lines)


def write_table1(rows: list[Table1Row], data: str, out: Path) -> list[Path]:
    """Write table1.md and table1.csv; both files.

    Raises:
        InputError: If the folder cannot be written.
    """
    return write_texts({"table1.md": markdown(rows, data), "table1.csv": table_csv(rows)}, out)


def _choices(rows: list[Table1Row]) -> tuple[list[list[str]], bool]:
    """Lines of the second table, and whether any epoch was chosen on the test set."""
    lines, on_test = [], False
    for row in rows:
        for title, results in (("held-out shapes", row.held_out), ("none: the last", row.last)):
            lines.append([row.title, title, *(percent(results.get(pair)) for pair in SETTINGS)])
        if row.on_test:
            on_test = True
            lines.append([row.title, "the test set", *(_on_test(row, pair) for pair in SETTINGS)])
    return lines, on_test


def _on_test(row: Table1Row, setting: tuple[str, str]) -> str:
    """The accuracy of the epoch chosen on the test set, and which one it is."""
    if setting not in row.on_test:
        return "-"
    epoch, accuracy, looked_at = row.on_test[setting]
    epochs = row.runs[setting[0]].epochs
    if looked_at == epochs:
        return f"{100 * accuracy:.1f} (epoch {epoch} of {epochs})"
    return f"{100 * accuracy:.1f} (epoch {epoch}; {looked_at} of {epochs} epochs looked at)"


def _described(row: Table1Row) -> str:
    lines = []
    for rotation, run in row.runs.items():
        text = f"- {run_name(row.model, rotation)}: {run.description}"
        if not run.complete:
            text += f"; {run.cut_short}, so its accuracies are not those of a finished run"
        lines.append(f"{text}.")
    return "\n".join(lines)

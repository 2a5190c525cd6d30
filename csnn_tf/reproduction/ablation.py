"""Whether each choice of a recipe pays: the same training with one thing changed, several seeds."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from csnn_tf.errors import InputError
from csnn_tf.evaluation import evaluate
from csnn_tf.reproduction.classifier_runs import ClassifierRun
from csnn_tf.reproduction.table1 import SETTINGS
from csnn_tf.reproduction.tables import comma_separated, markdown_table, write_texts
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.run_folder import RunFolder

if TYPE_CHECKING:
    from csnn_tf.data.shape_set import ShapeSet

_PROTOCOL = "protocol.json"
BASE = "as it is"
"""The recipe without a change."""

_INTRODUCTION = """\
Overall accuracy in percent, mean and standard deviation over {seeds} seeds. Each model was trained
on {trained} shapes of the training set and is measured on the other {measured}, under rotations
that are the same for all; no shape of the test set is used, and the epoch is the last one. A change
is better or worse than the recipe only if it is for every seed."""


@dataclasses.dataclass(frozen=True)
class AblationRow:
    """A change, trained with several seeds.

    Attributes:
        change: What was changed, or `BASE`.
        runs: By seed.
        accuracy: By rotation in testing, shares right by seed.
    """

    change: str
    runs: dict[int, ClassifierRun]
    accuracy: dict[str, dict[int, float]]

    @property
    def cut_short(self) -> str:
        """Which of the runs were cut short, or nothing."""
        parts = [f"seed {seed} {run.cut_short}" for seed, run in self.runs.items() if run.cut_short]
        return "; ".join(parts)


def run_name(change: str, seed: int) -> str:
    """Name of the folder of a run."""
    plain = re.sub(r"[^A-Za-z0-9=._-]+", "_", change).strip("_")
    return f"{plain}-seed{seed}"


def keep_protocol(out: Path, protocol: dict[str, Any]) -> None:
    """Write down what all runs of a folder have in common, or check that it is the same.

    Args:
        out: The folder; where no run is there yet, an earlier protocol does not bind.
        protocol: What they have in common.

    Raises:
        InputError: If the runs that are there were made otherwise, or nothing can be written.
    """
    folder = RunFolder(out)
    protocol = json.loads(json.dumps(protocol))
    if not (out / _PROTOCOL).is_file() or not any(out.glob("*-seed*/config.json")):
        folder.write_json(_PROTOCOL, protocol)
        return
    found = folder.read_json(_PROTOCOL)
    if not isinstance(found, dict):
        raise InputError(f"{out / _PROTOCOL} does not say how the runs beside it were made.")
    # Fields that came later had their defaults; as in the file, tuples are lists.
    found = {**json.loads(json.dumps(TrainingConfig().to_dict())), **found}
    for name in (name for name in protocol if name in found):
        if found[name] != protocol[name]:
            raise InputError(
                f"the runs in {out} were made with {name} {found[name]}, not {protocol[name]}."
            )


def ablation(
    changes: Iterable[str],
    seeds: Iterable[int],
    runs: Mapping[str, ClassifierRun],
    shapes: ShapeSet,
    *,
    progress: Callable[[str], Any] = lambda step: None,
) -> list[AblationRow]:
    """Measure the last model of every run, in the settings that its training belongs to.

    Args:
        changes: `BASE` and the changes, as they are to be listed.
        seeds: Seeds of the runs.
        runs: By `run_name`; those that are missing are left out.
        shapes: What the models are measured on.
        progress: Called with the name of every step before it.

    Raises:
        InputError: If the unchanged recipe has no run, or a model cannot be read.
    """
    rows, seeds = [], list(seeds)
    for change in changes:
        named = {seed: runs.get(run_name(change, seed)) for seed in seeds}
        own = {seed: run for seed, run in named.items() if run is not None}
        accuracy: dict[str, dict[int, float]] = {}
        for seed, run in own.items():
            progress(run_name(change, seed))
            model = run.load(run.folder.last)
            for trained, tested in SETTINGS:
                if trained == run.config.rotation:
                    result = evaluate(
                        model, shapes, rotation=tested, upright_axis=run.config.upright_axis
                    )
                    accuracy.setdefault(tested, {})[seed] = result.accuracy
        if own:
            rows.append(AblationRow(change, own, accuracy))
    if not rows or rows[0].change != BASE:
        raise InputError("the recipe without a change has no run: nothing to compare with.")
    return rows


def markdown(rows: list[AblationRow], title: str, trained: int, measured: int) -> str:
    """The table.

    Args:
        rows: From `ablation`.
        title: Recipe and data.
        trained: How many shapes were trained on.
        measured: How many were measured on.
    """
    base = rows[0]
    rotation = next(iter(base.runs.values())).config.rotation
    header = ["Change"]
    for tested in base.accuracy:
        setting = f"{rotation}/{tested}".replace("so3", "SO3")
        header += [setting, "difference", "by seed"]
    lines = []
    for row in rows:
        line = [row.change if row is base else f"`{row.change}`"]
        for tested, found in row.accuracy.items():
            reference = base.accuracy[tested]
            shared = [seed for seed in found if seed in reference]
            gains = [100 * (found[seed] - reference[seed]) for seed in shared]
            line.append(_spread([100 * value for value in found.values()]))
            if row is base:
                line += ["", ""]
            else:
                line += [verdict(gains), ", ".join(f"{gain:+.1f}" for gain in gains)]
        if len(row.runs) < len(base.runs):
            line[0] += f" ({len(row.runs)} of the seeds)"
        if row.cut_short:
            line[0] += f" ({row.cut_short})"
        lines.append(line)
    text = _INTRODUCTION.format(
        seeds=max(len(row.runs) for row in rows), trained=trained, measured=measured
    )
    config = next(iter(base.runs.values())).config
    parts = [
        f"# {title}",
        text,
        markdown_table(header, lines),
        f"Preset {config.preset}, {config.epochs} epochs.",
    ]
    return "\n\n".join(parts) + "\n"


def verdict(gains: list[float]) -> str:
    """Mean difference in points, and whether every seed agrees on its sign."""
    if not gains:
        return "-"
    if len(gains) == 1:
        return f"{gains[0]:+.1f} (one seed)"
    word = "mixed"
    if all(gain > 0 for gain in gains):
        word = "better"
    elif all(gain < 0 for gain in gains):
        word = "worse"
    return f"{mean(gains):+.1f} ({word})"


def ablation_csv(rows: list[AblationRow]) -> str:
    """Every accuracy, as a share from 0 to 1, one line each."""
    header = ["change", "trained", "tested", "seed", "accuracy", "epochs", "cut_short"]
    lines = [
        [row.change, run.config.rotation, tested, seed, f"{found[seed]:.6g}", run.epochs]
        + [int(not run.complete)]
        for row in rows
        for tested, found in row.accuracy.items()
        for seed, run in row.runs.items()
    ]
    return comma_separated(header, lines)


def write_ablation(
    rows: list[AblationRow], title: str, trained: int, measured: int, out: Path
) -> list[Path]:
    """Write ablation.md and ablation.csv; both files.

    Raises:
        InputError: If the folder cannot be written.
    """
    texts = {"ablation.md": markdown(rows, title, trained, measured)}
    return write_texts({**texts, "ablation.csv": ablation_csv(rows)}, out)


def _spread(values: list[float]) -> str:
    if len(values) < 2:
        return f"{mean(values):.1f}"
    return f"{mean(values):.1f} ± {stdev(values):.1f}"

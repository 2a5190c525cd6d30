"""Runs of CSNN that differ in the number of spheres, behind Figure 7 and Table III."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from csnn_tf.evaluation import evaluate
from csnn_tf.evaluation_result import EvaluationResult
from csnn_tf.reproduction.classifier_runs import ClassifierRun
from csnn_tf.reproduction.runs import weights

if TYPE_CHECKING:
    from csnn_tf.data.shape_set import ShapeSet

ROTATION = "so3"
"""Rotations in training and testing: the paper evaluates arbitrary rotations."""
FIELDS = ("spheres", "channels")
"""Fields of the model that say which run is which."""

ACCURACY = """\
Overall accuracy in percent on {count} test shapes, in brackets the 95 % interval by bootstrap over
the shapes; trained and tested under arbitrary rotations (SO3/SO3), one channel a sphere. The epoch
is chosen on shapes held out from the training set."""
"""What the accuracies of a table are."""


@dataclasses.dataclass(frozen=True)
class SphereRow:
    """A number of spheres.

    Attributes:
        spheres: R, each with one channel.
        weights: Number of trainable weights.
        run: The run.
        result: Accuracy under arbitrary rotations.
    """

    spheres: int
    weights: int
    run: ClassifierRun
    result: EvaluationResult

    @property
    def seconds(self) -> float:
        """Median over the epochs, without those that compile if there are others."""
        return median(self._later() or self.run.seconds)

    @property
    def compiles(self) -> bool:
        """Whether all epochs are the first ones after a start, whose times hold compilation."""
        return not self._later()

    def _later(self) -> list[float]:
        """Seconds of the epochs that are not the first ones after a start."""
        starts = {1, *self.run.folder.read_resumed()}
        return [value for epoch, value in enumerate(self.run.seconds, 1) if epoch not in starts]


def run_name(spheres: int) -> str:
    """Name of the folder of a run."""
    return f"csnn-{spheres}-spheres"


def sphere_rows(
    runs: Mapping[str, ClassifierRun],
    shapes: Callable[[ClassifierRun], ShapeSet],
    *,
    seed: int = 0,
    progress: Callable[[str], Any] = lambda step: None,
) -> list[SphereRow]:
    """Evaluate runs under arbitrary rotations, the fewest spheres first.

    Args:
        runs: By `run_name`.
        shapes: The test shapes as a run takes them.
        seed: Of the rotations of the test shapes.
        progress: Called with the name of every step before it.

    Raises:
        InputError: If a model cannot be read or does not fit the shapes.
    """
    rows = []
    for name, run in runs.items():
        progress(name)
        model = run.load()
        result = evaluate(
            model, shapes(run), rotation=ROTATION, upright_axis=run.config.upright_axis, seed=seed
        )
        rows.append(SphereRow(model.to_spheres.spheres, weights(model), run, result))
    return sorted(rows, key=lambda row: row.spheres)


def described(rows: list[SphereRow]) -> str:
    """How the runs were made, a line each."""
    lines = []
    for row in rows:
        text = f"- {run_name(row.spheres)}: {row.run.description}"
        if not row.run.complete:
            text += f"; {row.run.cut_short}, so its accuracy is not that of a finished run"
        lines.append(f"{text}.")
    return "\n".join(lines)

"""Figure 7: accuracy against the number of spheres."""

from __future__ import annotations

from pathlib import Path

from csnn_tf.atomic_files import write_aside
from csnn_tf.plots.matplotlib_extra import pyplot
from csnn_tf.plots.sphere_accuracy import plot_sphere_accuracy
from csnn_tf.reproduction.spheres import ACCURACY, SphereRow, described
from csnn_tf.reproduction.tables import comma_separated, markdown_table, percent, write_texts

PUBLISHED_GAIN = 8.7
"""The paper's relative improvement from 1 to 16 spheres, %; accuracy is highest at 16."""

_BEST = """\
Ours: highest at {best}. The paper's Figure 7 (ModelNet40, level 4, picked on the test set): highest
at 16 spheres, by {gain} % of the accuracy with 1."""


def markdown(rows: list[SphereRow], data: str) -> str:
    """The numbers of the figure, and how the runs were made.

    Args:
        rows: From `sphere_rows`.
        data: Name of the data.
    """
    lines = [
        [row.spheres, f"{row.weights:,}", percent(row.result, row.run.cut_short), _gain(rows, row)]
        for row in rows
    ]
    best = max(rows, key=lambda row: row.result.accuracy)
    parts = [
        f"# Figure 7 on {data}",
        ACCURACY.format(count=int(rows[0].result.confusion.sum())),
        markdown_table(("Spheres", "Params", "Accuracy", "Gain over the fewest"), lines),
        _BEST.format(best=best.spheres, gain=PUBLISHED_GAIN),
        "![Accuracy against number of spheres](figure7.png)",
        "## Runs",
        described(rows),
    ]
    return "\n\n".join(parts) + "\n"


def figure_csv(rows: list[SphereRow]) -> str:
    """The numbers of the figure, accuracies as shares from 0 to 1."""
    header = ("spheres", "params", "accuracy", "low", "high", "seed", "epochs", "epochs_planned")
    lines = [
        [
            row.spheres,
            row.weights,
            *(f"{value:.6g}" for value in (row.result.accuracy, *row.result.interval)),
            row.run.config.seed,
            row.run.epochs,
            row.run.config.epochs,
            int(not row.run.complete),
        ]
        for row in rows
    ]
    return comma_separated((*header, "cut_short"), lines)


def write_figure7(rows: list[SphereRow], data: str, out: Path) -> list[Path]:
    """Write figure7.md, figure7.csv and figure7.png; the files.

    Raises:
        InputError: If the folder cannot be written, or matplotlib is not installed.
    """
    plt = pyplot()
    figure = plot_sphere_accuracy(
        [row.spheres for row in rows],
        [row.result.accuracy for row in rows],
        [row.result.interval for row in rows],
        [row.run.complete for row in rows],
    )
    picture = out / "figure7.png"
    try:
        write_aside(picture, lambda path: figure.savefig(path, dpi=150))
    finally:
        plt.close(figure)
    texts = {"figure7.md": markdown(rows, data), "figure7.csv": figure_csv(rows)}
    return [*write_texts(texts, out), picture]


def _gain(rows: list[SphereRow], row: SphereRow) -> str:
    """Relative gain over the row with the fewest spheres, percent."""
    first = rows[0].result.accuracy
    if row is rows[0] or not first:
        return ""
    return f"{100 * (row.result.accuracy / first - 1):+.1f} %"

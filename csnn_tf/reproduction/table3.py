"""Table III: time per epoch against the number of spheres."""

from __future__ import annotations

from pathlib import Path

from csnn_tf.reproduction.spheres import ACCURACY, SphereRow, described
from csnn_tf.reproduction.tables import comma_separated, markdown_table, percent, write_texts

PUBLISHED = {1: 50, 2: 66, 4: 86, 8: 83, 16: 104, 32: 205}
"""The paper's seconds per epoch by number of spheres, on one NVIDIA V100."""

_INTRODUCTION = """\
Seconds of an epoch, the held-out shapes' part included: the median over the epochs but those that
compile. Whatever else the machine did meanwhile counts too. The paper's seconds are those of its
Table III: ModelNet40, level 4, one NVIDIA V100."""


def markdown(rows: list[SphereRow], data: str) -> str:
    """The table, and how the runs were made.

    Args:
        rows: From `sphere_rows`.
        data: Name of the data.
    """
    lines = []
    for row in rows:
        published = PUBLISHED.get(row.spheres)
        lines.append(
            [
                row.spheres,
                f"{row.seconds:.1f}" + (" with compilation" if row.compiles else ""),
                f"{row.seconds / rows[0].seconds:.2f}",
                "-" if published is None else published,
                _published_ratio(rows, row),
                percent(row.result, row.run.cut_short),
            ]
        )
    few = rows[0].spheres
    header = ("Spheres", "s/epoch", f"to {few}", "paper, s/epoch", f"paper, to {few}", "Accuracy")
    parts = [
        f"# Table III on {data}",
        _INTRODUCTION,
        ACCURACY.format(count=int(rows[0].result.confusion.sum())),
        markdown_table(header, lines),
        "## Runs",
        described(rows),
    ]
    return "\n\n".join(parts) + "\n"


def table_csv(rows: list[SphereRow]) -> str:
    """The table, accuracies as shares from 0 to 1."""
    header = ("spheres", "params", "seconds_per_epoch", "paper_seconds_per_epoch", "accuracy")
    lines = [
        [
            row.spheres,
            row.weights,
            f"{row.seconds:.6g}",
            PUBLISHED.get(row.spheres, ""),
            f"{row.result.accuracy:.6g}",
            row.run.epochs,
            row.run.config.epochs,
            int(not row.run.complete),
        ]
        for row in rows
    ]
    return comma_separated((*header, "epochs", "epochs_planned", "cut_short"), lines)


def write_table3(rows: list[SphereRow], data: str, out: Path) -> list[Path]:
    """Write table3.md and table3.csv; both files.

    Raises:
        InputError: If the folder cannot be written.
    """
    return write_texts({"table3.md": markdown(rows, data), "table3.csv": table_csv(rows)}, out)


def _published_ratio(rows: list[SphereRow], row: SphereRow) -> str:
    """The paper's time relative to its time with our fewest spheres."""
    first, own = PUBLISHED.get(rows[0].spheres), PUBLISHED.get(row.spheres)
    return "-" if first is None or own is None else f"{own / first:.2f}"

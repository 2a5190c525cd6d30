"""Writing tables."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from csnn_tf.atomic_files import write_aside
from csnn_tf.evaluation_result import EvaluationResult


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def comma_separated(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def percent(result: EvaluationResult | None, note: str = "") -> str:
    """Accuracy in percent, in brackets the interval; a dash where nothing was measured."""
    if result is None:
        return "-"
    low, high = result.interval
    text = f"{100 * result.accuracy:.1f} ({100 * low:.1f} to {100 * high:.1f})"
    return f"{text}, {note}" if note else text


def write_texts(contents: Mapping[str, str], out: Path) -> list[Path]:
    """Write texts to files of a folder, by their names, a ? for what is not UTF-8; the files.

    Raises:
        InputError: If the folder cannot be written.
    """
    for name, text in contents.items():
        write_aside(out / name, lambda path, text=text: path.write_text(text, "utf-8", "replace"))
    return [out / name for name in contents]

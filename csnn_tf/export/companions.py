"""Labels and model card as files."""

import unicodedata
from pathlib import Path

from csnn_tf.errors import InputError
from csnn_tf.export.serving import Serving

LABELS = "labels.txt"
# Control characters, halves of characters, ends of lines and paragraphs.
_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}


def check_labels(serving: Serving) -> None:
    """Raise `InputError` if a label does not fit into a line of a text."""
    for label in map(str, serving.labels):
        if not _NO_TEXT.isdisjoint(map(unicodedata.category, label)):
            raise InputError(
                f"the class name {label!r} is no line of text: an export lists one name a line."
            )


def write_companions(folder: Path, serving: Serving, card: str) -> list[Path]:
    """Write labels.txt, one label a line, and model_card.md.

    Args:
        folder: Where.
        serving: The model.
        card: The model card.

    Returns:
        The files.
    """
    labels, model_card = folder / LABELS, folder / "model_card.md"
    labels.write_text("".join(f"{label}\n" for label in serving.labels), "utf-8")
    model_card.write_text(card, "utf-8")
    return [labels, model_card]

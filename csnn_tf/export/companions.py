"""Labels and model card as files."""

from pathlib import Path

from csnn_tf.export.serving import Serving


def write_companions(folder: Path, serving: Serving, card: str) -> list[Path]:
    """Write labels.txt, one label a line, and model_card.md.

    Args:
        folder: Where.
        serving: The model.
        card: The model card.

    Returns:
        The files.
    """
    labels, model_card = folder / "labels.txt", folder / "model_card.md"
    labels.write_text("".join(f"{label}\n" for label in serving.labels), "utf-8")
    model_card.write_text(card, "utf-8")
    return [labels, model_card]

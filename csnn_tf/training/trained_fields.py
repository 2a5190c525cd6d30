"""The configuration of a trained model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from csnn_tf.errors import InputError
from csnn_tf.models.loading import model_arguments


def trained_fields(
    initial: str | Path, base: type, architectures: Mapping[str, Any]
) -> dict[str, Any]:
    """Architecture, preset and further fields that make a model like a trained one.

    Args:
        initial: A .keras file, a run folder, or the name of a trained model.
        base: `CloudClassifier` or `AtomicDosModel`.
        architectures: Its classes that commands can train, by name.

    Returns:
        "architecture", "preset" (the one with the fewest fields that differ) and those fields.

    Raises:
        InputError: If it is no trained model of these.
    """
    kind, arguments = model_arguments(initial, base)
    if kind not in architectures.values():
        raise InputError(f"{initial} is a {kind.__name__}, which cannot be trained by commands.")

    # A file from before a field was there means its default, as Keras does when it loads it.
    names = [name for name in kind.fields() if name != "class_names"]
    found = {name: arguments.get(name, kind.default(name)) for name in names}

    def changes(preset: str) -> dict[str, Any]:
        usual = kind.presets.get(preset)
        return {
            name: value
            for name, value in found.items()
            if _plain(value) != _plain(usual.get(name, kind.default(name)))
        }

    preset = min(kind.presets.names(), key=lambda name: len(changes(name)))
    architecture = next(name for name, known in architectures.items() if known is kind)
    return {"architecture": architecture, "preset": preset, **changes(preset)}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

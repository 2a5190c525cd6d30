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
    kind, found = _fields(initial, base)
    if kind not in architectures.values():
        raise InputError(f"{initial} is a {kind.__name__}, which cannot be trained by commands.")

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


def begun_fields(last: Path, base: type, model: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the model of a run that goes on, whose preset may have been another at first.

    Args:
        last: The run's `last.keras`; without it the preset is taken for what it was.
        base: `CloudClassifier` or `AtomicDosModel`.
        model: The fields that the run names.
    """
    return {**(fields_of(last, base) if last.exists() else {}), **model}


def fields_of(model: str | Path, base: type) -> dict[str, Any]:
    """Fields of a trained model, those that are the preset's included.

    Args:
        model: A .keras file, a run folder, or the name of a trained model.
        base: `CloudClassifier` or `AtomicDosModel`.
    """
    return _fields(model, base)[1]


def _fields(model: str | Path, base: type) -> tuple[Any, dict[str, Any]]:
    """A trained model's class, and its fields."""
    kind, arguments = model_arguments(model, base)
    # A file from before a field was there means its default, as Keras does when it loads it.
    names = [name for name in kind.fields() if name != "class_names"]
    return kind, {name: arguments.get(name, kind.default(name)) for name in names}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

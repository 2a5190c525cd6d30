"""Named configurations of the density-of-states model, kept as data in dos_presets.json."""

from typing import Any

from csnn_tf.named import NamedConfigurations

DOS_PRESETS = NamedConfigurations("csnn_tf.models", "dos_presets.json", "preset")


def dos_preset_names() -> tuple[str, ...]:
    """Names of the presets of `DensityOfStates`."""
    return DOS_PRESETS.names()


def dos_preset(name: str, **changes: Any) -> dict[str, Any]:
    """Arguments of `DensityOfStates` under a name, changed field by field.

    Args:
        name: One of `dos_preset_names()`.
        **changes: Fields to replace.

    Returns:
        A new dictionary.

    Raises:
        InputError: If the name is unknown.

    Example:
        >>> dos_preset("tiny", channels=8)["channels"]
        8
    """
    return DOS_PRESETS.get(name, **changes)

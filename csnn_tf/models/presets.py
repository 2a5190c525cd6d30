"""Named configurations of the classifier, kept as data in presets.json."""

from typing import Any

from csnn_tf.named import NamedConfigurations

PRESETS = NamedConfigurations("csnn_tf.models", "presets.json", "preset")


def preset_names() -> tuple[str, ...]:
    """Names of the presets of `PointCloudClassifier`."""
    return PRESETS.names()


def preset(name: str, /, **changes: Any) -> dict[str, Any]:
    """Arguments of `PointCloudClassifier` under a name, changed field by field.

    Args:
        name: One of `preset_names()`.
        **changes: Fields to replace.

    Returns:
        A new dictionary.

    Raises:
        InputError: If the name is unknown.

    Example:
        >>> preset("tiny", spheres=6)["spheres"]
        6
    """
    return PRESETS.get(name, **changes)

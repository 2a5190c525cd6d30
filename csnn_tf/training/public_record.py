"""What of a run's record may be passed on: whose folders it names is nothing for a public page."""

import shlex
from typing import Any

_PATHS = ("folder", "data", "initial")
_COMMANDS = ("command", "stages")


def public_text(field: str, value: str) -> str:
    """A text that a training recorded, without the folders, servers and users of its machine.

    Args:
        field: Its name in the record.
        value: What the record says.

    Returns:
        Of paths the last part, of command lines their words with the last part of each.

    Example:
        >>> public_text("folder", "/home/someone/parts"), public_text("recipe", "best")
        ('parts', 'best')
    """
    if field in _COMMANDS:
        return _command(value)
    return _last_part(value) if field in _PATHS else value


def without_folders(record: dict[str, Any]) -> dict[str, Any]:
    """A record with `public_text` of its texts, and of those in its lists.

    Args:
        record: The configuration that a run folder or a trained model's JSON file records.
    """

    def public(field: str, value: Any) -> Any:
        if isinstance(value, list):
            return [public(field, each) for each in value]
        return public_text(field, value) if isinstance(value, str) else value

    return {field: public(field, value) for field, value in record.items()}


def _command(text: str) -> str:
    """A command line without the folders, servers and users of its machine."""
    text = text.replace("\\", "/")
    try:
        words = shlex.split(text)
    except ValueError:  # a quote that does not end
        words = text.split()
    named = [[_last_part(part) for part in word.split("=", 1)] for word in words]
    quoted = ["=".join(map(shlex.quote, parts)) for parts in named]
    return " ".join(quoted).replace("'&&'", "&&")  # several commands stay several


def _last_part(path: str) -> str:
    path = path.replace("\\", "/").rstrip("/")
    return path.rpartition("/")[2].rpartition("@")[2]

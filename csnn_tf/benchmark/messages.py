"""What a measuring process says, found among what libraries print."""

import json
from typing import Any


def last_json(text: str) -> dict[str, Any] | None:
    """The last line that is a JSON object, or None."""
    for line in reversed(text.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None

"""What TensorFlow's errors say, in one line."""

import re
from typing import Any

_WHERE = re.compile(r"\{\{function_node .*?\}\}\s*|\s*\[Op:\w+\]")


def reason_of(error: Any) -> str:
    """The reason in a `tf.errors.OpError`, without the places in graphs and runtime."""
    lines = [line for line in error.message.splitlines() if line and not line[0].isspace()]
    # A traceback may come before it.
    return _WHERE.sub("", lines[-1] if lines else error.message).strip(" .")

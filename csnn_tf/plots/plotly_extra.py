"""Plotly, which is an extra."""

import html
from collections.abc import Iterable
from types import ModuleType

from csnn_tf.errors import InputError


def graph_objects() -> ModuleType:
    """plotly.graph_objects.

    Raises:
        InputError: If plotly is not installed; the message says how to get it.
    """
    try:
        from plotly import graph_objects
    except ImportError as error:
        raise InputError(
            "Interactive pictures need plotly: install it with `pip install 'csnn-tf[plot]'`."
        ) from error
    return graph_objects


def shown(names: Iterable[object]) -> list[str]:
    """Names that Plotly shows as they are, and not as tags and entities."""
    # Quotes stay: Plotly knows no entities of theirs. Folders' names need not be UTF-8, pages are.
    plain = (str(name).encode("utf-8", "replace").decode() for name in names)
    return [html.escape(name, quote=False) for name in plain]

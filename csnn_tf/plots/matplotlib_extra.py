"""matplotlib, which is an extra."""

from pathlib import Path
from types import ModuleType

from csnn_tf.errors import InputError


def pyplot() -> ModuleType:
    """matplotlib.pyplot.

    Raises:
        InputError: If matplotlib is not installed; the message says how to get it.
    """
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise InputError(
            "Pictures need matplotlib: install it with `pip install 'csnn-tf[plot]'`."
        ) from error
    return plt


def check_picture(path: str | Path) -> None:
    """Raise `InputError` if a picture cannot be written, before what it shows is computed.

    Raises:
        InputError: If the name ends in no format of ours, or matplotlib is not installed.
    """
    if Path(path).suffix.lower() not in (".png", ".pdf", ".svg"):
        raise InputError(f"{path} must end in .png, .pdf or .svg.")
    pyplot()

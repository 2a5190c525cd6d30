"""matplotlib, which is an extra."""

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

"""Bounds on the size of a model: a file or a slip of the keyboard must not fill the memory."""

from collections.abc import Sequence
from itertools import pairwise

from csnn_tf.errors import InputError

MOST_LAYERS = 256
"""Layers one after the other."""
# The published model has 4 million.
_MOST_WEIGHTS = 2**28


def check_weights(widths: Sequence[int]) -> None:
    """Raise `InputError` if layers of these widths, one after the other, are far too large."""
    if len(widths) > MOST_LAYERS:
        raise InputError(f"{len(widths)} layers are asked for; at most {MOST_LAYERS} are taken.")
    weights = sum(first * second for first, second in pairwise(widths))
    if weights > _MOST_WEIGHTS:
        raise InputError(
            f"the widths {_first_few(widths)} make {weights:.3g} weights; at most "
            f"{_MOST_WEIGHTS:.3g} are taken."
        )


def _first_few(widths: Sequence[int]) -> str:
    return ", ".join(f"{width:.6g}" for width in widths[:8]) + (", ..." if len(widths) > 8 else "")

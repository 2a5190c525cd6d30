"""The cosine cutoff of pairs of atoms."""

import math

from keras import ops


def smooth_cutoff(distance, cutoff: float):
    """(1 + cos(pi d / cutoff)) / 2 up to the cutoff, 0 beyond; and 0 for padding, d = 0.

    Args:
        distance: [pairs], Å.
        cutoff: Å.

    Returns:
        [pairs], from 0 to 1.
    """
    value = (1 + ops.cos((math.pi / cutoff) * distance)) / 2
    return ops.where(ops.logical_and(distance > 0, distance <= cutoff), value, 0.0)

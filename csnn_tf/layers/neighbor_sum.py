"""Sum over a vertex and its neighbours: the spatial part of the graph convolution."""

from functools import cache

import numpy as np
from keras import KerasTensor, ops

from csnn_tf.errors import InputError
from csnn_tf.grid import MAX_LEVEL, icosphere, num_vertices
from csnn_tf.layers.compiled import kernel
from csnn_tf.layers.precision import in_float32


def level_of(vertices: int | None, owner: str) -> int:
    """The icosphere level with so many vertices.

    Args:
        vertices: Size of a vertex axis.
        owner: Name of the layer, for the message.

    Raises:
        InputError: If no level from 0 to 7 has that many.
    """
    for level in range(MAX_LEVEL + 1):
        if num_vertices(level) == vertices:
            return level
    raise InputError(
        f"{owner} expects [batch, vertex, sphere, channel] with 10 * 4**level + 2 vertices on "
        f"axis 1 (12, 42, 162, 642, 2562, ...), not {vertices}."
    )


def neighbor_sum(x, level: int):
    """Sum the features of every vertex and its five or six neighbours on the same sphere.

    y[b, u, i, c] = sum over v in N(u) and u itself of x[b, v, i, c]

    "Is a neighbour of" is symmetric, so the gradient of this sum is the same sum: it is declared
    as such, which spares the scatter that differentiating a gather would give.

    Args:
        x: [batch, vertex, sphere, channel].
        level: Level of the icosphere that axis 1 enumerates.

    Returns:
        A tensor of the shape of `x`.
    """
    if isinstance(x, KerasTensor):
        return KerasTensor(x.shape, x.dtype)
    return _sum_with_gradient(level)(x)


@cache
def _sum_with_gradient(level: int):
    neighbors = icosphere(level).neighbors
    # The 12 pentagons come first and have no sixth neighbour.
    has_sixth = (np.arange(len(neighbors)) >= 12)[:, None, None]

    @kernel
    @in_float32
    def total(x):
        # A running sum of whole gathers compiles into one loop without a [.., 7, ..] array.
        result = x
        for column in range(5):
            result = result + ops.take(x, neighbors[:, column], axis=1)
        if level == 0:
            return result
        sixth = ops.take(x, neighbors[:, 5], axis=1)
        return result + sixth * ops.cast(has_sixth, x.dtype)

    @ops.custom_gradient
    def summed(x):
        def gradient(*args, upstream=None):
            return total(args[0] if upstream is None else upstream)

        return total(x), gradient

    return summed

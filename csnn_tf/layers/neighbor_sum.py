"""Sum over a vertex and its neighbours: the spatial part of the graph convolution."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from csnn_tf.errors import InputError
from csnn_tf.grid import MAX_LEVEL, icosphere, num_vertices
from csnn_tf.grid.icosphere import check_level
from csnn_tf.layers.compiled import kernel
from csnn_tf.layers.own_gradient import own_gradient
from csnn_tf.layers.precision import in_float32
from csnn_tf.layers.whole import whole


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

    Of a symbolic tensor it is a step of the functional model, kept in its file.

    Not for forward mode with JAX, see `csnn_tf.layers`.

    Args:
        x: [batch, vertex, sphere, channel].
        level: Level of the icosphere that axis 1 enumerates, 0 to 7.

    Returns:
        A tensor of the shape of `x`.

    Raises:
        InputError: If the level is out of range or not that of axis 1.
    """
    if isinstance(x, KerasTensor):
        return _NeighborSum(level).symbolic_call(x)
    _check(x.shape, level)
    return _sum_with_gradient(level)(x)


@keras.saving.register_keras_serializable(package="csnn_tf", name="NeighborSum")
class _NeighborSum(keras.Operation):
    """The sum in a functional model."""

    def __init__(self, level: int, name: str | None = None) -> None:
        super().__init__(name=name)
        self.level = level

    def call(self, x):
        return neighbor_sum(x, self.level)

    def compute_output_spec(self, x):
        _check(x.shape, self.level)
        return KerasTensor(x.shape, x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "level": self.level}


def _check(shape: Sequence[int | None], level: int) -> None:
    """Raise `InputError` unless a shape is that of feature maps of a level."""
    vertices = num_vertices(check_level(level))
    if len(shape) != 4 or shape[1] not in (None, vertices):
        raise InputError(
            f"neighbor_sum expects [batch, vertex, sphere, channel] with {vertices} vertices for "
            f"level {level}, not the shape {tuple(shape)}."
        )


@cache
def _sum_with_gradient(level: int):
    @kernel
    @in_float32
    def total(x):
        return plain_neighbor_sum(x, level)

    @own_gradient
    def summed(x):
        def gradient(*args, upstream=None):
            return total(args[0] if upstream is None else upstream)

        return total(x), gradient

    return summed


def plain_neighbor_sum(x, level: int):
    """`neighbor_sum` as a part of a kernel, with the gradient that the backend finds.

    Args:
        x: [batch, vertex, sphere, channel], of the level.
        level: Level of the icosphere.
    """
    neighbors = icosphere(level).neighbors
    # A running sum of whole gathers compiles into one loop without a [.., 7, ..] array.
    result = x
    for column in range(5):
        result = result + ops.take(x, whole(neighbors[:, column]), axis=1)
    if level == 0:
        return result
    # The 12 pentagons come first and have no sixth neighbour.
    has_sixth = (np.arange(len(neighbors)) >= 12)[:, None, None]
    sixth = ops.take(x, whole(neighbors[:, 5]), axis=1)
    return result + sixth * ops.cast(has_sixth, x.dtype)

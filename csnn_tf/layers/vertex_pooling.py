"""Pooling from one icosphere level to the next coarser one."""

from functools import cache
from typing import Any

import keras
import numpy as np
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.grid import icosphere, num_vertices
from csnn_tf.layers.checks import check_feature_map
from csnn_tf.layers.compiled import kernel
from csnn_tf.layers.neighbor_sum import level_of
from csnn_tf.layers.own_gradient import own_gradient
from csnn_tf.layers.precision import as_float, in_float32
from csnn_tf.layers.whole import whole

_MODES = ("max", "mean", "sum", "none")


@keras.saving.register_keras_serializable(package="csnn_tf")
class VertexPooling(keras.layers.Layer):
    """Pool every coarse vertex over itself and its five or six finer neighbours, on each sphere.

    H'[i, u] = max (mean, sum) over v in N(u) and u itself of H[i, v],  u a vertex of level - 1

    Equivariant to the 60 icosahedral rotations.

    Not for forward mode with JAX, see `csnn_tf.layers`.

    Args:
        mode: "max", "mean", "sum", or "none" to keep the coarse vertices without pooling.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: [batch, vertex, sphere, channel] of level 1 or finer.
    Output: [batch, vertex', sphere, channel], vertex' = (vertex - 2) / 4 + 2.

    Raises:
        InputError: If the mode is unknown or the input is not of level 1 or finer.

    Example:
        >>> VertexPooling("max")(keras.ops.ones((2, 162, 4, 8))).shape
        TensorShape([2, 42, 4, 8])

    Source: section III-B and figure 3 of the CSNN paper.
    """

    def __init__(self, mode: str = "max", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mode not in _MODES:
            raise InputError(f"mode must be one of {', '.join(_MODES)}, not {mode!r}.")
        self.mode = mode

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check the input's shape."""
        self._level_of(input_shape)

    def call(self, inputs):
        """Pool a feature map."""
        level = self._level_of(inputs.shape)  # not the first input's: levels may share a layer
        inputs = as_float(inputs, self.compute_dtype)
        if self.mode == "none":
            return inputs[:, : num_vertices(level - 1)]
        if isinstance(inputs, keras.KerasTensor):
            return keras.KerasTensor(self.compute_output_shape(inputs.shape), inputs.dtype)
        if self.mode == "max":
            return _max_with_gradient(level)(inputs)
        return _sum_with_gradient(level, self.mode)(inputs)

    def _level_of(self, shape: tuple[int | None, ...]) -> int:
        check_feature_map(shape, type(self).__name__)
        level = level_of(shape[1], type(self).__name__)
        if level == 0:
            raise InputError("VertexPooling got level 0, and there is no coarser icosphere.")
        return level

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """[batch, vertex', sphere, channel]."""
        batch, vertices, *others = input_shape
        return (batch, None if vertices is None else (vertices - 2) // 4 + 2, *others)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "mode": self.mode}


# A fine vertex is pooled either by itself (a coarse vertex) or by the two ends of the coarse edge
# whose midpoint it is; midpoints are numbered in the order of the edges. So the gradients below are
# gathers too, without a scatter. Where several are the largest they share the gradient equally.


@cache
def _sum_with_gradient(level: int, mode: str):
    table, edges = icosphere(level).pooling, icosphere(level - 1).edges
    has_sixth = _has_sixth(table)
    share = np.where(has_sixth, 1 / 7, 1 / 6) if mode == "mean" else None

    def scaled(x):
        return x if share is None else x * ops.cast(share, x.dtype)

    @kernel
    @in_float32
    def total(x):
        result = x[:, : len(table)]
        for column in range(1, 6):
            result = result + ops.take(x, whole(table[:, column]), axis=1)
        sixth = ops.take(x, whole(table[:, 6]), axis=1)
        return scaled(result + sixth * ops.cast(has_sixth, x.dtype))

    @kernel
    @in_float32
    def spread(g):
        g = scaled(g)
        ends = [ops.take(g, whole(edges[:, end]), axis=1) for end in (0, 1)]
        return ops.concatenate([g, ends[0] + ends[1]], axis=1)

    @own_gradient
    def summed(x):
        def gradient(*args, upstream=None):
            return spread(args[0] if upstream is None else upstream)

        return total(x), gradient

    return summed


@cache
def _max_with_gradient(level: int):
    table, edges = icosphere(level).pooling, icosphere(level - 1).edges
    coarse = len(table)
    # A bit for each column; the sixth neighbour that a pentagon lacks counts as the vertex itself.
    bits = [np.int32(2**column) for column in range(6)]
    bits.append(np.where(_has_sixth(table), 2**6, 1).astype("int32"))
    # The bit under which each end of a coarse edge knows the edge's midpoint.
    middles = coarse + np.arange(len(edges))
    known_as = 2 ** np.argmax(table[edges] == middles[:, None, None], axis=-1).astype("int32")

    @kernel
    @in_float32
    def largest_of(x):
        largest = x[:, :coarse]
        for column in range(1, 7):
            largest = ops.maximum(largest, ops.take(x, whole(table[:, column]), axis=1))
        return largest

    @kernel
    @in_float32
    def winners(x, g):
        # Which columns are the largest, and the gradient of each. Some column always is: comparing
        # with the forward pass's maximum could find none, and divide by zero, where a compiler
        # computes x a second time and rounds it differently.
        largest = x[:, :coarse]
        hits = ops.ones_like(largest, dtype="int32")
        for column in range(1, 7):
            value, bit = ops.take(x, whole(table[:, column]), axis=1), whole(bits[column])
            tied = ops.where(value == largest, ops.bitwise_or(hits, bit), hits)
            hits = ops.where(value > largest, bit, tied)
            largest = ops.maximum(largest, value)
        count = sum(ops.cast(has_bit(hits, bits[0] << column), x.dtype) for column in range(7))
        return hits, g / count

    @kernel
    @in_float32
    def spread(hits, g):
        def part(hits, g, bit):
            return ops.where(has_bit(hits, bit), g, ops.zeros((), g.dtype))

        middle = sum(
            part(
                ops.take(hits, whole(edges[:, end]), axis=1),
                ops.take(g, whole(edges[:, end]), axis=1),
                known_as[:, end, None, None],
            )
            for end in (0, 1)
        )
        return ops.concatenate([part(hits, g, bits[0]), middle], axis=1)

    def has_bit(hits, bit):
        return ops.bitwise_and(hits, whole(bit)) > 0

    @own_gradient
    def maximum(x):
        def gradient(*args, upstream=None):
            # Two kernels, or the compiler would find the winners anew for every vertex they feed.
            return spread(*winners(x, args[0] if upstream is None else upstream))

        return largest_of(x), gradient

    return maximum


def _has_sixth(table: np.ndarray) -> np.ndarray:
    """[V', 1, 1] bool: false for the 12 pentagons, whose last column repeats the vertex."""
    return (np.arange(len(table)) >= 12)[:, None, None]

"""A network's rows in blocks that stay in the processor's cache."""

from collections.abc import Callable
from typing import Any

import keras

from csnn_tf.processor import one_thread_an_operation

_NUMBERS_IN_CACHE = 2**22  # of the largest feature map: 16 MB


def rows_in_cache(numbers: int) -> int:
    """Rows, a power of two, whose largest feature map fits the cache.

    Half as many where operations run on one thread each, as every core then has a block of its own.

    Args:
        numbers: Of a row, in that map.
    """
    budget = _NUMBERS_IN_CACHE // 2 if one_thread_an_operation() else _NUMBERS_IN_CACHE
    return rows_within(budget, numbers)


def rows_within(budget: int, numbers: int) -> int:
    """The largest power of two of rows that stay within a budget of numbers; at least 1.

    Args:
        budget: Numbers of all rows.
        numbers: Of a row.
    """
    return 1 << (max(budget // max(numbers, 1), 1).bit_length() - 1)


def in_blocks(function: Callable[[Any], Any], rows: Any, size: int, dtype: str) -> Any:
    """A function of rows that do not depend on each other, of so many at a time, with TensorFlow.

    One block follows the other, so that what an operation makes of one is still in the cache when
    the next operation reads it.

    Args:
        function: From a tensor of rows, or several, to one of as many rows.
        rows: What it takes; at most `size` rows, or a multiple of it.
        size: Rows of a block.
        dtype: Data type of what the function returns.
    """
    import tensorflow as tf

    first = keras.tree.flatten(rows)[0]
    if first.shape[0] is not None and first.shape[0] <= size:
        return function(rows)
    count = tf.shape(first)[0]
    # Fewer, where the graph is for any number.
    size = tf.clip_by_value(count, 1, size)

    def block(start):
        # A view: blocks that `tf.map_fn` is given are copies.
        part = keras.tree.map_structure(lambda tensor: tensor[start : start + size], rows)
        return function(part)

    starts = tf.range(0, count, size)
    found = tf.map_fn(block, starts, parallel_iterations=1, fn_output_signature=dtype)
    return tf.reshape(found, [-1, *found.shape[2:]])

"""Batches that overlap on the processor's cores."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import keras

Item = TypeVar("Item")
Result = TypeVar("Result")


def overlapping(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """A function of every item, in their order; on TensorFlow's CPU of two items at a time.

    An operation that is too short to occupy all cores then leaves room for one of the other batch,
    and the next batch is made while two are computed. Elsewhere one item follows the other: an
    accelerator is busy with one batch, and the threads here would not know of device scopes.

    Args:
        function: Safe to be called by two threads.
        items: Taken one by one, so that at most three are in memory.
    """
    items = iter(items)
    for item in items:  # the first one, which may compile, in the thread of the caller
        yield function(item)
        break
    if not _on_cores():
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(2) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _on_cores() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_logical_devices("GPU")

"""Batches that overlap on the processor's cores."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

from csnn_tf.processor import cores, tensorflow_on_cpu

Item = TypeVar("Item")
Result = TypeVar("Result")


def overlapping(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """A function of every item, in their order; on several cores of two items at a time.

    An operation that is too short to occupy all cores leaves room for one of the other batch, and
    the next batch is made while two are computed. It takes the memory of two. On an accelerator,
    which is busy with one batch, and on backends other than TensorFlow one item follows the other.

    Args:
        function: Safe to be called by two threads.
        items: Taken one by one: no more than three are waiting or computed.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if len(first) < 2 or not _on_cores():
        yield from map(function, chain(first, items))
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(2) as pool:
        for item in chain(first, items):
            waiting.append(pool.submit(function, item))
            if len(waiting) == 3:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _on_cores() -> bool:
    """Whether TensorFlow computes on more than one core of the processor."""
    return cores() > 1 and tensorflow_on_cpu()

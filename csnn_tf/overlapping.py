"""Batches that overlap on the processor's cores."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

from csnn_tf.processor import MOST_AT_ONCE, cores, one_thread_an_operation, tensorflow_on_cpu

Item = TypeVar("Item")
Result = TypeVar("Result")


def overlapping(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """A function of every item, in their order; on several cores of two items at a time.

    An operation that is too short to occupy all cores leaves room for one of the other batch, and
    the next batch is made while two are computed. It takes the memory of two. Where operations have
    one thread each (`csnn_tf.processor.share_cores_among_batches`) there are as many items as
    cores, up to four. On an accelerator, which is busy with one batch, and on backends other than
    TensorFlow one item follows the other.

    Args:
        function: Safe to be called by several threads.
        items: Taken one by one: no more than one is waiting while the others are computed.
    """
    items = iter(items)
    first = list(islice(items, 2))
    at_once = _at_once()
    if len(first) < 2 or at_once == 1:
        yield from map(function, chain(first, items))
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        for item in chain(first, items):
            waiting.append(pool.submit(function, item))
            if len(waiting) > at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _at_once() -> int:
    """Items that are computed at a time."""
    if not tensorflow_on_cpu():
        return 1
    return min(cores(), MOST_AT_ONCE if one_thread_an_operation() else 2)

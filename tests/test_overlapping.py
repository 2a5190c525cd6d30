import threading
import time

import pytest

from csnn_tf.overlapping import overlapping
from tests.helpers import BACKEND


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8])
def test_results_come_in_the_order_of_the_items(count):
    def slow_at_first(item):
        time.sleep(0.01 * (count - item))
        return 10 * item

    assert list(overlapping(slow_at_first, range(count))) == [10 * item for item in range(count)]


def test_two_items_at_a_time_and_no_more():
    lock, running, most, made = threading.Lock(), set(), 0, 0
    together = threading.Event()

    def items():
        nonlocal made
        for item in range(9):
            made += 1
            yield item

    def work(item):
        nonlocal most
        with lock:
            running.add(item)
            most = max(most, len(running))
            if len(running) == 2:
                together.set()
        if item and BACKEND == "tensorflow":
            assert together.wait(10)  # that of a pair which comes first waits for the other
        with lock:
            running.remove(item)
        return item

    for done in overlapping(work, items()):
        assert made <= done + 3
    assert most == (2 if BACKEND == "tensorflow" else 1)


def test_an_error_ends_it_and_is_the_callers():
    def fail(item):
        if item == 3:
            raise ValueError("item 3")
        return item

    results = overlapping(fail, range(100))
    assert [next(results), next(results), next(results)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(results)

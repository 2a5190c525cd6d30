import threading
import time

import numpy as np
import pytest

from csnn_tf import overlapping as module
from csnn_tf.inference import Predictor
from csnn_tf.models import PointCloudClassifier
from csnn_tf.overlapping import overlapping
from tests.helpers import clouds


@pytest.fixture(params=[True, False], ids=["on cores", "elsewhere"])
def on_cores(request, monkeypatch):
    monkeypatch.setattr(module, "_on_cores", lambda: request.param)
    return request.param


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8])
def test_results_come_in_the_order_of_the_items(on_cores, count):
    def slow_at_first(item):
        time.sleep(0.01 * (count - item))
        return 10 * item

    assert list(overlapping(slow_at_first, range(count))) == [10 * item for item in range(count)]


def test_two_items_at_a_time_and_no_more(on_cores):
    lock, running, most, made = threading.Lock(), set(), 0, 0

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
        time.sleep(0.03)
        with lock:
            running.remove(item)
        return item

    for done in overlapping(work, items()):
        assert made <= done + 3
    assert most == (2 if on_cores else 1)


def test_a_single_item_stays_in_the_thread_of_the_caller(on_cores):
    (thread,) = overlapping(lambda item: threading.current_thread(), [None])
    assert thread is threading.current_thread()


def test_an_error_ends_it_and_is_the_callers(on_cores):
    made = []

    def items():
        for item in range(100):
            made.append(item)
            yield item

    def fail(item):
        if item == 3:
            raise ValueError("item 3")
        return item

    results = overlapping(fail, items())
    assert [next(results), next(results), next(results)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(results)
    assert len(made) <= 6
    assert list(results) == []


def test_predictions_are_the_same_to_the_bit(monkeypatch):
    predictor = Predictor(PointCloudClassifier.from_preset("tiny", num_classes=3), batch_size=2)
    found = []
    for value in (True, False):
        monkeypatch.setattr(module, "_on_cores", lambda value=value: value)
        found.append(predictor.logits(clouds(11, 40)))
    np.testing.assert_array_equal(*found)

import threading
import time

import numpy as np
import pytest

from csnn_tf import overlapping as module
from csnn_tf.inference import Predictor
from csnn_tf.models import PointCloudClassifier
from csnn_tf.overlapping import overlapping
from tests.helpers import clouds


@pytest.fixture(params=[1, 2, 4])
def at_once(request, monkeypatch):
    monkeypatch.setattr(module, "_at_once", lambda: request.param)
    return request.param


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8])
def test_results_come_in_the_order_of_the_items(at_once, count):
    def slow_at_first(item):
        time.sleep(0.01 * (count - item))
        return 10 * item

    assert list(overlapping(slow_at_first, range(count))) == [10 * item for item in range(count)]


def test_so_many_items_at_a_time_and_no_more(at_once):
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
        assert made <= done + at_once + 1
    assert most == at_once


def test_a_single_item_stays_in_the_thread_of_the_caller(at_once):
    (thread,) = overlapping(lambda item: threading.current_thread(), [None])
    assert thread is threading.current_thread()


def test_an_error_ends_it_and_is_the_callers(at_once):
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
    assert len(made) <= 4 + at_once
    assert list(results) == []


def test_predictions_are_the_same_to_the_bit(monkeypatch):
    predictor = Predictor(PointCloudClassifier.from_preset("tiny", num_classes=3), batch_size=2)
    found = []
    for value in (2, 1):
        monkeypatch.setattr(module, "_at_once", lambda value=value: value)
        found.append(predictor.logits(clouds(11, 40)))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("on_cpu", "cores", "one_thread", "expected"),
    [
        (False, 8, False, 1),
        (True, 1, False, 1),
        (True, 8, False, 2),
        (True, 3, True, 3),
        (True, 8, True, 4),
    ],
)
def test_an_item_for_every_core_where_operations_have_one_thread(
    monkeypatch, on_cpu, cores, one_thread, expected
):
    monkeypatch.setattr(module, "tensorflow_on_cpu", lambda: on_cpu)
    monkeypatch.setattr(module, "cores", lambda: cores)
    monkeypatch.setattr(module, "one_thread_an_operation", lambda: one_thread)
    assert module._at_once() == expected

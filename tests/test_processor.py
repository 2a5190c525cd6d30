import json
import subprocess
import sys

import pytest

from csnn_tf import processor
from csnn_tf.processor import accelerators
from tests.helpers import BACKEND

pytestmark = pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow's threads")

_FRESH = """
import csnn_tf.processor as processor
processor.cores = lambda: 2
processor.share_cores_among_batches()
import json
import tensorflow as tf
a = tf.ones((1500, 1500))
tf.matmul(a, a)
processor.share_cores_among_batches()  # too late, and no error
print(json.dumps([processor.one_thread_an_operation(), processor.tensorflow_on_cpu()]))
"""


@pytest.fixture(autouse=True)
def no_setting(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)


@pytest.mark.skipif(bool(accelerators()), reason="of processors")
def test_a_fresh_process_can_have_one_thread_an_operation():
    done = subprocess.run([sys.executable, "-c", _FRESH], capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [True, True], done.stderr


def test_a_process_that_has_computed_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(processor, "cores", lambda: 2)
    processor.share_cores_among_batches()
    assert not processor.one_thread_an_operation()


@pytest.mark.parametrize(
    ("cores", "setting", "cards", "batches", "asked"),
    [
        (1, None, [], None, False),
        (2, None, [], None, True),
        (2, None, [], 2, True),
        (2, None, [], 1, False),
        (2, None, ["card"], None, False),
        (processor.MOST_AT_ONCE, None, [], None, True),
        (processor.MOST_AT_ONCE + 1, None, [], None, False),
        (2, "2", [], None, False),
    ],
)
def test_when_operations_get_one_thread(monkeypatch, cores, setting, cards, batches, asked):
    import tensorflow as tf

    found = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: cards)
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", found.append)
    monkeypatch.setattr(processor, "cores", lambda: cores)
    if setting is not None:
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", setting)
    processor.share_cores_among_batches(batches)
    assert found == [1] * asked


def test_the_systems_setting_is_seen(monkeypatch):
    for setting, expected in (("1", True), ("2", False)):
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", setting)
        assert processor.one_thread_an_operation() is expected

"""What runs before what; tests/export/test_c_runtime.py has the messages."""

import pytest
import tensorflow as tf

from csnn_tf.export.request_checks import checked_clouds, padded_clouds

POINTS = tf.TensorSpec([None, None, 3], tf.float32)
ROWS = tf.TensorSpec([None, 3], tf.float32)
LENGTHS = tf.TensorSpec([None], tf.int64)
LIMITS = {"max_points": 100, "max_clouds": 4}


def _before(operation) -> set[str]:
    """Names of all operations that an operation waits for."""
    names, waiting = set(), [operation]
    while waiting:
        one = waiting.pop()
        for other in (*(tensor.op for tensor in one.inputs), *one.control_inputs):
            if other.name not in names:
                names.add(other.name)
                waiting.append(other)
    return names


@pytest.mark.parametrize(
    ("function", "specs"),
    [
        (lambda points: checked_clouds(points, **LIMITS), [POINTS]),
        (lambda points, n: checked_clouds(points, lengths=n, **LIMITS), [POINTS, LENGTHS]),
        (lambda points, n: padded_clouds(points, n, **LIMITS), [ROWS, LENGTHS]),
    ],
    ids=["points", "padded", "ragged"],
)
def test_nothing_is_made_before_its_size_is_checked(function, specs):
    """A small request that pads to a lot took gigabytes beside the check that refused it."""
    traced = tf.function(function, input_signature=specs, autograph=False)
    operations = traced.get_concrete_function().graph.get_operations()
    checks = {each.name for each in operations if each.type in ("Assert", "If")}
    makers = [each for each in operations if each.type in ("Fill", "Less", "ScatterNd")]
    assert "Less" in {each.type for each in makers}  # of the mask
    for maker in makers:  # all but the check of coordinates, which needs the mask
        assert len(checks - _before(maker)) == 1, maker.name

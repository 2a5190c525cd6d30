import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.grid import num_vertices
from csnn_tf.layers import VertexPooling
from csnn_tf.layers.neighbor_sum import neighbor_sum
from csnn_tf.layers.precision import in_float32
from tests.helpers import numpy_of


@pytest.fixture
def maps():
    values = np.random.default_rng(0).normal(size=(2, num_vertices(2), 3, 4)).astype("float32")
    return ops.cast(values, "bfloat16")


def pooled(maps, mode):
    """By a layer of the maps' own type, which does not cast them."""
    return VertexPooling(mode, dtype=keras.backend.standardize_dtype(maps.dtype))(maps)


@pytest.mark.parametrize(
    "compute", [lambda x: neighbor_sum(x, 2), lambda x: pooled(x, "sum")], ids=["all", "pooling"]
)
def test_a_sum_rounds_once(maps, compute):
    once = ops.cast(compute(ops.cast(maps, "float32")), "bfloat16")
    sums = compute(maps)
    assert keras.backend.standardize_dtype(sums.dtype) == "bfloat16"
    np.testing.assert_array_equal(
        numpy_of(ops.cast(sums, "float32")), numpy_of(ops.cast(once, "float32"))
    )


def test_maxima_lose_nothing(maps):
    exact = pooled(ops.cast(maps, "float32"), "max")
    largest = pooled(maps, "max")
    assert keras.backend.standardize_dtype(largest.dtype) == "bfloat16"
    np.testing.assert_array_equal(numpy_of(ops.cast(largest, "float32")), numpy_of(exact))


def test_whole_numbers_pass_unchanged(maps):
    wide, whole = in_float32(lambda x, n: (x, n))(maps, ops.arange(3, dtype="int32"))
    assert keras.backend.standardize_dtype(wide.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(whole.dtype) == "int32"


def test_float32_is_left_alone():
    seen = in_float32(lambda x: x)(ops.ones((2,), "float32"))
    assert keras.backend.standardize_dtype(seen.dtype) == "float32"

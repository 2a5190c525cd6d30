from contextlib import nullcontext

import numpy as np
import pytest
from keras import ops

from csnn_tf.layers import compiled_kernels
from csnn_tf.layers.compiled import kernel
from tests.helpers import BACKEND, numpy_of


def traced(tensor) -> bool:
    if BACKEND == "jax":
        import jax

        return isinstance(tensor, jax.core.Tracer)
    import tensorflow as tf

    return tf.is_symbolic_tensor(tensor)


@pytest.mark.parametrize("active", [None, True, False])
def test_jax_compiles_kernels_unless_told_not_to_tensorflow_when_told_to(active):
    seen = []

    @kernel
    def twice(x):
        seen.append(x)
        return x * 2

    with nullcontext() if active is None else compiled_kernels(active):
        for _ in range(2):
            np.testing.assert_array_equal(numpy_of(twice(ops.ones(3))), 2)
    compiled = BACKEND == "jax" if active is None else active
    assert [traced(x) for x in seen] == ([True] if compiled else [False, False])


def test_whole_numbers_are_constants():
    @kernel
    def repeated(x, count):
        return ops.zeros((count, 2)) + x

    with compiled_kernels():
        for count in (3, 1):
            assert repeated(ops.ones(2), count).shape == (count, 2)

"""What the machine can do: matrix products and passes over memory."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

MATRIX = 2048
"""Rows and columns of the matrices; larger ones were no faster on any machine tried."""
PASS_BYTES = 256 * 2**20
"""Size of the array of a pass over memory, far beyond any cache."""


def matrix_product() -> tuple[Callable[[], Any], float]:
    """A large float32 matrix product, and its floating-point operations."""
    rng = np.random.default_rng(0)
    a, b = (
        ops.convert_to_tensor(rng.normal(size=(MATRIX, MATRIX)).astype(np.float32))
        for _ in range(2)
    )
    product = compiled(ops.matmul)
    return lambda: product(a, b), 2.0 * MATRIX**3


def memory_pass() -> tuple[Callable[[], Any], float]:
    """A pass that reads and writes a large array, and the bytes it moves."""
    array = ops.zeros((PASS_BYTES // 4,), "float32")
    step = compiled(lambda x: x + 1.0)
    return lambda: step(array), 2.0 * PASS_BYTES


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of tensors, compiled the way the backend is used for training."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.jit(function)
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    return function

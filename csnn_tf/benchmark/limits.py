"""What the machine can do: matrix products and passes over memory."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
from keras import ops

from csnn_tf.processor import accelerators, cores, one_thread_an_operation

MATRIX = {"processor": 2048, "accelerator": 8192}
"""Rows and columns of the matrices; larger ones were no faster on any processor tried, and smaller
ones on an accelerator measure the start of the product."""
PASS_BYTES = {"processor": 256 * 2**20, "accelerator": 4 * 2**30}
"""Size of the array of a pass over memory, far beyond any cache."""


def matrix_product() -> tuple[Callable[[], Any], float]:
    """A large matrix product in float32 as the backend has it, and its floating-point operations.

    GPUs round the factors of such products to TF32, as they do those of a network. Where operations
    run on one thread each it is a product for every core.
    """
    size = MATRIX[_device()]
    rng = np.random.default_rng(0)
    a, b = (
        ops.convert_to_tensor(rng.normal(size=(size, size)).astype(np.float32)) for _ in range(2)
    )
    product = compiled(ops.matmul)
    operations = 2.0 * size**3
    if not one_thread_an_operation():
        return lambda: product(a, b), operations
    count = cores()
    pool = ThreadPoolExecutor(count)
    return lambda: list(pool.map(product, [a] * count, [b] * count)), count * operations


def memory_pass() -> tuple[Callable[[], Any], float]:
    """A pass that reads and writes a large array, and the bytes it moves."""
    size = PASS_BYTES[_device()]
    array = ops.zeros((size // 4,), "float32")
    step = compiled(lambda x: x + 1.0)
    return lambda: step(array), 2.0 * size


def _device() -> str:
    return "accelerator" if accelerators() else "processor"


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

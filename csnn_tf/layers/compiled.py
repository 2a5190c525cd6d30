"""Compilation of single kernels by XLA, where the rest of a TensorFlow step runs uncompiled.

On CPUs TensorFlow's own convolutions and normalisation (oneDNN) beat XLA's, while a running sum of
gathers is four times as fast in XLA, which fuses it into one loop. So training takes the better of
the two. It is off unless asked for: a compiled kernel inside a SavedModel fails in a server that
was started without XLA.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras

_ACTIVE = ContextVar("csnn_tf_compiled_kernels", default=False)


@contextmanager
def compiled_kernels(active: bool = True) -> Iterator[None]:
    """Compile the kernels of layers that are traced inside this context (TensorFlow only).

    Never export a model that was first called inside it; a saved and loaded copy is safe.
    """
    token = _ACTIVE.set(active)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of tensors be compiled by itself inside `compiled_kernels`."""
    if keras.backend.backend() != "tensorflow":
        return function
    compiled: dict[int, Callable[..., Any]] = {}  # by number of tensors, which a trace fixes

    @functools.wraps(function)
    def call(*tensors):
        if not _ACTIVE.get():
            return function(*tensors)
        if len(tensors) not in compiled:
            import tensorflow as tf

            compiled[len(tensors)] = tf.function(function, jit_compile=True, reduce_retracing=True)
        return compiled[len(tensors)](*tensors)

    return call


def compiled_by_xla() -> bool:
    """Whether XLA will compile what TensorFlow traces now."""
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util  # TensorFlow has no public name for it

    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(
        tf.compat.v1.get_default_graph()
    )

"""Compilation of single kernels by XLA, also where what stands around them runs uncompiled.

On CPUs TensorFlow's own convolutions and normalisation (oneDNN) beat XLA's, while a running sum of
gathers is four times as fast in XLA, which fuses it into one loop. So training takes the better of
the two. It is off unless asked for: a compiled kernel inside a SavedModel fails in a server that
was started without XLA.

JAX compiles what is called outside of `jax.jit` operation by operation, each anew for every shape.
There a kernel is compiled as one function; inside it becomes part of the function around it.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Integral
from typing import Any

import keras

_ACTIVE: ContextVar[bool | None] = ContextVar("csnn_tf_compiled_kernels", default=None)


@contextmanager
def compiled_kernels(active: bool = True) -> Iterator[None]:
    """Compile the kernels of layers that are traced inside this context, or do not.

    Outside of it they are compiled with JAX, and not with TensorFlow.

    Never export a model that was first called inside it; a saved and loaded copy is safe.
    """
    token = _ACTIVE.set(active)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of tensors be compiled by itself, see `compiled_kernels`.

    Whole numbers among its arguments are constants with JAX. Make one for all layers that compute
    alike, see `PointsToSpheres`: one for each layer would be compiled for each.
    """
    backend = keras.backend.backend()
    if backend not in _COMPILERS:
        return function
    compiled: dict[Any, Callable[..., Any]] = {}  # by which are constants, and how many there are

    @functools.wraps(function)
    def call(*tensors):
        active = _ACTIVE.get()
        if not (backend == "jax" if active is None else active):
            return function(*tensors)
        fixed = tuple(isinstance(value, Integral) for value in tensors)
        if fixed not in compiled:
            compiled[fixed] = _COMPILERS[backend](function, fixed)
        return compiled[fixed](*tensors)

    return call


def _with_tensorflow(function, fixed):
    import tensorflow as tf

    return tf.function(function, jit_compile=True, reduce_retracing=True)


def _with_jax(function, fixed):
    import jax

    places = [place for place, constant in enumerate(fixed) if constant]
    return jax.jit(function, static_argnums=places)


_COMPILERS = {"tensorflow": _with_tensorflow, "jax": _with_jax}


def compiled_by_xla() -> bool:
    """Whether XLA will compile what TensorFlow traces now."""
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util  # TensorFlow has no public name for it

    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(
        tf.compat.v1.get_default_graph()
    )

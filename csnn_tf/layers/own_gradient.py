"""Gradients of our own making, left out where nobody asks for any."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from keras import ops

_WANTED: ContextVar[bool] = ContextVar("csnn_tf_gradients", default=True)


@contextmanager
def without_gradients() -> Iterator[None]:
    """What is traced inside this context has the gradients that the backend finds, if any.

    TensorFlow keeps each function with a gradient of its own for the life of the process, and with
    it the graph that it was traced for, some 8 MB of a classifier.
    """
    token = _WANTED.set(False)
    try:
        yield
    finally:
        _WANTED.reset(token)


def own_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """`keras.ops.custom_gradient`, but for what is traced in `without_gradients`.

    Args:
        function: Of tensors, to what it computes and the function for its gradient.
    """
    with_gradient = ops.custom_gradient(function)

    @functools.wraps(function)
    def call(*tensors):
        return with_gradient(*tensors) if _WANTED.get() else function(*tensors)[0]

    return call

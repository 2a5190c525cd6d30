"""The types that layers compute in: 16-bit numbers in float32, whole numbers as floats."""

import functools
from collections.abc import Callable
from typing import Any

from keras import ops
from keras.backend import is_float_dtype, standardize_dtype


def in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of tensors compute 16-bit ones in float32; its results have their type.

    A sum of several terms then rounds once, not after every term, and processors without 16-bit
    arithmetic convert each number once: a neighbourhood sum is two to eight times as fast.

    Args:
        function: Of tensors, to a tensor or a tuple of tensors. Whole numbers pass unchanged.
    """

    @functools.wraps(function)
    def call(*tensors):
        narrow = next((_narrow(x) for x in tensors if _narrow(x)), None)
        if narrow is None:
            return function(*tensors)
        results = function(*(ops.cast(x, "float32") if _narrow(x) else x for x in tensors))
        if isinstance(results, tuple):
            return tuple(_back(result, narrow) for result in results)
        return _back(results, narrow)

    return call


def as_float(x, dtype: str):
    """A tensor of whole numbers or truth values as one of `dtype`; one of floats as it is."""
    return x if is_float_dtype(standardize_dtype(x.dtype)) else ops.cast(x, dtype)


def _narrow(x) -> str | None:
    dtype = standardize_dtype(x.dtype)
    return dtype if dtype in ("bfloat16", "float16") else None


def _back(x, dtype: str):
    return ops.cast(x, dtype) if standardize_dtype(x.dtype) == "float32" else x

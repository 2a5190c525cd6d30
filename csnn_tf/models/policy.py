"""The dtype policy of what is made inside a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def dtype_policy(policy: Any) -> Iterator[None]:
    """Give layers that are made inside this context a policy, but those that name their own.

    Args:
        policy: A policy, its name such as "mixed_bfloat16", or its configuration; None for the
            global one.
    """
    previous = keras.config.dtype_policy()
    if policy is not None:
        keras.config.set_dtype_policy(keras.dtype_policies.get(policy))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)

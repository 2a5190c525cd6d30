"""Weights that are made without random numbers, because their values follow."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops


@contextmanager
def values_follow() -> Iterator[None]:
    """Make layers whose "glorot_uniform" kernels are zero until their values are assigned.

    For models that are read from a file or copied. JAX compiles the random numbers of
    `keras.initializers.GlorotUniform` for every shape, which takes longer than all else in opening
    a model. Layers have that initialiser as ever once the context is left.
    """
    made: list[Any] = []

    class Unset(keras.initializers.GlorotUniform):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return ops.zeros(shape, dtype)

    try:
        with keras.saving.custom_object_scope({"glorot_uniform": Unset}):
            yield
    finally:
        for initializer in made:
            initializer.__class__ = keras.initializers.GlorotUniform

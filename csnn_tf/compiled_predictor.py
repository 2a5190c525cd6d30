"""What predictors have in common: a model and its compiled forward pass."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from csnn_tf.errors import InputError


class CompiledPredictor(ABC):
    """Holds a forward pass, compiled for its own model.

    Compiled functions belong to the variables of one model and cannot be pickled, so a copy, by
    `copy` or by `pickle` into another process, compiles its own.
    """

    def __init__(self) -> None:
        self._forward = self._compile()

    @abstractmethod
    def _compile(self) -> Callable[..., Any]:
        """The model's forward pass, see `csnn_tf.models.compiled_forward`."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_forward"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forward = self._compile()


def power_of_two(count: int) -> int:
    """The next power of two: few sizes of padded batches, so few compilations."""
    return 1 << max(int(count) - 1, 0).bit_length()


def check_finite(values: np.ndarray, name: Callable[[int], str]) -> None:
    """Raise `InputError` if a model's answers are not finite.

    Args:
        values: [S, n].
        name: From a row to what it is the answer to.
    """
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise InputError(
            f"the model gives numbers that are not finite for {name(int(finite.argmin()))}: its "
            "weights are damaged, or its training diverged."
        )

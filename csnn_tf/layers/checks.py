"""Checks that several layers share."""

import math
import operator
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from csnn_tf.errors import InputError


def check_positive(name: str, value: Any) -> int:
    """Return `value` as an int, or raise `InputError` if it is not a positive whole number."""
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise InputError(f"{name} must be a positive whole number, not {_shown(value)}.")
    return number


def check_sizes(name: str, values: Any) -> tuple[int, ...]:
    """Return positive whole numbers as a tuple, or raise `InputError` if they are not a list."""
    if isinstance(values, str | dict) or not isinstance(values, Iterable):
        raise InputError(f"{name} must be a list of whole numbers, not {_shown(values)}.")
    return tuple(check_positive(name, value) for value in values)


def check_number(name: str, value: Any, least: float = -math.inf, most: float = math.inf) -> float:
    """Return `value` as a float, or raise `InputError` if it is not a finite number in a range."""
    if isinstance(value, bool | complex | str) or not isinstance(value, Real):
        raise InputError(f"{name} must be a number, not {_shown(value)}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{name} must be a finite number, not {_shown(value)}.")
    if not least <= number <= most:
        expected = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
        raise InputError(f"{name} must be {expected}, not {_shown(value)}.")
    return number


def check_array(name: str, values: Any) -> np.ndarray:
    """Return a copy in float64, or raise `InputError` if these are no array of numbers."""
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be an array of numbers, not {_shown(values)}.") from None


def check_axis(name: str, value: Any) -> int:
    """Return `value` as an int, or raise `InputError` if it is not 0, 1 or 2."""
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = -1
    if number not in (0, 1, 2):
        raise InputError(f"{name} must be 0, 1 or 2, not {_shown(value)}.")
    return number


def check_vector(name: str, values: Any) -> tuple[float, float, float]:
    """Return three finite numbers as a tuple, or raise `InputError` if they are not that."""
    if not isinstance(values, list | tuple | np.ndarray):
        raise InputError(f"{name} must be three numbers, not {_shown(values)}.")
    numbers = [check_number(name, value) for value in values]
    if len(numbers) != 3:
        raise InputError(f"{name} must be three numbers, not {_shown(values)}.")
    return (numbers[0], numbers[1], numbers[2])


def check_choice(name: str, value: Any, known: Sequence[str]) -> str:
    """Return `value`, or raise `InputError` if it is none of the known names."""
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{name} must be one of {', '.join(known)}, not {_shown(value)}.")
    return value


def _shown(value: Any) -> str:
    """A value on one line of a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_feature_map(shape: Sequence[int | None], owner: str) -> int:
    """Return the channels of a [batch, vertex, sphere, channel] shape, or raise `InputError`."""
    if len(shape) != 4 or any(size is None for size in shape[1:]):
        raise InputError(
            f"{owner} expects [batch, vertex, sphere, channel] with the last three sizes known, "
            f"not the shape {tuple(shape)}."
        )
    return int(shape[3])


def check_points(shape: Sequence[int | None], owner: str) -> None:
    """Raise `InputError` unless the shape is [batch, points, 3]."""
    if len(shape) != 3 or shape[2] != 3:
        raise InputError(
            f"{owner} expects points [batch, points, 3], not the shape {tuple(shape)}."
        )


def is_array(value: Any) -> bool:
    """Whether it is an array or a tensor, of rows of one length."""
    return hasattr(value, "shape") and not hasattr(value, "row_splits")  # as RaggedTensor has


def check_mask(mask: Any, shape: Sequence[int | None], owner: str) -> None:
    """Raise `InputError` unless the mask is [batch, points], as far as sizes are known."""
    found = tuple(mask.shape) if is_array(mask) else None
    if (
        found is None
        or len(found) != 2
        or any(None not in pair and pair[0] != pair[1] for pair in zip(found, shape, strict=False))
    ):
        raise InputError(
            f"{owner} expects a mask [batch, points] for points of the shape {tuple(shape)}, not "
            f"{type(mask).__name__ if found is None else f'the shape {found}'}."
        )

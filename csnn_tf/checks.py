"""Checks of arguments that all parts share: each returns the value, or names the culprit."""

import math
import operator
import os
from collections.abc import Iterable, Sequence
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from csnn_tf.errors import InputError


def whole_number(value: Any) -> int | None:
    """A whole number of any type as an int; of anything else, True and 1.0 too, None."""
    try:
        # Older NumPy's truth values are whole numbers to Python.
        return None if isinstance(value, bool | np.bool_) else operator.index(value)
    except (TypeError, AttributeError):  # the latter of TensorFlow's, of tensors of floats
        return None


def check_positive(name: str, value: Any) -> int:
    """Return `value` as an int, or raise `InputError` if it is not a positive whole number."""
    number = whole_number(value)
    if number is None or number < 1:
        raise InputError(f"{name} must be a positive whole number, not {_shown(value)}.")
    return number


def check_between(name: str, value: Any, least: int, most: int) -> int:
    """Return `value` as an int, or raise `InputError` if it is no whole number in a range."""
    number = whole_number(value)
    if number is None or not least <= number <= most:
        raise InputError(
            f"{name} must be a whole number from {least} to {most}, not {_shown(value)}."
        )
    return number


def check_bool(name: str, value: Any) -> bool:
    """Return `value` as a bool, or raise `InputError` if it is neither true nor false."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be true or false, not {_shown(value)}.")
    return bool(value)


def check_seed(value: Any) -> int:
    """Return `value` as an int, or raise `InputError` if no generator takes it as a seed."""
    number = whole_number(value)
    if number is None or not 0 <= number < 2**31:
        raise InputError(f"seed must be a whole number from 0 to 2**31 - 1, not {_shown(value)}.")
    return number


def check_sizes(name: str, values: Any) -> tuple[int, ...]:
    """Return positive whole numbers as a tuple, or raise `InputError` if they are not a list."""
    if isinstance(values, str | dict) or not isinstance(values, Iterable) or _single(values):
        raise InputError(f"{name} must be a list of whole numbers, not {_shown(values)}.")
    return tuple(check_positive(name, value) for value in values)


def check_number(name: str, value: Any, least: float = -math.inf, most: float = math.inf) -> float:
    """Return `value` as a float, or raise `InputError` if it is not a finite number in a range."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
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
        array = np.asarray(values)
        # Text and complex numbers would come through: read, and without their imaginary parts.
        if array.dtype == object:
            numeric = all(isinstance(value, Real | Decimal) for value in array.flat)
        else:
            numeric = np.can_cast(array.dtype, np.float64, "same_kind")
        if not numeric:
            raise TypeError
        return np.array(array, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be an array of numbers, not {_shown(values)}.") from None


def check_axis(name: str, value: Any) -> int:
    """Return `value` as an int, or raise `InputError` if it is not 0, 1 or 2."""
    number = whole_number(value)
    if number not in (0, 1, 2):
        raise InputError(f"{name} must be 0, 1 or 2, not {_shown(value)}.")
    return number


def check_vector(name: str, values: Any) -> tuple[float, float, float]:
    """Return three finite numbers as a tuple, or raise `InputError` if they are not that."""
    if not isinstance(values, list | tuple | np.ndarray) or _single(values):
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


def check_path(value: str | os.PathLike) -> Path:
    """Return a path, or raise `InputError` if the system cannot say what is there, if anything.

    It is where users' paths come in: of such a path `is_dir` and the like raise an `OSError`.
    """
    path = Path(value)
    try:
        path.exists()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return path


def _single(values: Any) -> bool:
    """Whether it is an array of one number without axes, which cannot be iterated over."""
    return getattr(values, "ndim", 1) == 0


def _shown(value: Any) -> str:
    """A value on one line of a message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."

"""Checks that several layers share."""

from collections.abc import Sequence

from csnn_tf.errors import InputError


def check_positive(name: str, value: object) -> int:
    """Return `value` as an int, or raise `InputError` if it is not a positive whole number."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 1:
        raise InputError(f"{name} must be a positive whole number, not {value!r}.")
    return value.__index__()


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

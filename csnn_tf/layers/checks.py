"""Checks of tensors' shapes that several layers share."""

from collections.abc import Sequence
from typing import Any

from csnn_tf.errors import InputError


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

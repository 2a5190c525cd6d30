"""Checks of tensors' shapes that several layers share."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from csnn_tf.checks import whole_number
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


def checked_atoms(
    displacements: Any, centre: Any, species: Any, num_atoms: Any, elements: int, owner: str
) -> Any:
    """The number of centre atoms, an int with JAX, which wants to know it before it compiles.

    Args:
        displacements, centre, species, num_atoms: As of `NeighborsToSpheres`.
        elements: Number of elements that the layer tells apart.
        owner: The layer, for the message.

    Raises:
        InputError: If `displacements` is not [pairs, 3], species are missing, or JAX cannot know
            the number.
    """
    if len(displacements.shape) != 2 or displacements.shape[1] != 3:
        raise InputError(
            f"{owner} expects displacements [pairs, 3], not the shape {tuple(displacements.shape)}."
        )
    if species is None and elements > 1:
        raise InputError(f"species is needed to tell {elements} elements apart.")
    if num_atoms is None:
        num_atoms = ops.max(ops.cast(centre, "int32"), initial=-1) + 1
    if keras.backend.backend() != "jax":
        return num_atoms
    number = whole_number(num_atoms)
    if number is None:
        raise InputError(
            "num_atoms must be a whole number, and inside `jax.jit` one that is known there, not "
            f"{num_atoms!r:.60}."
        )
    return number


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

"""Checks of tensors' shapes that several layers share."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
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
        InputError: If `displacements` is not [pairs, 3], the others are not of as many pairs,
            species are missing, or the number is not whole, negative, or not known with JAX.
    """
    if len(displacements.shape) != 2 or displacements.shape[1] != 3:
        raise InputError(
            f"{owner} expects displacements [pairs, 3], not the shape {tuple(displacements.shape)}."
        )
    if species is None and elements > 1:
        raise InputError(f"species is needed to tell {elements} elements apart.")
    _check_lengths(displacements.shape[0], {"centre": centre, "species": species}, owner)
    if num_atoms is None:
        num_atoms = ops.max(ops.cast(centre, "int32"), initial=-1) + 1
    on_jax = keras.backend.backend() == "jax"
    number = whole_number(num_atoms)
    if number is None and not on_jax and _is_whole_tensor(num_atoms):
        return num_atoms  # inside a function that TensorFlow compiles
    if number is None or number < 0:
        known = ", and inside `jax.jit` one that is known there" if on_jax else ""
        raise InputError(
            f"num_atoms must be a whole number{known}, from 0 on, not {num_atoms!r:.60}."
        )
    return number if on_jax else num_atoms


def _check_lengths(pairs: int | None, indices: dict[str, Any], owner: str) -> None:
    """Raise `InputError` unless these are [pairs], as far as sizes are known; one would spread."""
    for name, values in indices.items():
        if values is None:
            continue
        shape = values.shape if is_array(values) else np.shape(values)
        if len(shape) != 1 or not same_sizes(shape, (pairs,)):
            known = "pairs" if pairs is None else pairs
            raise InputError(f"{owner} expects {name} [{known}], not the shape {tuple(shape)}.")


def _is_whole_tensor(value: Any) -> bool:
    """Whether it is a tensor of one whole number."""
    if not ops.is_tensor(value) or len(value.shape) != 0:
        return False
    return keras.backend.is_int_dtype(keras.backend.standardize_dtype(value.dtype))


def same_sizes(shape: Sequence[int | None], other: Sequence[int | None]) -> bool:
    """Whether the axes that two shapes have are of the same sizes, as far as these are known."""
    return all(None in pair or pair[0] == pair[1] for pair in zip(shape, other, strict=False))


def is_array(value: Any) -> bool:
    """Whether it is an array or a tensor, of rows of one length."""
    return hasattr(value, "shape") and not hasattr(value, "row_splits")  # as RaggedTensor has


def check_mask(mask: Any, shape: Sequence[int | None], owner: str) -> None:
    """Raise `InputError` unless the mask is [batch, points], as far as sizes are known."""
    found = tuple(mask.shape) if is_array(mask) else None
    if found is None or len(found) != 2 or not same_sizes(found, shape):
        raise InputError(
            f"{owner} expects a mask [batch, points] for points of the shape {tuple(shape)}, not "
            f"{type(mask).__name__ if found is None else f'the shape {found}'}."
        )

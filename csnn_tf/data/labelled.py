"""What the two kinds of labelled sets, clouds and meshes, check and do alike."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.checks import check_seed
from csnn_tf.errors import InputError


def check_labelling(
    count: int, labels: ArrayLike, names: Sequence[str] | None, class_names: Sequence[str]
) -> tuple[NDArray[np.int32], list[str], tuple[str, ...]]:
    """Checks labels, shape names and class names of `count` shapes against each other.

    Returns:
        Labels int32 [S], names as a list ("shape 0" and so on in place of None), class names as a
        tuple.

    Raises:
        InputError: there is no shape, the lengths differ, a label is no class.
    """
    names = [f"shape {place}" for place in range(count)] if names is None else names
    names, class_names = [str(name) for name in names], tuple(str(name) for name in class_names)
    if count == 0:
        raise InputError("A set of shapes must hold at least one shape.")
    if not class_names or len(set(class_names)) != len(class_names):
        raise InputError("class_names must be at least one name, and all different.")
    labels = np.asarray(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise InputError(
            f"labels must be {count} whole numbers, one a shape, "
            f"not {labels.dtype} of shape {labels.shape}."
        )
    if len(names) != count:
        raise InputError(f"names must be {count} strings, one a shape, not {len(names)}.")
    wrong = np.flatnonzero((labels < 0) | (labels >= len(class_names)))
    if wrong.size:
        raise InputError(
            f"{names[wrong[0]]} has the label {labels[wrong[0]]}, "
            f"which must be from 0 to {len(class_names) - 1}."
        )
    return labels.astype(np.int32), names, class_names


def check_indices(indices: ArrayLike, count: int) -> NDArray[np.intp]:
    """Returns `indices` as whole numbers from 0 to count - 1, at least one."""
    indices = np.asarray(indices)
    if indices.ndim != 1 or indices.size == 0 or indices.dtype.kind not in "iu":
        raise InputError("indices must be a list of whole numbers, at least one.")
    if indices.min() < 0 or indices.max() >= count:
        raise InputError(f"indices must be from 0 to {count - 1}.")
    return indices.astype(np.intp)


def check_enough(name: object, points: int, num_points: int) -> None:
    """Raises an InputError if the file or shape `name` has fewer points than are asked for."""
    if points < num_points:
        raise InputError(f"{name} has {points} points where {num_points} are asked for.")


def split_indices(
    labels: NDArray[np.int32], fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draws a held-out part, the same share of every class.

    Of a class of n shapes, round(fraction n) are held out, at most n - 1.

    Args:
        labels: [S].
        fraction: share to hold out, above 0 and below 1.
        seed: the same seed draws the same shapes.

    Returns:
        Indices of the part that stays and of the part held out, both ascending.

    Raises:
        InputError: `fraction` is out of range or holds out no shape at all.
    """
    if not isinstance(fraction, Real) or not 0 < fraction < 1:
        raise InputError(f"fraction must be above 0 and below 1, not {fraction!r}.")
    fraction = float(fraction)
    random = np.random.default_rng(check_seed(seed))
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        count = min(int(fraction * len(members) + 0.5), len(members) - 1)
        held_out[members[:count]] = True
    if not held_out.any():
        raise InputError(
            f"A fraction of {fraction} holds out none of {len(labels)} shapes; "
            "at least one class needs more shapes."
        )
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)

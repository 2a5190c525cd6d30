"""Turning clouds at random, outside of training."""

from collections.abc import Sequence

import numpy as np

from csnn_tf.data.augmenter import ROTATIONS
from csnn_tf.errors import InputError
from csnn_tf.grid import random_rotations

_VOTE_SEED = 20


def rotated(
    clouds: np.ndarray | Sequence[np.ndarray],
    rotation: str,
    rng: np.random.Generator,
    upright_axis: int = 1,
    sampling: str = "haar",
    *,
    centred: bool = True,
):
    """Every cloud turned by a rotation of its own.

    Args:
        clouds: S clouds [n_i, 3], or one array [S, n, 3].
        rotation: "none", "z" (about the upright axis) or "so3" (uniform).
        rng: Source of randomness.
        upright_axis: Coordinate along which the shapes stand.
        sampling: How SO(3) is sampled: "haar" (uniform) or "euler" (the published code's three
            uniform Euler angles).
        centred: Whether about its centroid, in place of the origin: as the model has it that sees
            the clouds, and as its training had it.

    Returns:
        Clouds of the same form, of numbers of the same type.

    Raises:
        InputError: If the rotation is unknown.
    """
    check_rotation(rotation, sampling)
    if rotation == "none":
        return clouds
    if rotation == "z":
        matrices = _about(upright_axis, rng.uniform(0, 2 * np.pi, size=len(clouds)))
    elif sampling == "haar":
        matrices = random_rotations(len(clouds), rng)
    else:
        angles = rng.uniform(0, 2 * np.pi, size=(3, len(clouds)))
        x, y, z = (_about(axis, angle) for axis, angle in enumerate(angles))
        matrices = z @ y @ x
    matrices = matrices.astype(np.float32)

    def turn(cloud, matrix):
        centre = cloud.mean(axis=-2, keepdims=True) if centred else np.float32(0)
        return (cloud - centre) @ np.swapaxes(matrix, -1, -2) + centre

    if isinstance(clouds, np.ndarray):
        return turn(clouds, matrices)
    return [turn(cloud, matrix) for cloud, matrix in zip(clouds, matrices, strict=True)]


def vote_rotations(votes: int) -> np.ndarray:
    """The rotations over which predictions and exports average, [votes, 3, 3].

    Always the same, and none of the icosahedron's own, which would change nothing.
    """
    return random_rotations(votes, np.random.default_rng(_VOTE_SEED))


def check_rotation(rotation: str, sampling: str = "haar") -> None:
    """Raise `InputError` if a rotation's or a sampling's name is unknown."""
    if rotation not in ROTATIONS:
        raise InputError(f"rotation must be one of {', '.join(ROTATIONS)}, not {rotation!r}.")
    if sampling not in ("haar", "euler"):
        raise InputError(f"sampling must be haar or euler, not {sampling!r}.")


def _about(axis: int, angle: np.ndarray) -> np.ndarray:
    """[n, 3, 3] rotations by angles [n] about a coordinate axis."""
    one, two = (axis + 1) % 3, (axis + 2) % 3
    matrices = np.zeros((len(angle), 3, 3))
    matrices[:, axis, axis] = 1
    matrices[:, one, one] = matrices[:, two, two] = np.cos(angle)
    matrices[:, one, two], matrices[:, two, one] = -np.sin(angle), np.sin(angle)
    return matrices

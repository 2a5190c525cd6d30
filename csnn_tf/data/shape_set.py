"""A labelled set of point clouds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.data.coordinates import check_unmasked, float32_coordinates
from csnn_tf.data.labelled import check_indices, check_labelling, split_indices
from csnn_tf.errors import InputError

Clouds = NDArray[np.float32] | list[NDArray[np.float32]]


@dataclass(frozen=True, eq=False, repr=False)
class ShapeSet:
    """Point clouds with their classes, checked when made.

    Example:
        >>> clouds = np.random.default_rng(0).normal(size=(4, 128, 3))
        >>> shapes = ShapeSet(clouds, [0, 0, 1, 1], list("abcd"), ("chair", "table"))
        >>> training, held_out = shapes.split(0.5, seed=0)
        >>> held_out
        ShapeSet(2 shapes of 128 points, 2 classes)

    Args:
        clouds: S point clouds in the files' own units: one array [S, N, 3], or S arrays [n_i, 3].
            Kept as one float32 array where all sizes agree, else as a list of float32 arrays; moved
            to their centroids where float32 would not tell their points apart.
        labels: [S] whole numbers, places in `class_names`. Kept as int32.
        names: S strings that tell a user which shape is meant, such as a path or `file.h5[17]`;
            None calls them "shape 0" and so on.
        class_names: names of the classes.

    Raises:
        InputError: something is missing, of the wrong shape, not finite, or not a class; the
            message gives the name of the shape.
    """

    clouds: Clouds
    labels: NDArray[np.int32]
    names: list[str]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        labels, names, class_names = check_labelling(
            len(self.clouds), self.labels, self.names, self.class_names
        )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "class_names", class_names)
        object.__setattr__(self, "clouds", _check_clouds(self.clouds, names))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def sizes(self) -> tuple[int, int]:
        """Points of the smallest and of the largest cloud."""
        if isinstance(self.clouds, np.ndarray):
            return self.clouds.shape[1], self.clouds.shape[1]
        return min(map(len, self.clouds)), max(map(len, self.clouds))

    def __repr__(self) -> str:
        sizes = span(*self.sizes)
        return f"ShapeSet({len(self)} shapes of {sizes} points, {len(self.class_names)} classes)"

    def subset(self, indices: ArrayLike) -> ShapeSet:
        """The shapes at `indices`, whole numbers [K] from 0 to S - 1, in that order."""
        indices = check_indices(indices, len(self))
        array = isinstance(self.clouds, np.ndarray)
        return ShapeSet(
            self.clouds[indices] if array else [self.clouds[index] for index in indices],
            self.labels[indices],
            [self.names[index] for index in indices],
            self.class_names,
        )

    def drawn(self, num_points: int, seed: int) -> ShapeSet:
        """At most `num_points` points of every cloud, drawn without repetition.

        Args:
            num_points: points of a larger cloud that stay. A smaller one stays as it is.
            seed: the same seed draws the same points.
        """
        if isinstance(self.clouds, np.ndarray) and self.clouds.shape[1] <= num_points:
            return self
        clouds = [
            draw_points(cloud, num_points, (seed, index)) for index, cloud in enumerate(self.clouds)
        ]
        return ShapeSet(clouds, self.labels, self.names, self.class_names)

    def split(self, fraction: float, seed: int) -> tuple[ShapeSet, ShapeSet]:
        """Holds out a share of every class, for validation.

        At least one shape of each class stays in the first part.

        Args:
            fraction: share to hold out, above 0 and below 1.
            seed: the same seed holds out the same shapes.

        Returns:
            The part that stays and the part held out, each in the order of this set.

        Raises:
            InputError: `fraction` is out of range or holds out no shape at all.
        """
        stays, held_out = split_indices(self.labels, fraction, seed)
        return self.subset(stays), self.subset(held_out)


def span(least: int, most: int) -> str:
    """Numbers of points as text, one where they are the same."""
    return f"{most}" if least == most else f"{least} to {most}"


def draw_points(
    cloud: NDArray[np.float32], num_points: int, seed: tuple[int, int]
) -> NDArray[np.float32]:
    """At most `num_points` points [n, 3] of a cloud, drawn without repetition."""
    if len(cloud) <= num_points:
        return cloud
    return cloud[np.random.default_rng(seed).choice(len(cloud), num_points, replace=False)]


def _check_clouds(clouds: Sequence[ArrayLike], names: list[str]) -> Clouds:
    if not isinstance(clouds, np.ndarray) or clouds.dtype == object:
        clouds = [_check_cloud(cloud, name) for cloud, name in zip(clouds, names, strict=True)]
        if len({len(cloud) for cloud in clouds}) > 1:
            return clouds
        return np.stack(clouds)
    check_unmasked(clouds, "the array of clouds")
    if clouds.dtype.kind not in "fiu" or clouds.ndim != 3 or clouds.shape[2] != 3:
        raise InputError(
            f"clouds must be numbers [shapes, points, 3], not {clouds.dtype} of "
            f"shape {clouds.shape}."
        )
    if clouds.shape[1] == 0:
        raise InputError(f"{names[0]} has no point.")
    clouds = float32_coordinates(clouds)  # infinite where too large
    if not np.isfinite(clouds).all():
        finite = np.isfinite(clouds).all(axis=(1, 2))
        raise InputError(f"{names[np.argmin(finite)]} has a coordinate that is not finite.")
    return clouds


def _check_cloud(cloud: ArrayLike, name: str) -> NDArray[np.float32]:
    """One cloud [n, 3] as float32, or an InputError that gives its name."""
    check_unmasked(cloud, name)
    try:
        cloud = np.asarray(cloud)
    except ValueError:  # lists of different lengths
        raise InputError(
            f"{name} must be numbers [points, 3], not rows of different lengths."
        ) from None
    if cloud.dtype.kind not in "fiu" or cloud.ndim != 2 or cloud.shape[1] != 3:
        raise InputError(
            f"{name} must be numbers [points, 3], not {cloud.dtype} of shape {cloud.shape}."
        )
    if len(cloud) == 0:
        raise InputError(f"{name} has no point.")
    cloud = float32_coordinates(cloud)
    if not np.isfinite(cloud).all():
        raise InputError(f"{name} has a coordinate that is not finite.")
    return cloud

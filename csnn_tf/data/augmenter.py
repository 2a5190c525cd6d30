"""The augmentations of a training recipe, one after the other."""

from collections.abc import Sequence

import keras
import numpy as np

from csnn_tf.errors import InputError
from csnn_tf.layers import (
    PointDropout,
    RandomAxisRotation,
    RandomJitter,
    RandomRotation,
    RandomScale,
    RandomShift,
)
from csnn_tf.layers.seeds import StatelessSeed

ROTATIONS = ("none", "z", "so3")
"""Rotations by name: none, about the upright axis, uniform over SO(3)."""


class Augmenter:
    """Augmentations in the published order: scale, rotate, shift, jitter, drop points.

    What a batch becomes is a function of the batch and its seed, so the same run gives the same
    batches whatever was drawn before.

    Args:
        rotation: "none", "z" (about the upright axis) or "so3" (uniform).
        upright_axis: Coordinate along which the shapes stand.
        scale: Smallest and largest factor along each axis, or None.
        shift: Largest shift along each axis; 0 for none.
        jitter: Standard deviation of the noise; 0 for none.
        jitter_clip: Largest size of the noise.
        point_dropout: Largest share of points dropped; 0 for none.

    Raises:
        InputError: If an argument is out of range.

    Source: section IV-A of the CSNN paper (all but the point dropout).
    """

    def __init__(
        self,
        *,
        rotation: str = "so3",
        upright_axis: int = 1,
        scale: Sequence[float] | None = (0.8, 1.2),
        shift: float = 0.1,
        jitter: float = 0.01,
        jitter_clip: float = 0.05,
        point_dropout: float = 0.0,
    ) -> None:
        self.layers: list[keras.layers.Layer] = []
        if scale is not None:
            if not isinstance(scale, list | tuple | np.ndarray) or len(scale) != 2:
                raise InputError(f"scale must be two factors, low and high, not {scale!r:.60}.")
            self.layers.append(RandomScale(*scale))
        self.layers += rotation_layers(rotation, upright_axis)
        if shift:
            self.layers.append(RandomShift(shift))
        if jitter:
            self.layers.append(RandomJitter(jitter, jitter_clip))
        if point_dropout:
            self.layers.append(PointDropout(point_dropout))

    def __call__(self, points, seed):
        """Augment points [batch, points, 3] with the draws of a seed (two whole numbers)."""
        generator = StatelessSeed(seed)
        for layer in self.layers:
            points = layer(points, training=True, seed=generator)
        return points


def rotation_layers(rotation: str, upright_axis: int = 1) -> list[keras.layers.Layer]:
    """The layer of a rotation's name, or none for "none"."""
    if rotation not in ROTATIONS:
        raise InputError(f"rotation must be one of {', '.join(ROTATIONS)}, not {rotation!r}.")
    if rotation == "z":
        return [RandomAxisRotation(upright_axis)]
    return [RandomRotation()] if rotation == "so3" else []

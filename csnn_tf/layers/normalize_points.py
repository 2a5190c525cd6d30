"""Clouds moved to their centroid and scaled to the unit ball."""

from typing import Any

import keras
import numpy as np
from keras import ops

from csnn_tf.checks import check_bool
from csnn_tf.errors import InputError
from csnn_tf.layers.checks import check_mask, check_points


@keras.saving.register_keras_serializable(package="csnn_tf")
class NormalizePoints(keras.layers.Layer):
    """Move every cloud's mean to the origin and divide by its largest norm.

    The centroid is the centre of rotation of the paper's experiments (section IV-A).

    Args:
        center: Whether the mean is subtracted.
        scale: Whether the largest norm becomes 1; a cloud of coincident points stays as it is.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: points [batch, points, 3], any length unit, and optionally `mask` [batch, points], true
        where a row holds a point.
    Output: [batch, points, 3] float32; rows that hold no point are zero.
    """

    def __init__(self, *, center: bool = True, scale: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs, autocast=False)
        self.supports_masking = True
        self.center = check_bool("center", center)
        self.scale = check_bool("scale", scale)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check the input's shape."""
        _check(input_shape)

    def call(self, inputs, mask=None):
        """Normalise."""
        _check(inputs.shape)  # `build` saw the first inputs only
        if mask is not None:
            check_mask(mask, inputs.shape, "NormalizePoints")
            mask = ops.cast(mask, "bool")  # 255 is as true as 1
        points = ops.cast(inputs, "float32")
        # By the largest coordinate first, so that sums and squares neither overflow nor vanish.
        points, unit = divided_by_extent(masked(points, mask))
        if self.center:
            # By the middle of its extent first, which is exact for coincident points: the sum of
            # many equal numbers is not.
            points = masked(points - _middle(points, mask), mask)
            present = ops.cast(ops.shape(points)[1], "float32")
            if mask is not None:
                present = ops.sum(ops.cast(mask, "float32"), axis=1)[:, None, None]
            mean = ops.sum(points, axis=1, keepdims=True) / ops.maximum(present, 1.0)
            points = masked(points - mean, mask)
            # What rounding leaves of coincident points is no shape.
            spread = ops.max(ops.abs(points), axis=(1, 2), keepdims=True, initial=0.0)
            points = ops.where(spread <= 1e-6, 0.0, points)
        if not self.scale:
            return points * unit
        points, _ = divided_by_extent(points)
        largest = ops.max(norm(points), axis=1, initial=0.0)[:, None, None]
        return points / ops.where(largest > 0, largest, 1.0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Same as the input's."""
        return input_shape

    def compute_output_spec(self, inputs, mask=None):
        """Same shape as the input, float32."""
        return keras.KerasTensor(inputs.shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        return {**config, "center": self.center, "scale": self.scale}


def masked(points, mask):
    """Points with zeros where the mask is false."""
    return points if mask is None else ops.where(ops.cast(mask, "bool")[..., None], points, 0.0)


def _middle(points, mask):
    """Halfway between a cloud's least and largest coordinates [batch, 1, 3]; 0 without points."""
    outside = np.float32(2.0)  # of points divided by their extent
    least, largest = points, points
    if mask is not None:
        least, largest = (ops.where(mask[..., None], points, x) for x in (outside, -outside))
    least = ops.min(least, axis=1, keepdims=True, initial=outside)
    largest = ops.max(largest, axis=1, keepdims=True, initial=-outside)
    return ops.stop_gradient((least + largest) / 2)


def norm(points):
    """Euclidean norms [...] of points [..., 3]; at the origin the gradient is 0, not undefined."""
    square = ops.sum(ops.square(points), axis=-1)
    return ops.where(square > 0, ops.sqrt(ops.where(square > 0, square, 1.0)), 0.0)


def divided_by_extent(points):
    """Points divided by a cloud's largest coordinate, and that divisor (1 in place of 0).

    For what comes to the same with any divisor: a scale by the largest norm follows, or the divisor
    is multiplied with again. So it needs no gradient, whose square would leave float32.
    """
    extent = ops.max(ops.abs(points), axis=(1, 2), keepdims=True, initial=0.0)
    extent = ops.stop_gradient(ops.where(extent > 0, extent, 1.0))
    return points / extent, extent


def _check(shape: tuple[int | None, ...]) -> None:
    check_points(shape, "NormalizePoints")
    if shape[1] == 0:
        raise InputError(
            f"NormalizePoints expects at least one point, not the shape {tuple(shape)}."
        )

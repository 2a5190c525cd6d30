"""The learned linear transformation of PointNet."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number
from csnn_tf.errors import InputError
from csnn_tf.layers.checks import same_sizes


@keras.saving.register_keras_serializable(package="csnn_tf")
class LearnedTransform(keras.layers.Layer):
    """Multiplies every point's features by a matrix that a network gives for the whole cloud.

    y = x (1 + M), with the loss  weight * mean over clouds of |1 - A A^T|^2,  A = 1 + M,

    which keeps A near an orthogonal matrix (equation 2 of the PointNet paper).

    Args:
        regularization: Weight of that loss; 0 for none.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: features [batch, points, C] and M [batch, C * C].
    Output: [batch, points, C]. Computed in float32 whatever the dtype policy, since coordinates do
        not survive fewer digits.

    Raises:
        InputError: If `regularization` is negative, or, in a call, if M is not [batch, C * C].

    Source: Qi et al., "PointNet", CVPR 2017, section 4.2.
    """

    def __init__(self, regularization: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs, autocast=False)
        self.regularization = check_number("regularization", regularization, 0)

    def build(self, *_: Any, **__: Any) -> None:
        """It has no weights."""

    def call(self, features, matrix, training: bool | None = None):
        """Apply the matrices."""
        width = features.shape[-1]
        of_width = tuple(matrix.shape[1:]) == (width**2,)
        if not of_width or not same_sizes(matrix.shape[:1], features.shape):
            raise InputError(
                f"{type(self).__name__} expects M [batch, {width**2}] for features "
                f"{tuple(features.shape)}, not the shape {tuple(matrix.shape)}."
            )
        one = ops.eye(width, dtype="float32")
        matrix = one + ops.reshape(ops.cast(matrix, "float32"), (-1, width, width))
        if training and self.regularization:
            away = one - ops.matmul(matrix, ops.transpose(matrix, (0, 2, 1)))
            squares = ops.sum(ops.square(away), axis=(1, 2))
            self.add_loss(self.regularization * ops.mean(squares))
        outputs = ops.matmul(ops.cast(features, "float32"), matrix)
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(
        self, features_shape: tuple[int | None, ...], *_: Any, **__: Any
    ) -> tuple[int | None, ...]:
        """Same as the features'."""
        return features_shape

    def compute_output_spec(self, features, matrix, training: bool | None = None):
        """Shape and dtype of the output."""
        return keras.KerasTensor(features.shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        return {**config, "regularization": self.regularization}

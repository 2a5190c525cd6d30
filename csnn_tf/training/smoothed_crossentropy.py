"""The classifier's loss."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number
from csnn_tf.errors import InputError


@keras.saving.register_keras_serializable(package="csnn_tf")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross entropy of logits and integer labels, with label smoothing.

    Args:
        smoothing: Share of the target spread evenly over all classes, 0 to 1.
        **kwargs: Arguments of `keras.losses.Loss`.

    Labels are [B] or [B, 1], and logits [B, classes]. The loss of a label that is no class is NaN.

    Raises:
        InputError: If the smoothing is out of range, or the labels are of another shape, such as
            one-hot.
    """

    def __init__(self, smoothing: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**{"name": "cross_entropy", **kwargs})
        self.smoothing = check_number("smoothing", smoothing, 0, 1)

    def call(self, y_true, y_pred):
        """One loss a sample."""
        if len(y_true.shape) > 2 or (len(y_true.shape) == 2 and y_true.shape[1] not in (1, None)):
            raise InputError(
                f"SmoothedCrossentropy expects integer labels [batch], not the shape "
                f"{tuple(y_true.shape)}."
            )
        log_probabilities = ops.log_softmax(y_pred, axis=-1)
        classes = y_pred.shape[-1]
        labels = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        target = ops.one_hot(labels, classes)
        target = target * (1 - self.smoothing) + self.smoothing / classes
        loss = -ops.sum(target * log_probabilities, axis=-1)
        return ops.where(ops.logical_and(labels >= 0, labels < classes), loss, float("nan"))

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "smoothing": self.smoothing}

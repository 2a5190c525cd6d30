"""The classifier's loss."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="csnn_tf")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross entropy of logits and integer labels, with label smoothing.

    Args:
        smoothing: Share of the target spread evenly over all classes.
        **kwargs: Arguments of `keras.losses.Loss`.
    """

    def __init__(self, smoothing: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**{"name": "cross_entropy", **kwargs})
        self.smoothing = float(smoothing)

    def call(self, y_true, y_pred):
        """One loss a sample."""
        log_probabilities = ops.log_softmax(y_pred, axis=-1)
        classes = y_pred.shape[-1]
        target = ops.one_hot(ops.reshape(ops.cast(y_true, "int32"), (-1,)), classes)
        target = target * (1 - self.smoothing) + self.smoothing / classes
        return -ops.sum(target * log_probabilities, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "smoothing": self.smoothing}

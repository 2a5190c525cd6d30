"""Batch normalisation of feature maps."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="csnn_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last axis, in one operation on TensorFlow.

    Keras composes the training-time normalisation of many operations, each a pass over memory;
    TensorFlow has one for it. The numbers are those of Keras. Its constants default to the
    published model's.

    Args:
        momentum: Share of the running averages that stays at a step.
        epsilon: Added to the variance.
        **kwargs: Arguments of `keras.layers.BatchNormalization`, except `axis`.

    Input and output: [..., channel].
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(axis=-1, momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs, training: bool | None = None, mask=None):
        """Normalise by the batch's statistics in training, by the running ones otherwise."""
        fusable = len(inputs.shape) == 4 and self.scale and self.center and not self.synchronized
        if (
            not (training and self.trainable and fusable and mask is None)
            or keras.backend.backend() != "tensorflow"
            or isinstance(inputs, keras.KerasTensor)
        ):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = _fused(inputs, self.gamma, self.beta, self.epsilon)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + value * (1.0 - self.momentum))
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("axis")
        return config


def _fused(x, gamma, beta, epsilon: float):
    """Normalised x, its mean and its (biased) variance over all axes but the last."""
    import tensorflow as tf

    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=ops.cast(gamma, "float32"),
        offset=ops.cast(beta, "float32"),
        mean=tf.zeros((0,)),
        variance=tf.zeros((0,)),
        epsilon=epsilon,
        is_training=True,
    )
    # The operation returns the unbiased variance; Keras keeps the biased one.
    count = tf.cast(tf.size(x, tf.int64) // x.shape[-1], tf.float32)
    return outputs, mean, variance * ((count - 1.0) / count)

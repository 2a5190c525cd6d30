"""Batch normalisation of feature maps."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number
from csnn_tf.errors import InputError
from csnn_tf.layers.compiled import compiled_by_xla, kernel
from csnn_tf.layers.feature_map_conv import activated_shape
from csnn_tf.layers.precision import as_float, in_float32


@keras.saving.register_keras_serializable(package="csnn_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last axis, in one operation on TensorFlow.

    Keras composes the training-time normalisation of many operations, each a pass over memory;
    TensorFlow has one for it. The numbers are those of Keras, whose own computation is used where
    the operation does not fit: with weights that are not float32, and where XLA compiles the step,
    which makes one pass of many operations anyway, and of that one E[x^2] - E[x]^2. Its constants
    default to the published model's.

    Second derivatives, as of gradient penalties, are exact in the one operation. Keras's own on
    TensorFlow are off by some 1 / N, N being the values of a channel: `tf.nn.moments` holds the
    mean fixed in the variance.

    Args:
        momentum: Share of the running averages that stays at a step, 0 to 1.
        epsilon: Added to the variance, at least 0.
        activation: Name of, or a Keras activation function of the result; none by default. With
            "relu" on TensorFlow the gradient finds anew what was positive from the input, so that
            the result need not stay in memory for it.
        **kwargs: Arguments of `keras.layers.BatchNormalization`, except an `axis` other than -1.

    Input and output: [..., channel].

    Raises:
        InputError: If an axis is given that is not the last, or a momentum or epsilon that is no
            number in its range.
    """

    def __init__(
        self,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        axis = kwargs.pop("axis", -1)
        if axis != -1:
            raise InputError(
                f"csnn_tf's BatchNormalization is over the last axis; for axis={axis!r} take "
                "keras.layers.BatchNormalization."
            )
        momentum = check_number("momentum", momentum, 0, 1)
        epsilon = check_number("epsilon", epsilon, 0)
        super().__init__(axis=-1, momentum=momentum, epsilon=epsilon, **kwargs)
        self.activation = keras.activations.get(activation)

    def call(self, inputs, training: bool | None = None, mask=None):
        """Normalise by the batch's statistics in training, by the running ones otherwise."""
        inputs = as_float(inputs, self.compute_dtype)
        by_batch = training and self.trainable
        if mask is not None or not self._fusable(inputs) or (by_batch and compiled_by_xla()):
            return self.activation(super().call(inputs, training=training, mask=mask))
        if not by_batch:
            averages = self.moving_mean, self.moving_variance
            outputs = _fused_at_inference(inputs, self.gamma, self.beta, *averages, self.epsilon)
            return self.activation(outputs)
        rectify = self.activation is keras.activations.relu
        outputs, mean, variance = _fused(inputs, self.gamma, self.beta, self.epsilon, rectify)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + value * (1.0 - self.momentum))
        return outputs if rectify else self.activation(outputs)

    def _fusable(self, inputs) -> bool:
        """Whether TensorFlow's operation fits the layer and what it is called with."""
        return (
            keras.backend.backend() == "tensorflow"
            and not isinstance(inputs, keras.KerasTensor)
            and len(inputs.shape) == 4
            and self.scale
            and self.center
            and not self.synchronized
            and not getattr(self, "renorm", False)  # older Keras has none
            and self.variable_dtype == "float32"
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As the input's, or what the activation makes of it."""
        return activated_shape(self.activation, super().compute_output_shape(input_shape))

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("axis")
        return {**config, "activation": keras.activations.serialize(self.activation)}


def _fused(x, gamma, beta, epsilon: float, rectify: bool):
    """x normalised, and cut off at 0 if asked; its mean and (biased) variance for each channel."""
    import tensorflow as tf

    # The operation returns the unbiased variance; Keras keeps the biased one.
    count = tf.cast(tf.size(x, tf.int64) // x.shape[-1], tf.float32)
    common = {"epsilon": epsilon, "is_training": True}

    @tf.custom_gradient
    def normalised(x, gamma, beta):
        outputs, mean, variance, *reserved = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=gamma, offset=beta, mean=tf.zeros((0,)), variance=tf.zeros((0,)), **common
        )
        variance = variance * ((count - 1.0) / count)

        def gradient(upstream, *_):
            if rectify:
                scale = gamma * tf.math.rsqrt(variance + epsilon)
                upstream = _where_positive(x, mean, scale, beta, upstream)
            spaces = {f"reserve_space_{place}": value for place, value in enumerate(reserved, 1)}
            return tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=upstream, x=x, scale=gamma, **spaces, **common
            )[:3]

        return (tf.nn.relu(outputs) if rectify else outputs, mean, variance), gradient

    return normalised(x, ops.cast(gamma, "float32"), ops.cast(beta, "float32"))


def _fused_at_inference(x, gamma, beta, mean, variance, epsilon: float):
    """x normalised by given statistics."""
    import tensorflow as tf

    scale, offset, mean, variance = (ops.cast(v, "float32") for v in (gamma, beta, mean, variance))
    return tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=False,
    )[0]


@kernel
@in_float32
def _where_positive(x, mean, scale, offset, gradient):
    """The gradient where the normalised x is positive, 0 elsewhere."""
    positive = (x - mean) * scale + offset > 0
    return ops.where(positive, gradient, ops.zeros((), gradient.dtype))

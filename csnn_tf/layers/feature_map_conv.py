"""What the convolutions of feature maps have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_bool, check_positive
from csnn_tf.layers.own_gradient import own_gradient
from csnn_tf.layers.precision import as_float

# What these make of an entry depends on no other, so that they may see the outputs in any shape.
_ENTRYWISE = tuple(
    keras.activations.get(name)
    for name in (
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "mish",
        "sigmoid",
        "hard_sigmoid",
        "tanh",
        "softplus",
        "softsign",
        "exponential",
    )
)
_ONLY_NORMS_READ = ContextVar("csnn_tf_only_norms_read", default=False)


@contextmanager
def only_norms_read() -> Iterator[None]:
    """Run convolutions whose outputs nothing reads but the normalisation they are told of.

    For a model's own `call`, whose graph is known. A graph that somebody makes of its layers, to
    have the feature maps of one, runs outside of this context, and the biases have their gradients.
    """
    token = _ONLY_NORMS_READ.set(True)
    try:
        yield
    finally:
        _ONLY_NORMS_READ.reset(token)


class FeatureMapConv(keras.layers.Layer):
    """Base of the convolutions: a kernel, a bias and an activation.

    Args:
        filters: F, number of output channels.
        activation: Name of, or a Keras activation function; none by default. One that looks at
            several entries sees the feature map [batch, vertex, sphere, F], and may change its
            channels, as glu does.
        use_bias: Whether a bias is added.
        kernel_initializer: Initialiser of the kernel.
        bias_initializer: Initialiser of the bias.
        kernel_regularizer, bias_regularizer, activity_regularizer: Regularisers of the kernel, the
            bias and the outputs; none by default.
        kernel_constraint, bias_constraint: Constraints of the kernel and the bias; none by default.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        InputError: If `filters` is not positive or `use_bias` neither true nor false.
    """

    def __init__(
        self,
        filters: int,
        *,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = check_positive("filters", filters)
        self.activation = keras.activations.get(activation)
        self.use_bias = check_bool("use_bias", use_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self._bias_cancels: Callable[[], bool] = lambda: False

    def normalised_by(self, norm: keras.layers.BatchNormalization) -> None:
        """Spare the pass over memory for the bias's gradient where it is zero.

        A batch normalisation by the batch's own statistics takes away what all rows have in
        common, so that a bias before it has no influence on the loss. What a sum over all rows
        finds is rounding, which Adam would scale up to whole steps.

        Args:
            norm: Reads this layer's outputs, and nothing else does inside `only_norms_read`, where
                alone this holds.
        """
        # A function and not the layer, whose weights would become this one's too.
        self._bias_cancels = lambda: (
            _ONLY_NORMS_READ.get() and norm.trainable and self.activity_regularizer is None
        )

    def _make_weights(self, kernel_shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(
            shape=kernel_shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _finish(self, training: bool | None, spheres: int = 1) -> Callable[[Any], Any]:
        """A function that adds the bias to outputs and applies the activation if it is entrywise.

        Args:
            training: Whether this is a training step.
            spheres: How many spheres' outputs lie side by side: [.., spheres * F].
        """

        activation = self.activation if self._entrywise else keras.activations.linear

        def finish(outputs):
            if self.bias is None:
                return activation(outputs)
            bias = ops.convert_to_tensor(self.bias)
            linear = self.activation is keras.activations.linear
            if training and linear and self._bias_cancels():
                bias = _without_gradient(bias)
            if spheres > 1:
                bias = ops.tile(bias, spheres)
            return activation(ops.add(outputs, bias))

        return finish

    @property
    def _entrywise(self) -> bool:
        return is_entrywise(self.activation)

    def call(self, inputs, training: bool | None = None):
        """Convolve a feature map."""
        outputs = self._convolved(as_float(inputs, self.compute_dtype), training)
        return outputs if self._entrywise else self.activation(outputs)

    def _convolved(self, inputs: Any, training: bool | None) -> Any:
        """Feature map [batch, vertex, sphere, filters], finished by `_finish`."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """[batch, vertex, sphere, filters], or what the activation makes of it."""
        return activated_shape(self.activation, (*input_shape[:-1], self.filters))

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }


@own_gradient
def _without_gradient(bias):
    """The bias; its gradient is zeros, where `ops.stop_gradient` would have none."""

    def gradient(*_, upstream=None):
        return ops.zeros_like(bias)

    return bias, gradient


def is_entrywise(activation: Any) -> bool:
    """Whether what an activation makes of an entry is known to depend on no other."""
    return activation in _ENTRYWISE


def activated_shape(activation: Any, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """The shape of what an activation makes of a tensor of another shape; "glu" halves channels."""
    if is_entrywise(activation):
        return shape
    return keras.layers.Lambda(activation).compute_output_shape(shape)

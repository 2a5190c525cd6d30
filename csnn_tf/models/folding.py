"""Batch normalisations folded into the linear layers before them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True, eq=False)
class Fold:
    """A linear layer and the batch normalisation that follows it."""

    linear: keras.layers.Layer
    norm: keras.layers.BatchNormalization

    @property
    def activation(self) -> str:
        """Name of the function that the normalisation applies to its result."""
        function = keras.activations.get(getattr(self.norm, "activation", None))
        return keras.activations.serialize(function)

    def weights(self, read: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Kernel and bias of the one linear layer that does what the two do.

        With s = gamma / sqrt(variance + epsilon), over the last axis:

        W' = W s,  b' = (b - mean) s + beta

        Args:
            read: From a variable to what is computed with.
        """
        norm = self.norm
        scale = (read(norm.moving_variance) + norm.epsilon) ** -0.5
        if norm.scale:
            scale = scale * read(norm.gamma)
        bias = read(self.linear.bias) if self.linear.use_bias else 0.0
        bias = (bias - read(norm.moving_mean)) * scale
        if norm.center:
            bias = bias + read(norm.beta)
        return read(self.linear.kernel) * scale, bias


def find_folds(model: keras.Model) -> list[Fold]:
    """Pairs in a functional model, nested models included, that one linear layer can replace.

    The linear layer has a kernel whose last axis is the output, no activation, and nothing but the
    normalisation reads it.

    Args:
        model: A functional model.
    """
    folds, readers = [], {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            folds += find_folds(layer)
        if not isinstance(layer, keras.layers.InputLayer):
            for tensor in keras.tree.flatten(layer.input):
                # An input of the model is read too, but no layer of it makes that tensor.
                readers.setdefault(_maker(tensor), []).append(layer)
    outputs = {_maker(tensor) for tensor in keras.tree.flatten(model.outputs)}
    for maker, layers in readers.items():
        if (
            len(layers) == 1
            and isinstance(layers[0], keras.layers.BatchNormalization)
            and maker not in outputs
            and _is_linear(maker)
        ):
            folds.append(Fold(maker, layers[0]))
    return folds


def _maker(tensor: keras.KerasTensor):
    return tensor._keras_history.operation


def _is_linear(layer) -> bool:
    has_weights = hasattr(layer, "kernel") and hasattr(layer, "use_bias")
    return has_weights and layer.activation is keras.activations.linear

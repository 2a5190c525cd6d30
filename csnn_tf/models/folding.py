"""Batch normalisations folded into the linear layers before them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from csnn_tf.layers import BatchNormalization, CoRadialConv, IntraSphereConv
from csnn_tf.layers.feature_map_conv import is_entrywise
from csnn_tf.models.graph import Call, all_calls, calls_of, sole_readers

_LINEAR = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    CoRadialConv,
    IntraSphereConv,
)
_NORMS = (keras.layers.BatchNormalization, BatchNormalization)


@dataclass(frozen=True, eq=False)
class Fold:
    """A linear layer and the batch normalisation that follows it."""

    linear: keras.layers.Layer
    norm: keras.layers.BatchNormalization

    @property
    def activation(self) -> str:
        """Name of the function that the normalisation applies to its result."""
        return keras.activations.serialize(self.function)

    @property
    def function(self) -> Any:
        """That function."""
        return keras.activations.get(getattr(self.norm, "activation", None))

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

    The linear layer is of a type whose kernel's last axis is known to be the output's, not of a
    subclass, which may compute something else. It has no activation and nothing but the
    normalisation reads it, which is over the last axis. Both are called in one place only.

    Args:
        model: A functional model.
    """
    reader_of = sole_readers(model)
    folds = []
    for call in all_calls(model):
        reader = reader_of.get(id(call.outputs[0]))
        if reader is not None and _is_linear(call.operation) and _normalises(reader):
            folds.append(Fold(call.operation, reader.operation))
    return folds


def find_residuals(model: keras.Model, folds: list[Fold]) -> dict[int, Fold]:
    """Residual sums that a graph convolution can take over, by `id` of the layer that adds.

    They add the normalised convolution, as the second of two, to something of its shape, and
    nothing else reads it.

    Args:
        model: A functional model.
        folds: Of that model.
    """
    reader_of = sole_readers(model)
    by_norm = {id(fold.norm): fold for fold in folds}
    found = {}
    for call in all_calls(model):
        fold = by_norm.get(id(call.operation))
        reader = reader_of.get(id(call.outputs[0]))
        if fold is None or reader is None or type(fold.linear) is not IntraSphereConv:
            continue
        if type(reader.operation) is keras.layers.Add and _is_second(call, reader):
            same = fold.linear.compute_dtype == reader.operation.compute_dtype
            if same and is_entrywise(fold.function):
                found[id(reader.operation)] = fold
    return found


def input_norms(model: keras.Model) -> set[int]:
    """`id` of the normalisations that a functional model's inputs go through first.

    They may be the first of a model inside.
    """
    inputs = {id(tensor) for tensor in keras.tree.flatten(model.inputs)}
    found: set[int] = set()
    for node in calls_of(model):
        layer = node.operation
        if not inputs & set(map(id, node.input_tensors)):
            continue
        if isinstance(layer, (*_NORMS, keras.layers.Normalization)):
            found.add(id(layer))
        elif isinstance(layer, keras.Model) and calls_of(layer):
            found |= input_norms(layer)
    return found


def _is_linear(layer: keras.Operation) -> bool:
    return (
        type(layer) in _LINEAR
        and layer.activation is keras.activations.linear
        and getattr(layer, "data_format", "channels_last") == "channels_last"
    )


def _normalises(node: Call) -> bool:
    """Whether a call is a batch normalisation over the last axis by the running averages.

    Its activation must leave the shape, which linear layers of Keras's take for granted.
    """
    norm, shape = node.operation, node.input_tensors[0].shape
    last = type(norm) in _NORMS and norm.axis in (-1, len(shape) - 1)
    return last and tuple(node.outputs[0].shape) == tuple(shape)


def _is_second(call: Call, reader: Call) -> bool:
    """Whether what a call makes is the last of two tensors of one shape that another one reads."""
    tensors = reader.input_tensors
    return (
        len(tensors) == 2
        and tensors[1] is call.outputs[0]
        and tuple(tensors[0].shape) == tuple(tensors[1].shape)
    )

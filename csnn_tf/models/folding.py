"""Batch normalisations folded into the linear layers before them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from csnn_tf.layers import BatchNormalization, CoRadialConv, IntraSphereConv

_LINEAR = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    CoRadialConv,
    IntraSphereConv,
)
_NORMS = (keras.layers.BatchNormalization, BatchNormalization)

Node = Any
"""A call of a layer in a functional model; Keras has no public name for its class."""


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

    The linear layer is of a type whose kernel's last axis is known to be the output's, not of a
    subclass, which may compute something else. It has no activation and nothing but the
    normalisation reads it, which is over the last axis. Both are called in one place only.

    Args:
        model: A functional model.
    """
    graphs = _graphs(model)
    nodes = [node for graph in graphs for node in _nodes(graph)]
    calls = Counter(id(node.operation) for node in nodes)
    readers: dict[int, list[Node]] = {}
    for node in nodes:
        for tensor in node.input_tensors:
            readers.setdefault(id(tensor), []).append(node)
    outputs = {id(tensor) for graph in graphs for tensor in keras.tree.flatten(graph.outputs)}
    folds = []
    for node in nodes:
        linear = node.operation
        if calls[id(linear)] > 1 or not _is_linear(linear) or id(node.outputs[0]) in outputs:
            continue
        reading = readers.get(id(node.outputs[0]), [])
        if len(reading) == 1 and calls[id(reading[0].operation)] == 1 and _normalises(reading[0]):
            folds.append(Fold(linear, reading[0].operation))
    return folds


def input_norms(model: keras.Model) -> set[int]:
    """`id` of the batch normalisations that a functional model's inputs go through first."""
    inputs = {id(tensor) for tensor in keras.tree.flatten(model.inputs)}
    return {
        id(node.operation)
        for node in _nodes(model)
        if isinstance(node.operation, _NORMS) and inputs & set(map(id, node.input_tensors))
    }


def _nodes(model: keras.Model) -> list[Node]:
    """The calls of layers and functions that a functional model is made of; none of another."""
    graph = getattr(model, "_functional", None) or model  # of a Sequential, once it is built
    by_depth = getattr(graph, "_nodes_by_depth", {})
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [node for node in nodes if not isinstance(node.operation, keras.layers.InputLayer)]


def _graphs(model: keras.Model) -> list[keras.Model]:
    """A model and the models inside it, each once."""
    found = {id(model): model}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {id(graph): graph for graph in _graphs(layer)}
    return list(found.values())


def _is_linear(layer: keras.Operation) -> bool:
    return (
        type(layer) in _LINEAR
        and layer.activation is keras.activations.linear
        and getattr(layer, "data_format", "channels_last") == "channels_last"
    )


def _normalises(node: Node) -> bool:
    """Whether a call is a batch normalisation over the last axis by the running averages."""
    norm = node.operation
    return type(norm) in _NORMS and norm.axis in (-1, len(node.input_tensors[0].shape) - 1)

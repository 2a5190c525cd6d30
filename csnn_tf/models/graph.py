"""The graph of a functional model: calls of layers, in models inside models too."""

import math
from collections import Counter
from typing import Any

import keras

Call = Any
"""A call of a layer in a functional model; Keras has no public name for its class."""


def calls_of(model: keras.Model) -> list[Call]:
    """The calls of layers and functions that a functional model is made of; none of another."""
    graph = getattr(model, "_functional", None) or model  # of a Sequential, once it is built
    by_depth = getattr(graph, "_nodes_by_depth", {})
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [node for node in nodes if not isinstance(node.operation, keras.layers.InputLayer)]


def graphs_of(model: keras.Model) -> list[keras.Model]:
    """A model and the models inside it, each once."""
    found = {id(model): model}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {id(graph): graph for graph in graphs_of(layer)}
    return list(found.values())


def all_calls(model: keras.Model) -> list[Call]:
    """`calls_of` a model and the models inside it."""
    return [call for graph in graphs_of(model) for call in calls_of(graph)]


def sole_readers(model: keras.Model) -> dict[int, Call]:
    """By `id` of a tensor, the one call that reads it, of tensors that are no model's output.

    Both operations, that which makes the tensor and that which reads it, are called once only.

    Args:
        model: A functional model.
    """
    graphs = graphs_of(model)
    calls = all_calls(model)
    times = Counter(id(call.operation) for call in calls)
    outputs = {id(tensor) for graph in graphs for tensor in keras.tree.flatten(graph.outputs)}
    readers: dict[int, list[Call]] = {}
    for call in calls:
        for tensor in call.input_tensors:
            readers.setdefault(id(tensor), []).append(call)
    found = {}
    for call in calls:
        for tensor in call.outputs:
            reading = readers.get(id(tensor), [])
            once = len(reading) == 1 and times[id(call.operation)] == 1
            if once and times[id(reading[0].operation)] == 1 and id(tensor) not in outputs:
                found[id(tensor)] = reading[0]
    return found


def largest_output(model: keras.Model) -> int:
    """Numbers of a row in the largest tensor that a functional model computes; at least 1."""
    shapes = [tensor.shape[1:] for call in all_calls(model) for tensor in call.outputs]
    return max([math.prod(shape) for shape in shapes if None not in shape], default=1)

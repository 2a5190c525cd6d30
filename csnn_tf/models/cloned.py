"""Functional models made anew, layer by layer."""

from collections.abc import Callable
from typing import Any

import keras


def cloned(
    model: keras.Model,
    clone: Callable[[keras.Operation], keras.Operation],
    call: Callable[..., Any] | None = None,
) -> keras.Model:
    """The graph of a functional model, nested models included, with other layers.

    As `keras.models.clone_model` with recursive=True, but that functional models inside become
    plain ones: versions of Keras differ in whether they call a subclass's constructor.

    Args:
        model: A functional model, possibly of nested functional models.
        clone: From a layer or function that is no functional model to what takes its place.
        call: Calls what took its place, with the arguments of the call in the graph; by default
            without further ado. Not used inside of a `keras.Sequential`.

    Returns:
        A model with the names of the original.
    """
    made: dict[int, keras.Operation] = {}  # layers may be shared

    def one(layer: keras.Operation) -> keras.Operation:
        if id(layer) not in made:
            made[id(layer)] = whole(layer) if _is_functional(layer) else clone(layer)
        return made[id(layer)]

    def whole(graph: keras.Model) -> keras.Model:
        if isinstance(graph, keras.Sequential):  # whose calls are not for `call`
            return keras.models.clone_model(graph, clone_function=one)
        plain = keras.Model(graph.input, graph.output, name=graph.name)
        return keras.models.clone_model(plain, clone_function=one, call_function=call)

    return whole(model)


def _is_functional(layer: keras.Operation) -> bool:
    return isinstance(layer, keras.Model) and (
        isinstance(layer, keras.Sequential) or hasattr(layer, "operations")
    )

"""What an export takes out of a network besides its result."""

import keras


def with_inner_output(network: keras.Model, inner: str) -> keras.Model:
    """A functional model that also returns what one of its layers, or nested models, computes.

    Args:
        network: A functional model with one output.
        inner: Name of the layer.

    Returns:
        A model with the outputs [inner layer's, network's].
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        for tensor in keras.tree.flatten(layer.input):
            if tensor._keras_history.operation.name == inner:
                return keras.Model(network.inputs, [tensor, network.outputs[0]])
    raise ValueError(f"nothing reads a layer {inner!r}.")

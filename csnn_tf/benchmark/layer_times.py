"""Time of each layer of a network, forward, and forward with its gradients."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from csnn_tf.benchmark.limits import matrix_product
from csnn_tf.benchmark.timing import median, take_turns
from csnn_tf.benchmark.work import layer_operations, leaves
from csnn_tf.layers import compiled_kernels


def time_layers(network: keras.Model, batch: int, seconds: float) -> list[dict[str, Any]]:
    """A row for every different layer: what it is, its times, its share of the limit.

    Args:
        network: A built functional model.
        batch: Samples in a batch.
        seconds: For all layers together.
    """
    different: dict[tuple, list[keras.layers.Layer]] = {}
    for layer in leaves(network):
        if isinstance(layer, keras.layers.InputLayer | keras.layers.Dropout | keras.layers.Reshape):
            continue
        different.setdefault(_signature(layer), []).append(layer)
    product, operations = matrix_product()
    rows = []
    for (kind, shapes, _), layers in different.items():
        inputs = [_random((batch, *shape[1:]), seed) for seed, shape in enumerate(shapes)]
        calls = {
            "forward": forward_call(layers[0], inputs),
            "both": gradient_call(layers[0], inputs),
            "product": product,
        }
        times = take_turns(calls, seconds / len(different), rounds=3)
        forward, both, limit = (median(times[name]) for name in calls)
        work = batch * layer_operations(layers[0])
        rate = operations / limit
        rows.append(
            {
                "layer": kind,
                "input": [list(shape[1:]) for shape in shapes],
                "output": list(layers[0].output.shape[1:]),
                "times_in_network": len(layers),
                "forward_seconds": forward,
                "training_seconds": both,
                "forward_share": work / forward / rate if work else None,
                "training_share": 3 * work / both / rate if work else None,
            }
        )
    return sorted(rows, key=lambda row: -row["training_seconds"] * row["times_in_network"])


def forward_call(layer: keras.layers.Layer, inputs: list[Any]) -> Callable[[], Any]:
    """The layer in training mode, without gradients."""
    if keras.backend.backend() == "jax":
        import jax

        weights = [variable.value for variable in layer.trainable_variables]
        others = [variable.value for variable in layer.non_trainable_variables]

        @jax.jit
        def step(values):
            argument = values[0] if len(values) == 1 else values
            return layer.stateless_call(weights, others, argument, **_mode(layer))[0]

        return lambda: step(inputs)
    import tensorflow as tf

    @tf.function
    def compute(*values):
        return _apply(layer, values)

    def call():
        with compiled_kernels():
            return compute(*inputs)

    return call


def gradient_call(layer: keras.layers.Layer, inputs: list[Any]) -> Callable[[], Any]:
    """The layer and the gradients of its inputs and weights, from a gradient of ones."""
    if keras.backend.backend() == "jax":
        import jax

        trainable = [variable.value for variable in layer.trainable_variables]
        others = [variable.value for variable in layer.non_trainable_variables]

        def total(weights, values):
            argument = values[0] if len(values) == 1 else values
            outputs, _ = layer.stateless_call(weights, others, argument, **_mode(layer))
            return outputs.sum(), outputs

        both = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))
        return lambda: both(trainable, inputs)
    import tensorflow as tf

    @tf.function
    def step(*values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = _apply(layer, values)
        # Returned too, or the forward pass would be left out where its gradient does not need it.
        return outputs, tape.gradient(outputs, [*values, *layer.trainable_weights])

    def call():
        with compiled_kernels():
            return step(*inputs)

    return call


def _apply(layer: keras.layers.Layer, values: Any) -> Any:
    return layer(values[0] if len(values) == 1 else list(values), **_mode(layer))


def _mode(layer: keras.layers.Layer) -> dict[str, bool]:
    """Normalisation is timed as in training."""
    return {"training": True} if isinstance(layer, keras.layers.BatchNormalization) else {}


def _signature(layer: keras.layers.Layer) -> tuple:
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    shapes = tuple(tuple(tensor.shape) for tensor in inputs)
    return type(layer).__name__, shapes, tuple(layer.output.shape)


def _random(shape: tuple[int, ...], seed: int) -> Any:
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return keras.ops.convert_to_tensor(values)

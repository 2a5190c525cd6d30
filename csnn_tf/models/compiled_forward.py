"""A model's forward pass on NumPy arrays, compiled as the backend does it best."""

from collections.abc import Callable
from typing import Any

import keras

from csnn_tf.layers import compiled_kernels
from csnn_tf.layers.own_gradient import without_gradients


def compiled_forward(
    forward: Callable[..., Any], model: keras.Model, *, any_shape: bool = False
) -> Callable[..., Any]:
    """A function of NumPy arrays, or dictionaries of them, that runs a function of tensors.

    It sees the model's variables as they are at each call.

    Args:
        forward: Takes tensors and reads no variables but the model's.
        model: Its variables are arguments of the compiled function on JAX, which would otherwise
            keep their values.
        any_shape: Whether TensorFlow may leave sizes open once it has seen several, in place of a
            graph for each.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        function = tf.function(forward, reduce_retracing=any_shape, autograph=False)

        def run(*arrays):
            with compiled_kernels(), without_gradients():
                return function(*keras.tree.map_structure(tf.constant, arrays))

        return run
    if backend == "jax":
        import jax

        variables = model.variables

        @jax.jit
        def stateless(values, *arrays):
            with keras.StatelessScope(zip(variables, values, strict=True)):
                return forward(*arrays)

        return lambda *arrays: stateless([variable.value for variable in variables], *arrays)
    return forward

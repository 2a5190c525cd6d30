"""What tests on both backends share."""

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.spatial import cKDTree

from csnn_tf.grid import icosphere, num_vertices
from csnn_tf.models.compiled_forward import compiled_forward

BACKEND = keras.backend.backend()
tensorflow_only = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="about tf.data or tf.function, which other backends lack"
)
_ALL = os.environ.get("CSNN_TF_EVERY") == "1"
_LONG = _ALL or not os.environ.keys().isdisjoint(("CSNN_TF_KILLS", "CSNN_TF_SOAK_SHAPES"))
EVERY = slice(None if BACKEND == "tensorflow" or _ALL else 1)
"""Of several models those to test: on JAX, which compiles for long, CSNN; all in `make long`."""
long_run = pytest.mark.skipif(not _LONG, reason="in the long run only: `make long`")
"""For a test that takes longest of all, and is not the first to see that something broke."""
long_on_jax = pytest.mark.skipif(BACKEND == "jax" and not _LONG, reason="on JAX as `long_run`")
"""For one that JAX compiles for long, and that runs on TensorFlow."""
eagerly = pytest.mark.eagerly
"""For tests that train or predict for a moment, and whose point is not the compiled function."""
compiled = pytest.mark.eagerly(False)
"""For one in a file of those."""
numpy_of = keras.ops.convert_to_numpy
TWO_LEVELS = {"intra_filters": [4, 8], "intra_layers": [1, 1]}
TWO_LEVELS |= {"co_radial_filters": [8, 16], "co_radial_layers": [1, 1], "hidden": [16]}
ONE_LEVEL = {"intra_filters": [4], "intra_layers": [1]}
ONE_LEVEL |= {"co_radial_filters": [8], "co_radial_layers": [1]}
"""The least network, for tests of what stands around one: layers are most of their time."""


@cache
def golden(name: str) -> dict[str, np.ndarray]:
    """Arrays of a golden file (see tests/golden/README.md)."""
    with np.load(Path(__file__).parent / "golden" / f"{name}.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def golden_config(name: str) -> dict:
    return json.loads(str(golden(name)["config"]))


def our_vertices(published: np.ndarray, level: int) -> np.ndarray:
    """Our index of each vertex of the published grid, which is numbered differently."""
    distance, index = cKDTree(icosphere(level).vertices).query(published)
    assert distance.max() < 1e-6
    assert len(set(index)) == num_vertices(level)
    return index


def relative(actual, expected) -> float:
    """Largest deviation as a share of the largest expected entry."""
    expected = numpy_of(expected)
    return float(np.abs(numpy_of(actual) - expected).max() / np.abs(expected).max())


def feature_maps(level: int, spheres: int, channels: int, batch: int = 2, seed: int = 0):
    shape = (batch, num_vertices(level), spheres, channels)
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def clouds(batch: int, points: int, seed: int = 0):
    return np.random.default_rng(seed).normal(size=(batch, points, 3)).astype("float32")


def mixed(make: Callable) -> keras.Model:
    """What a function makes under the global policy of mixed bfloat16."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return make()
    finally:
        keras.config.set_dtype_policy("float32")


def randomise(model: keras.layers.Layer, seed: int = 0) -> None:
    """Give every weight, running averages too, a value that no initialiser gives."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if "seed" in variable.path:
            continue
        value = rng.normal(size=variable.shape) * 0.3
        if variable.path.endswith(("gamma", "moving_variance")):
            value = 1 + np.abs(value)
        variable.assign(value.astype("float32"))


def inferred(model: keras.Model, inputs, **options):
    """Outputs in inference mode; with JAX of a model that is compiled as a whole.

    JAX compiles the operations of `model(inputs)` one by one, which takes several times as long.
    """
    if BACKEND != "jax" or not model.built:
        return model(inputs, training=False, **options)
    if not hasattr(model, "_inferred"):
        model._inferred = compiled_forward(
            lambda inputs, options: model(inputs, training=False, **options), model
        )
    return model._inferred(inputs, options)


def gradients(function: Callable, *arrays: np.ndarray, compiled: bool = False) -> list[np.ndarray]:
    """Gradients of a scalar function of tensors by each of them; `compiled` as a whole by XLA."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        def gradient(*tensors):
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                value = function(*tensors)
            return tape.gradient(value, tensors, unconnected_gradients="zero")

        gradient = tf.function(gradient, jit_compile=True) if compiled else gradient
        found = gradient(*map(tf.constant, arrays))
    else:
        import jax

        gradient = jax.grad(function, argnums=tuple(range(len(arrays))))
        found = (jax.jit(gradient) if compiled else gradient)(*map(jax.numpy.array, arrays))
    return [numpy_of(gradient) for gradient in found]


def training_step(
    model: keras.layers.Layer, inputs: np.ndarray, loss: Callable, options: dict | None = None
):
    """Outputs, loss and the gradients of all trainable weights by path, in training mode.

    Options are those of JAX's compiler.
    """
    variables = model.trainable_variables
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            outputs = model(tf.constant(inputs), training=True)
            value = loss(outputs)
        found = tape.gradient(value, [variable.value for variable in variables])
    else:
        import jax

        def scalar(trainable):
            others = [variable.value for variable in model.non_trainable_variables]
            outputs, others = model.stateless_call(trainable, others, inputs, training=True)
            return loss(outputs), (outputs, others)

        trainable = [variable.value for variable in variables]
        step = jax.jit(jax.value_and_grad(scalar, has_aux=True), compiler_options=options)
        (value, (outputs, others)), found = step(trainable)
        for variable, other in zip(model.non_trainable_variables, others, strict=True):
            variable.assign(other)
    paths = [variable.path for variable in variables]
    assert len(set(paths)) == len(paths)
    return numpy_of(outputs), float(value), dict(zip(paths, map(numpy_of, found), strict=True))


def saved_and_loaded(model: keras.Model, folder: Path) -> keras.Model:
    """The model after a round trip through a .keras file, in Keras's safe mode."""
    path = folder / "model.keras"
    model.save(path)
    return keras.models.load_model(path)

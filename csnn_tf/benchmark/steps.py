"""What is timed: mapping, training step, inference."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from csnn_tf.benchmark.limits import compiled
from csnn_tf.benchmark.training_steps import training_steps
from csnn_tf.inference import Predictor
from csnn_tf.layers import compiled_kernels
from csnn_tf.models import PointCloudClassifier, preset
from csnn_tf.training.training_network import training_network

CLASSES = 40
"""As many as ModelNet40 has."""


def make_classifier(name: str, changes: dict[str, Any], mixed: bool = False):
    """A classifier of a preset with random weights, in float32 or mixed bfloat16."""
    dtype = "mixed_bfloat16" if mixed else "float32"
    return PointCloudClassifier(CLASSES, **preset(name, **changes), dtype=dtype)


def clouds(batch: int, points: int) -> np.ndarray:
    """Points on bumpy closed surfaces, [batch, points, 3] float32."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(batch, points, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    waves = np.sin(direction @ rng.normal(size=(batch, 3, 4)) * 3).mean(axis=-1, keepdims=True)
    return (direction * (0.6 + 0.3 * waves)).astype(np.float32)


def mapping_call(model: PointCloudClassifier, batch: int, points: int) -> Callable[[], Any]:
    """The mapping of a batch of clouds, as the input pipeline runs it."""
    data = keras.ops.convert_to_tensor(clouds(batch, points))
    step = compiled(model.to_spheres)

    def call():
        with compiled_kernels():
            return step(data)

    return call


def training_call(network: keras.Model, maps: Any, seed: int = 0) -> Callable[[], Any]:
    """Steps of the optimiser on a batch of feature maps, compiled as in training."""
    labels = np.random.default_rng(seed).integers(0, CLASSES, len(maps))
    twin = training_network(network, keras.optimizers.AdamW(1e-3), label_smoothing=0.2)
    return training_steps(twin, maps, labels)


def plain_training_call(network: keras.Model, maps: Any) -> Callable[[], Any]:
    """Steps of a plain formulation; on TensorFlow without XLA, the faster of the two."""
    labels = np.random.default_rng(0).integers(0, CLASSES, len(maps))
    network.compile(
        keras.optimizers.AdamW(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    return training_steps(network, maps, labels, kernels=False)


def inference_call(model: PointCloudClassifier, batch: int, points: int) -> Callable[[], Any]:
    """From raw clouds to logits, mapping included, as `Predictor` does it."""
    predictor, data = Predictor(model, batch_size=batch), clouds(batch, points)
    return lambda: predictor.logits(data)


def plain_inference_call(
    model: PointCloudClassifier, network: keras.Model, batch: int, points: int
) -> Callable[[], Any]:
    """The same with a plain formulation of the network."""
    data = keras.ops.convert_to_tensor(clouds(batch, points))
    step = compiled(lambda x: network(model.spheres(x), training=False))
    return lambda: np.asarray(step(data))

"""The network of a classifier as it is trained."""

from __future__ import annotations

import keras

from csnn_tf.processor import tensorflow_on_cpu
from csnn_tf.training.smoothed_crossentropy import SmoothedCrossentropy


def training_network(
    network: keras.Model, optimizer: keras.optimizers.Optimizer, label_smoothing: float = 0.0
) -> keras.Model:
    """A twin of a network that shares its weights and is compiled for training.

    The twin carries the optimiser, which so stays out of the saved model.

    Args:
        network: From feature maps to logits.
        optimizer: Made for this network.
        label_smoothing: Share of the probability given to all classes.
    """
    twin = keras.Model(network.inputs, network.outputs)
    twin.compile(
        optimizer=optimizer,
        loss=SmoothedCrossentropy(label_smoothing),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        # XLA for the whole step where it wins: see `compiled_kernels`.
        jit_compile=not tensorflow_on_cpu(),
    )
    # Were its variables made in the first step, TensorFlow would trace that step twice.
    twin.optimizer.build(twin.trainable_variables)
    return twin

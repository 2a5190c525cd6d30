"""Training batches: gathered, augmented and mapped to spheres on the device, ahead of the step."""

from collections.abc import Callable
from typing import Any

import keras

from csnn_tf.data.batches import BatchPlan
from csnn_tf.data.sources import Source
from csnn_tf.layers import compiled_kernels
from csnn_tf.processor import accelerators

Prepare = Callable[[Any, Any], Any]
"""(points [batch, points, 3], seed [2]) -> the network's input."""


def training_batches(
    source: Source,
    prepare: Prepare,
    plan: BatchPlan,
    *,
    epochs: int,
    first_epoch: int = 0,
    rows: slice = slice(None),
):
    """Batches of a training run, epoch after epoch, for `fit` with `steps_per_epoch=plan.steps`.

    On TensorFlow this is a tf.data pipeline with no other Python function in it than the one that
    orders the shapes of an epoch, when its turn comes: it gathers the shapes of a batch, moves them
    to the device, augments and maps them there, and prefetches. On
    JAX the same work runs compiled over arrays in memory. Both give the same shapes in the same
    order.

    Args:
        source: The training shapes; a `CloudSource` but on TensorFlow.
        prepare: Augmentation and mapping to spheres, of Keras operations only.
        plan: Order and seeds.
        epochs: Number of the last epoch plus one.
        first_epoch: Epoch to start from.
        rows: The rows of every batch that `prepare` gives, all of them on TensorFlow.

    Returns:
        A `tf.data.Dataset` or a generator of (network input, labels [batch]).
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow(source, prepare, plan, first_epoch, epochs)
    return _in_memory(source, prepare, plan, first_epoch, epochs, rows)


def _tensorflow(source, prepare, plan, first_epoch, epochs):
    import tensorflow as tf

    with tf.device("/cpu:0"):
        labels = tf.constant(source.labels)
    orders = tf.data.Dataset.from_generator(
        lambda: map(plan.epoch, range(first_epoch, epochs)),
        output_signature=(
            tf.TensorSpec((plan.steps, plan.batch_size), "int32"),
            tf.TensorSpec((plan.steps, 2), "uint32"),
        ),
    )
    batches = orders.unbatch()

    def gather(order, seed):
        return source(order, seed), tf.gather(labels, order), seed

    devices = accelerators()

    def finish(points, label, seed):
        with compiled_kernels(not devices):
            return prepare(points, seed), label

    batches = batches.map(gather)
    if not devices:
        return batches.map(finish, num_parallel_calls=1, deterministic=True).prefetch(4)
    device = devices[0]
    batches = batches.apply(tf.data.experimental.copy_to_device(device))
    with tf.device(device):
        return batches.map(finish).prefetch(4)


def _in_memory(source, prepare, plan, first_epoch, epochs, rows):
    def make(stored, order, seed):
        return prepare(source.gather(stored, order, seed), seed)

    if keras.backend.backend() == "jax":
        import jax

        make = jax.jit(make)
    for epoch in range(first_epoch, epochs):
        for order, seed in zip(*plan.epoch(epoch), strict=True):
            yield make(source.stored, order, seed), source.labels[order[rows]]

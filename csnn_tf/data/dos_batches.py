"""Training batches of structures, all their atoms one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.batches import BatchPlan
from csnn_tf.data.environments import Batch, Environments, filled, padded, rotated
from csnn_tf.grid import random_rotations

ATOMS, PAIRS = 256, 16384
"""Batches are filled up to multiples of these, so that few shapes are compiled."""

_SIGNATURE = {
    "displacements": ((None, 3), "float32"),
    "centre": ((None,), "int32"),
    "species": ((None,), "int32"),
    "neighbor": ((None,), "int32"),
    "atoms": ((None,), "int32"),
    "counts": ((None,), "int32"),
}


def dos_batches(
    environments: Environments,
    dos: NDArray,
    plan: BatchPlan,
    *,
    rotate: bool,
    epochs: int,
    first_epoch: int = 0,
):
    """Batches of a training run, epoch after epoch, for `fit` with `steps_per_epoch=plan.steps`.

    What a batch holds is a function of the plan's seed alone.

    Args:
        environments: Neighbourhoods of the training structures.
        dos: [S, bins], states/eV/atom, the target of each.
        plan: Order of the structures and seeds.
        rotate: Whether every structure is turned by a rotation uniform over SO(3), anew each time.
        epochs: Number of the last epoch plus one.
        first_epoch: Epoch to start from.

    Returns:
        A `tf.data.Dataset`, or on other backends a generator, of (model input, DOS).
    """

    def make() -> Iterator[tuple[Batch, NDArray]]:
        for epoch in range(first_epoch, epochs):
            for order, seed in zip(*plan.epoch(epoch), strict=True):
                yield dos_batch(environments, order, seed if rotate else None), dos[order]

    if keras.backend.backend() != "tensorflow":
        return make()
    import tensorflow as tf

    inputs = {name: tf.TensorSpec(shape, dtype) for name, (shape, dtype) in _SIGNATURE.items()}
    target = tf.TensorSpec((None, dos.shape[1]), "float32")
    dataset = tf.data.Dataset.from_generator(make, output_signature=(inputs, target))
    return dataset.prefetch(2)


def dos_batch(environments: Environments, order: NDArray, seed: NDArray | None) -> Batch:
    """One batch: gathered, turned at random unless `seed` is None, filled up to few sizes."""
    batch = environments.of_structures(order)
    if seed is not None:
        batch = rotated(batch, random_rotations(len(order), np.random.default_rng(seed)))
    batch = filled(batch, _multiple(len(batch["atoms"]), ATOMS))
    return padded(batch, len(batch["atoms"]), _multiple(len(batch["centre"]), PAIRS))


def _multiple(size: int, of: int) -> int:
    return max(-(-size // of), 1) * of

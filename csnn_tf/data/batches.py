"""What every batch of a training run holds: which shapes, and the seed of its augmentation."""

from dataclasses import dataclass

import numpy as np

from csnn_tf.errors import InputError


@dataclass(frozen=True)
class BatchPlan:
    """The order of shapes and the seeds of a run, as a function of its seed alone.

    Args:
        shapes: Number of shapes.
        batch_size: Shapes in a batch. A last, smaller batch is left out: its shapes come in
            another epoch, and every step has the same shape.
        seed: Seed of the run.
        groups: [shapes], a number for each shape's group, or None. With groups, every batch holds
            each group in the share that it has of all shapes, as nearly as whole numbers allow, so
            that the batch statistics of normalisation are alike from batch to batch.
    """

    shapes: int
    batch_size: int
    seed: int
    groups: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.groups is not None and len(self.groups) != self.shapes:
            raise InputError(f"{len(self.groups)} groups given for {self.shapes} shapes.")
        if not 1 <= self.batch_size <= self.shapes:
            raise InputError(
                f"batch_size must be from 1 to the {self.shapes} training shapes, "
                f"not {self.batch_size}."
            )

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self.shapes // self.batch_size

    def epoch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The batches of an epoch.

        Args:
            number: Epoch, from 0.

        Returns:
            Indices of shapes [steps, batch_size] int32 and seeds [steps, 2] uint32.
        """
        rng = np.random.default_rng([self.seed, number])
        order = rng.permutation(self.shapes)
        seeds = rng.integers(0, 2**32, size=(self.steps, 2), dtype=np.uint32)
        if self.groups is not None:
            order = _spread(order, np.asarray(self.groups), rng)
        order = order[: self.steps * self.batch_size]
        return order.reshape(self.steps, self.batch_size).astype(np.int32), seeds


def _spread(order: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An order with the members of each group at even distances, otherwise as given."""
    _, group, size = np.unique(groups[order], return_inverse=True, return_counts=True)
    rank = np.empty(len(order), np.int64)
    for number in range(len(size)):
        rank[group == number] = np.arange(size[number])
    # Groups begin at places of their own, so that which of them end the order changes.
    place = (rank + rng.random(len(size))[group]) / size[group]
    return order[np.argsort(place, kind="stable")]

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
    """

    shapes: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
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
        order = rng.permutation(self.shapes)[: self.steps * self.batch_size]
        seeds = rng.integers(0, 2**32, size=(self.steps, 2), dtype=np.uint32)
        return order.reshape(self.steps, self.batch_size).astype(np.int32), seeds

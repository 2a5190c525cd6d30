"""What an evaluation found."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betaincinv

_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """Accuracies of a classifier on a test set, all as shares from 0 to 1.

    Args:
        accuracy: Share of shapes classified right, mean over the repeats.
        accuracy_std: Standard deviation over the repeats; 0 for one.
        interval: 95 % confidence interval of `accuracy` by bootstrap over the shapes; where all are
            right equally often, as all or none, which leaves the bootstrap without a width, the
            exact binomial one.
        class_mean_accuracy: Mean over classes of the share right within the class.
        per_class: Share right of each class by name.
        confusion: [classes, classes] counts over all repeats, rows the true class.
        consistency: Share of shapes with the same class under all tried rotations, or None.
        consistency_rotations: How many rotations were tried for it.
        class_names: Names of the classes.
        protocol: How the shapes were turned.
    """

    accuracy: float
    accuracy_std: float
    interval: tuple[float, float]
    class_mean_accuracy: float
    per_class: dict[str, float]
    confusion: np.ndarray
    consistency: float | None
    consistency_rotations: int
    class_names: tuple[str, ...]
    protocol: dict[str, Any]

    @classmethod
    def from_predictions(
        cls,
        predicted: np.ndarray,
        labels: np.ndarray,
        class_names: tuple[str, ...],
        *,
        consistency: np.ndarray | None = None,
        protocol: dict[str, Any] | None = None,
    ) -> "EvaluationResult":
        """Sum up predicted classes.

        Args:
            predicted: [repeats, shapes] predicted classes.
            labels: [shapes] true classes.
            class_names: Names of the classes.
            consistency: [rotations, shapes] predicted classes, or None.
            protocol: How the shapes were turned.
        """
        right = predicted == labels
        by_shape = right.mean(axis=0)
        size = len(class_names)
        confusion = np.zeros((size, size), dtype=np.int64)
        np.add.at(confusion, (np.broadcast_to(labels, predicted.shape), predicted), 1)
        present = np.unique(labels)
        per_class = {
            class_names[label]: float(by_shape[labels == label].mean()) for label in present
        }
        return cls(
            accuracy=float(by_shape.mean()),
            accuracy_std=float(right.mean(axis=1).std(ddof=1)) if len(right) > 1 else 0.0,
            interval=_interval(by_shape),
            class_mean_accuracy=float(np.mean(list(per_class.values()))),
            per_class=per_class,
            confusion=confusion,
            consistency=None
            if consistency is None
            else float((consistency == consistency[0]).all(axis=0).mean()),
            consistency_rotations=0 if consistency is None else len(consistency),
            class_names=tuple(class_names),
            protocol=protocol or {},
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "interval": list(self.interval),
            "confusion": self.confusion.tolist(),
            "class_names": list(self.class_names),
        }


def _interval(by_shape: np.ndarray) -> tuple[float, float]:
    """95 % confidence interval of the mean of shares right [shapes]."""
    count = len(by_shape)
    if np.ptp(by_shape) == 0:  # Clopper and Pearson's
        right = by_shape.sum()
        low = betaincinv(right, count - right + 1, 0.025) if right else 0.0
        high = betaincinv(right + 1, count - right, 0.975) if right < count else 1.0
        return float(low), float(high)
    rng = np.random.default_rng(0)
    means = [by_shape[rng.integers(0, count, count)].mean() for _ in range(_RESAMPLES)]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)

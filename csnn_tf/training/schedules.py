"""Optimisers and learning-rate schedules of a training configuration."""

from typing import Any, Protocol

import keras
from keras import ops

WARM_UP_EPOCHS = 1
"""Epochs in which the cosine schedule rises from zero."""


class OptimizerFields(Protocol):
    """Fields of a training configuration that the optimiser is made of."""

    optimizer: str
    learning_rate: float
    weight_decay: float
    schedule: str
    epochs: int


def make_optimizer(config: OptimizerFields, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The optimiser of a configuration, its learning rate or schedule set."""
    kind = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}[config.optimizer]
    # AdamW wants a number, and Adam does needless work for 0.
    none = 0.0 if config.optimizer == "adamw" else None
    rate: Any = float(config.learning_rate)  # Keras refuses whole numbers
    if config.schedule == "cosine":
        total = config.epochs * steps_per_epoch
        warm_up = min(WARM_UP_EPOCHS * steps_per_epoch, total // 2)
        rate = WarmUpCosine(config.learning_rate, warm_up, total)
    # PyTorch's Adam, which the paper used, adds the decay to the gradient; Keras's subtracts it
    # from the weight. At the published 2.7e-7 neither is visible in the result.
    optimizer = kind(learning_rate=rate, weight_decay=config.weight_decay or none)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


@keras.saving.register_keras_serializable(package="csnn_tf")
class WarmUpCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise, then half a cosine down to zero.

    rate(s) = peak * min(s / warm_up, (1 + cos(pi (s - warm_up) / (total - warm_up))) / 2)

    Args:
        peak: Highest learning rate.
        warm_up: Steps of the rise.
        total: Steps of the whole run.
    """

    def __init__(self, peak: float, warm_up: int, total: int) -> None:
        self.peak, self.warm_up, self.total = float(peak), int(warm_up), int(total)

    def __call__(self, step):
        """Learning rate at a step."""
        step = ops.cast(step, "float32")
        rise = (step + 1) / max(self.warm_up, 1)
        done = (step - self.warm_up) / max(self.total - self.warm_up, 1)
        fall = (1 + ops.cos(3.141592653589793 * ops.clip(done, 0, 1))) / 2
        return self.peak * ops.minimum(ops.minimum(rise, 1.0), fall)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {"peak": self.peak, "warm_up": self.warm_up, "total": self.total}


class Plateau:
    """Published schedule: x 0.1 when the loss has not fallen by a share for some epochs.

    Args:
        factor: What the rate is multiplied by.
        patience: Epochs without progress that are borne.
        threshold: Share of the best loss that counts as progress.
    """

    def __init__(self, factor: float = 0.1, patience: int = 4, threshold: float = 1e-3) -> None:
        self.factor, self.patience, self.threshold = factor, patience, threshold
        self.reset()

    def reset(self) -> None:
        """Forget the losses so far."""
        self.best, self.waited = float("inf"), 0

    def update(self, rate: float, loss: float) -> float:
        """The learning rate of the next epoch."""
        if loss < self.best * (1 - self.threshold):
            self.best, self.waited = loss, 0
            return rate
        self.waited += 1
        if self.waited <= self.patience:
            return rate
        self.waited = 0
        return rate * self.factor

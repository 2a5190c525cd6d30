"""The runs behind a table: what is in their folders, and training what is missing."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import keras
import numpy as np

from csnn_tf.errors import InputError
from csnn_tf.report.command_line import changed_fields
from csnn_tf.training.checkpoint import CHECKPOINT
from csnn_tf.training.run_folder import RunFolder, history_rows
from csnn_tf.training.time_budget import TimeBudget


class RunFields(Protocol):
    """Fields of every training configuration."""

    epochs: int
    preset: str
    recipe: str
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """All fields."""


@dataclasses.dataclass(frozen=True)
class FoundRun:
    """A run folder.

    Attributes:
        folder: The folder.
        config: What was to be trained.
        epochs: Finished epochs.
        complete: Whether all epochs were trained, or the schedule ended the run.
    """

    folder: RunFolder
    config: RunFields
    epochs: int
    complete: bool

    @classmethod
    def of(cls, folder: RunFolder, config: RunFields) -> Self:
        """The run of a folder and the configuration in it."""
        epochs = len(history_rows(folder.path / "history.csv"))
        complete = epochs >= config.epochs or _ended(folder.path / CHECKPOINT, epochs)
        return cls(folder, config, epochs, complete)

    @property
    def can_go_on(self) -> bool:
        """Whether the folder holds what training needs to go on."""
        return not self.complete and (
            (self.folder.path / CHECKPOINT).is_file() or not self.folder.best.is_file()
        )

    @property
    def cut_short(self) -> str:
        """That the run was cut short, and where; empty for a complete one."""
        if self.complete:
            return ""
        return f"cut short: {self.epochs} of {self.config.epochs} epochs"

    @property
    def description(self) -> str:
        """Preset, recipe, seed, epochs and what else is not as the recipe says."""
        config = self.config
        text = (
            f"preset {config.preset}, recipe {config.recipe}, seed {config.seed}, "
            f"{self.epochs} of {config.epochs} epochs"
        )
        changed = changed_fields(config.to_dict())
        changes = [f"{name}={value}" for name, value in changed.items()]
        return ", ".join([text, *changes])


Run = TypeVar("Run", bound=FoundRun)


def train_waiting(
    names: Iterable[str],
    read: Callable[[str], Run | None],
    train: Callable[[str, Run | None, list[keras.callbacks.Callback]], Any],
    budget: float | None = None,
) -> dict[str, Run]:
    """Train what is not there yet, and go on with what was cut short.

    Args:
        names: Of the runs.
        read: The run of a name, or None if there is nothing.
        train: Trains or goes on: takes the name, what `read` gave, and callbacks.
        budget: Seconds for all training together, each run an equal share of what is left; 0 to
            train nothing, None for no limit.

    Returns:
        The runs that have a model, by name.
    """
    started = time.monotonic()
    found = {name: read(name) for name in names}
    waiting = [name for name, run in found.items() if run is None or run.can_go_on]
    for place, name in enumerate(waiting):
        limit = []
        if budget is not None:
            left = budget - (time.monotonic() - started)
            if left <= 0:
                break
            limit.append(TimeBudget(left / (len(waiting) - place)))
        train(name, found[name], limit)
        found[name] = read(name)
    return {name: run for name, run in found.items() if run and run.folder.best.is_file()}


def weights(model: keras.Model) -> int:
    """Number of trainable weights."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def _ended(checkpoint: Path, epochs: int) -> bool:
    """Whether the schedule ended the run after so many epochs, and all of them were kept."""
    try:
        with open(checkpoint, "rb") as file, np.load(file, allow_pickle=False) as stored:
            state = json.loads(stored["state"].tobytes())
            return bool(state["ending"]["finished"]) and len(state["ending"]["rows"]) <= epochs
    except FileNotFoundError:
        return False
    except Exception as error:  # zipfile, zlib, json and NumPy each have their own
        raise InputError(f"{checkpoint} cannot be read as a checkpoint: {error}.") from error

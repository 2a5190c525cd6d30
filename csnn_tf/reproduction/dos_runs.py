"""The runs behind Table II: what is in their folders, and training what is missing."""

from __future__ import annotations

import csv
import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from csnn_tf.errors import InputError
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_trainer import CHECKPOINT, train_dos
from csnn_tf.training.run_folder import RunFolder
from csnn_tf.training.time_budget import TimeBudget

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet


@dataclasses.dataclass(frozen=True)
class DosRun:
    """A run folder of a density-of-states model.

    Attributes:
        folder: The folder.
        config: What was to be trained.
        epochs: Finished epochs.
        complete: Whether all epochs were trained, or the schedule ended the run.
    """

    folder: RunFolder
    config: DosConfig
    epochs: int
    complete: bool

    @property
    def can_go_on(self) -> bool:
        """Whether the folder holds what training needs to go on."""
        return not self.complete and (
            (self.folder.path / CHECKPOINT).is_file() or not self.folder.best.is_file()
        )

    @classmethod
    def read(cls, path: Path, architecture: str, data: str = "carbon") -> DosRun | None:
        """What is in a folder.

        Args:
            path: The folder.
            architecture: The model that it must be of.
            data: What it must be trained on; the name of a file or folder counts, not where it is.

        Returns:
            The run, or None if there is nothing.

        Raises:
            InputError: If it holds something else.
        """
        if not path.exists():
            return None
        folder = RunFolder(path)
        stored = folder.read_json("config.json")
        if not isinstance(stored, dict) or "elements" not in stored:
            raise InputError(f"{path} is not a run of a density of states.")
        config = DosConfig.from_dict({key: stored[key] for key in stored.keys() - {"elements"}})
        if config.architecture != architecture:
            raise InputError(f"{path} is a run of {config.architecture}, not of {architecture}.")
        if Path(config.data).name != Path(data).name:
            raise InputError(f"{path} is a run on {config.data}, not on {data}.")
        epochs = _epochs(path / "history.csv")
        complete = epochs >= config.epochs or _ended(path / CHECKPOINT)
        return cls(folder, config, epochs, complete)


def train_missing(
    configs: Mapping[str, DosConfig],
    structures: StructureSet,
    out: Path,
    *,
    budget: float | None = None,
    callbacks: Callable[[DosConfig], list[keras.callbacks.Callback]] = lambda config: [],
) -> dict[str, DosRun]:
    """Train models whose runs are not there yet, and go on with those that were cut short.

    Args:
        configs: What to train where there is nothing, by name of the run's folder.
        structures: With DOS.
        out: Folder of the runs.
        budget: Seconds for all training together, each run an equal share of what is left; 0 to
            train nothing, None for no limit.
        callbacks: Further Keras callbacks of a run.

    Returns:
        The runs that have a model, by name.

    Raises:
        InputError: If a folder holds something else, or a configuration does not fit the data.
    """
    started = time.monotonic()
    found = {name: DosRun.read(out / name, c.architecture, c.data) for name, c in configs.items()}
    waiting = [name for name, run in found.items() if run is None or run.can_go_on]
    for place, name in enumerate(waiting):
        run = found[name]
        config = configs[name] if run is None else run.config
        extra = callbacks(config)
        if budget is not None:
            left = budget - (time.monotonic() - started)
            if left <= 0:
                break
            extra.append(TimeBudget(left / (len(waiting) - place)))
        train_dos(config, structures, out / name, resume=run is not None, callbacks=extra)
        found[name] = DosRun.read(out / name, config.architecture, config.data)
    return {name: run for name, run in found.items() if run and run.folder.best.is_file()}


def _epochs(history: Path) -> int:
    try:
        with open(history, encoding="utf-8", newline="") as file:
            return sum(1 for _ in csv.DictReader(file))
    except FileNotFoundError:
        return 0


def _ended(checkpoint: Path) -> bool:
    """Whether the schedule ended the run before its last epoch."""
    try:
        with open(checkpoint, "rb") as file, np.load(file, allow_pickle=False) as stored:
            return bool(json.loads(stored["state"].tobytes())["ending"]["finished"])
    except FileNotFoundError:
        return False
    except Exception as error:  # zipfile, zlib, json and NumPy each have their own
        raise InputError(f"{checkpoint} cannot be read as a checkpoint: {error}.") from error

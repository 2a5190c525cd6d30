"""The runs behind Table II."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from csnn_tf.errors import InputError
from csnn_tf.reproduction.runs import FoundRun, train_waiting
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_trainer import train_dos
from csnn_tf.training.run_folder import RunFolder

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet


@dataclasses.dataclass(frozen=True)
class DosRun(FoundRun):
    """A run folder of a density-of-states model; see `FoundRun`."""

    config: DosConfig

    @classmethod
    def read(cls, path: Path, architecture: str, data: str = "carbon") -> DosRun | None:
        """What is in a folder.

        Args:
            path: The folder.
            architecture: The model that it must be of.
            data: What it must be trained on, "carbon" being what is built in; the name of a file
                or folder counts, not where it is.

        Returns:
            The run, or None if there is nothing.

        Raises:
            InputError: If it holds something else.
        """
        if not path.exists():
            return None
        config = DosConfig.of_run(path)
        if config.architecture != architecture:
            raise InputError(f"{path} is a run of {config.architecture}, not of {architecture}.")
        if _data(config.data) != _data(data):
            raise InputError(f"{path} is a run on {config.data}, not on {data}.")
        return cls.of(RunFolder(path), config)


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
        budget: Seconds for all training together, see `train_waiting`.
        callbacks: Further Keras callbacks of a run.

    Returns:
        The runs that have a model, by name.

    Raises:
        InputError: If a folder holds something else, or a configuration does not fit the data.
    """

    def read(name: str) -> DosRun | None:
        return DosRun.read(out / name, configs[name].architecture, configs[name].data)

    def train(name: str, run: DosRun | None, limit: list[keras.callbacks.Callback]) -> None:
        config = configs[name] if run is None else run.config
        extra = [*callbacks(config), *limit]
        train_dos(config, structures, out / name, resume=run is not None, callbacks=extra)

    return train_waiting(configs, read, train, budget)


def _data(place: str) -> tuple[bool, str]:
    """Whether data is built in, and its name."""
    return place == "carbon", Path(place).absolute().name

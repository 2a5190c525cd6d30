"""The runs behind Table II."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from csnn_tf.data.atoms.fingerprint import fingerprint
from csnn_tf.errors import InputError
from csnn_tf.reproduction.runs import FoundRun, train_waiting
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_trainer import train_dos
from csnn_tf.training.run_folder import RunFolder

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet

_READING = ("per_cell", "reference_energy", "bins", "electrons")
"""Fields that say how data is read."""


@dataclasses.dataclass(frozen=True)
class DosRun(FoundRun):
    """A run folder of a density-of-states model; see `FoundRun`."""

    config: DosConfig

    @classmethod
    def read(cls, path: Path, expected: DosConfig, contents: str) -> DosRun | None:
        """What is in a folder.

        Args:
            path: The folder.
            expected: Its model must be the run's, and its data; of a file or folder the name
                counts, not where it is.
            contents: Digest of the structures that the run must have been begun with.

        Returns:
            The run, or None if there is nothing.

        Raises:
            InputError: If it holds something else.
        """
        if not path.exists():
            return None
        config = DosConfig.of_run(path)
        model = expected.architecture
        if config.architecture != model:
            raise InputError(f"{path} is a run of {config.architecture}, not of {model}.")
        if _data(config.data) != _data(expected.data):
            raise InputError(f"{path} is a run on {config.data}, not on {expected.data}.")
        run = RunFolder(path)
        try:
            run.check_contents(contents)
        except InputError as error:
            for name in _READING:
                has, needs = getattr(config, name), getattr(expected, name)
                if has != needs:
                    raise InputError(f"{path} is a run with {name} {has}, not {needs}.") from error
            raise
        return cls.of(run, config)


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
    contents = fingerprint(structures)

    def read(name: str) -> DosRun | None:
        return DosRun.read(out / name, configs[name], contents)

    def train(name: str, run: DosRun | None, limit: list[keras.callbacks.Callback]) -> None:
        config = configs[name] if run is None else run.config
        extra = [*callbacks(config), *limit]
        train_dos(config, structures, out / name, resume=run is not None, callbacks=extra)

    return train_waiting(configs, read, train, budget)


def _data(place: str) -> tuple[bool, str]:
    """Whether data is built in, and its name."""
    return place == "carbon", Path(place).absolute().name

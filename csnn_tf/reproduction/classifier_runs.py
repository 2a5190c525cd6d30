"""The runs behind the classifiers' tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from csnn_tf.data.fingerprint import fingerprint
from csnn_tf.errors import InputError
from csnn_tf.models import CloudClassifier
from csnn_tf.models.architectures import architecture
from csnn_tf.models.loading import load_model
from csnn_tf.reproduction.runs import FoundRun, train_waiting
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.run_folder import RunFolder, history_rows
from csnn_tf.training.trainer import train

if TYPE_CHECKING:
    from csnn_tf.data.mesh_set import MeshSet
    from csnn_tf.data.shape_set import ShapeSet


@dataclasses.dataclass(frozen=True)
class ClassifierRun(FoundRun):
    """A run folder of a classifier; see `FoundRun`."""

    config: TrainingConfig

    @classmethod
    def read(
        cls, path: Path, expected: TrainingConfig, fields: Sequence[str] = ()
    ) -> ClassifierRun | None:
        """What is in a folder.

        Args:
            path: The folder.
            expected: Its model, rotation and data must be the run's, how the data is taken, and
                whether shapes are held out; of a folder the name counts, not where it is.
            fields: Fields of the model that must be alike too.

        Returns:
            The run, or None if there is nothing.

        Raises:
            InputError: If it holds something else.
        """
        if not path.exists():
            return None
        config = TrainingConfig.of_run(path)
        pairs = {
            "run of": (config.architecture, expected.architecture),
            "run under rotations": (config.rotation, expected.rotation),
            "run on": (_data(config), _data(expected)),
        }
        if bool(config.validation) != bool(expected.validation):
            pairs["run with validation"] = (config.validation, expected.validation)
        for name in ("num_points", "resample", "upright_axis"):
            pairs[f"run with {name}"] = (getattr(config, name), getattr(expected, name))
        if expected.folder is None:
            pairs["run with per_class"] = (config.per_class, expected.per_class)
        found, wanted = _model(config), _model(expected)
        for name in fields:
            pairs[f"run with {name}"] = (found.get(name), wanted.get(name))
        for what, (has, needs) in pairs.items():
            if has != needs:
                raise InputError(f"{path} is a {what} {has}, not {needs}.")
        return cls.of(RunFolder(path), config)

    def load(self, path: Path | None = None) -> CloudClassifier:
        """The model of the best epoch, or another one in the folder."""
        return load_model(path or self.folder.best, CloudClassifier)

    @property
    def seconds(self) -> list[float]:
        """What each epoch took, as recorded."""
        rows = history_rows(self.folder.path / "history.csv")
        return [float(row["seconds"]) for row in rows]

    @property
    def description(self) -> str:
        """Preset, recipe, seed, epochs, changed fields and time."""
        return f"{super().description}, {sum(self.seconds) / 60:.1f} min"


def train_classifiers(
    configs: Mapping[str, TrainingConfig],
    shapes: Callable[[TrainingConfig], ShapeSet | MeshSet],
    out: Path,
    *,
    fields: Sequence[str] = (),
    budget: float | None = None,
    callbacks: Callable[[str, TrainingConfig], list[keras.callbacks.Callback]] = lambda *_: [],
) -> dict[str, ClassifierRun]:
    """Train classifiers whose runs are not there yet, and go on with those that were cut short.

    Args:
        configs: What to train where there is nothing, by name of the run's folder.
        shapes: The training shapes that a configuration asks for; a run that is there must have
            been begun with them.
        out: Folder of the runs.
        fields: Fields of the model in which a run that is there must agree.
        budget: Seconds for all training together, see `train_waiting`.
        callbacks: Further Keras callbacks of a run, by its name and configuration.

    Returns:
        The runs that have a model, by name.

    Raises:
        InputError: If a folder holds something else, or a configuration does not fit the data.
    """

    loaded: dict[tuple[int, int, bool], tuple[ShapeSet | MeshSet, str]] = {}

    def data(name: str) -> tuple[ShapeSet | MeshSet, str]:
        """Training shapes of a run and their digest, made once for all that take the same."""
        config = configs[name]
        key = config.num_points, config.per_class, config.resample
        if key not in loaded:
            found = shapes(config)
            loaded[key] = found, fingerprint(found)
        return loaded[key]

    def read(name: str) -> ClassifierRun | None:
        run = ClassifierRun.read(out / name, configs[name], fields)
        if run is not None:
            run.folder.check_contents(data(name)[1])
        return run

    def go_on(name: str, run: ClassifierRun | None, limit: list[keras.callbacks.Callback]) -> None:
        config = configs[name] if run is None else run.config
        extra = [*callbacks(name, config), *limit]
        train(config, data(name)[0], out / name, resume=run is not None, callbacks=extra)

    return train_waiting(configs, read, go_on, budget)


def _data(config: TrainingConfig) -> str:
    if config.folder is None:
        return f"built-in {config.data}"
    return Path(config.folder).absolute().name


def _model(config: TrainingConfig) -> dict[str, Any]:
    """All fields of the model, the preset's included."""
    return architecture(config.architecture).presets.get(config.preset, **config.model)

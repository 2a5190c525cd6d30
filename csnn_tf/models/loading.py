"""Reading a trained model from what a user names."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, cast

import keras
import numpy as np

from csnn_tf.checks import check_path
from csnn_tf.errors import InputError
from csnn_tf.models.archive import check_archive
from csnn_tf.models.initial_values import values_follow

_Model = TypeVar("_Model", bound=keras.Model)


def trained_models() -> dict[str, Path]:
    """Names and files of the trained models that come with the package."""
    folder = Path(str(files("csnn_tf"))) / "saved_models"
    if not folder.is_dir():  # a checkout that is not installed keeps them beside the package
        folder = folder.parent.parent / "saved_models"
    return {path.stem: path for path in sorted(folder.glob("*.keras"))}


def model_file(model: str | Path) -> Path:
    """The .keras file that a path or name stands for.

    Args:
        model: A .keras file, a run folder (its best.keras), or the name of a trained model.

    Raises:
        InputError: If it is none of these.
    """
    found = file_at(model)
    if found is not None:
        return found
    if str(model) in trained_models():
        return trained_models()[str(model)]
    names = ", ".join(trained_models()) or "none"
    raise InputError(
        f"{model} is neither a .keras file, nor a run folder with best.keras, nor a trained model "
        f"of the package (there are: {names})."
    )


def file_at(place: str | Path) -> Path | None:
    """The model at a path, a file or a run folder's best.keras; None where there is neither."""
    path = check_path(place)
    if path.is_dir() and check_path(path / "best.keras").is_file():
        return path / "best.keras"
    return path if path.is_file() else None


def load_model(model: str | Path, kind: type[keras.Model]) -> keras.Model:
    """Load a trained model of a class, safely.

    Args:
        model: See `model_file`.
        kind: The class that it must be of.

    Raises:
        InputError: If the file cannot be read or holds something else.
    """
    path = model_file(model)
    with _named(path):
        check_archive(path)
        with values_follow():
            loaded = keras.models.load_model(path, compile=False, safe_mode=True)
    _check_kind(model, type(loaded), kind)
    damaged = not_finite(loaded)
    if damaged is not None:
        raise InputError(f"{path} has weights that are not finite: {damaged}.")
    return loaded


def as_model(model: keras.Model | str | Path, kind: type[_Model]) -> _Model:
    """A model as it is, or the trained model that a path or name stands for.

    Args:
        model: The model, or see `model_file`.
        kind: The class that it must be of.

    Raises:
        InputError: If it is of another class or cannot be read.
    """
    if isinstance(model, str | Path):
        return cast(_Model, load_model(model, kind))
    if not isinstance(model, kind):
        raise InputError(
            f"a {kind.__name__} is needed, or the file or name of one, not a "
            f"{type(model).__name__}."
        )
    return model


def not_finite(model: keras.Model) -> str | None:
    """Path of a model's first weight with a NaN or an infinity in it, None if all are finite."""
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            return weight.path
    return None


def model_arguments(model: str | Path, kind: type[keras.Model]) -> tuple[type, dict[str, Any]]:
    """The class of a trained model and its constructor's arguments, without making the model.

    Args:
        model: See `model_file`.
        kind: The class that it must be of.

    Raises:
        InputError: If the file cannot be read or holds something else.
    """
    path = model_file(model)
    with _named(path):
        description = check_archive(path)
        found = keras.saving.get_registered_object(description["registered_name"])
    _check_kind(model, found, kind)
    return found, description["config"]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say in one sentence why a file cannot be read."""
    try:
        yield
    except Exception as error:  # Keras raises many kinds for files that are not its own
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
        raise InputError(f"{path} cannot be read as a Keras model: {reason}") from error


def _check_kind(model: str | Path, found: Any, kind: type[keras.Model]) -> None:
    if isinstance(found, type) and issubclass(found, kind):
        return
    task, wanted = getattr(found, "task", None), getattr(kind, "task", None)
    if task and wanted and task != wanted:
        raise InputError(f"{model} is {task}, not {wanted}.")
    name = getattr(found, "__name__", found)
    raise InputError(f"{model} holds a {name}, not a {kind.__name__}.")


def training_record(model: str | Path) -> dict:
    """The configuration that a run folder's or trained model's JSON file records, or nothing.

    It lies beside NAME.keras as NAME.json or, in a run folder, as config.json. What is not the
    configuration of a training there, or of one on other classes or elements, has nothing to do
    with the model.
    """
    path = model_file(model)
    for candidate in (path.with_suffix(".json"), path.parent / "config.json"):
        try:
            record = json.loads(candidate.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if _is_training(record) and _fits(record, path):
            return record
    return {}


def _is_training(record: Any) -> bool:
    kinds = {"preset": str, "recipe": str, "model": dict, "epochs": int}
    return isinstance(record, dict) and all(
        isinstance(record.get(name), kind) for name, kind in kinds.items()
    )


def _fits(record: dict, path: Path) -> bool:
    """Whether a model file says of itself nothing else than a record of what was trained on."""
    try:
        own = check_archive(path)["config"]
    except Exception:  # of many kinds; whoever loads the file says why it cannot be read
        return True
    pairs = (("classes", "class_names"), ("elements", "elements"))
    found = ((record.get(recorded), own.get(name)) for recorded, name in pairs)
    return all(None in pair or pair[0] == pair[1] for pair in found)

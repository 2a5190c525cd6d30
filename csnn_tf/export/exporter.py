"""From a .keras file to a version folder."""

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from csnn_tf.checks import check_path
from csnn_tf.errors import InputError
from csnn_tf.export.companions import check_labels
from csnn_tf.export.kinds import check_no_tensor_lost, check_same_kind, check_same_labels
from csnn_tf.export.layout import check_name, check_version, publish
from csnn_tf.export.model_card import model_card
from csnn_tf.export.options import FORMATS, ExportOptions
from csnn_tf.export.server_files import BATCHING_PARAMETERS, MODELS_CONFIG, write_server_files
from csnn_tf.export.serving import Serving, serving_of
from csnn_tf.export.warmup import can_write_warmup
from csnn_tf.models.loading import load_model, model_file, training_record
from csnn_tf.training.run_folder import history_numbers

_MARKERS = {"savedmodel": "saved_model.pb", "onnx": "model.onnx", "tflite": "model.tflite"}


@dataclass(frozen=True)
class Exported:
    """What an export left behind.

    Args:
        path: DIR/NAME/VERSION.
        notices: Sentences about what could not be added, a name that had to be changed, and a run
            that has fewer epochs than it was to have.
    """

    path: Path
    notices: tuple[str, ...] = ()


def export_model(
    model: str | Path,
    folder: str | Path,
    *,
    name: str | None = None,
    version: int | None = None,
    options: ExportOptions | None = None,
    file_format: str = "savedmodel",
    other_labels: bool = False,
) -> Exported:
    """Export a trained model to DIR/NAME/VERSION, TensorFlow Serving's layout.

    The version appears only when it is complete. A SavedModel gets models.config and an example of
    batching_parameters beside it, in DIR.

    Args:
        model: A .keras file, a run folder (its best.keras) or the name of a trained model.
        folder: DIR; made if missing.
        name: NAME; by default that of the file, or of the run folder that it belongs to, with "_"
            for all but letters, digits, "_" and "-".
        version: VERSION; by default the next one.
        options: Choices of the exported graph.
        file_format: "savedmodel", "onnx" or "tflite".
        other_labels: Whether the version may have other classes, or a density of states other
            energies, than the newest one that is there.

    Raises:
        InputError: If an argument or the model cannot be read or exported, the version exists, NAME
            holds another kind of model, or one of other labels or of more outputs, or the folder
            cannot be written. Nothing is left behind then.

    Example:
        >>> export_model("runs/shapes", "serving").path
        PosixPath('serving/shapes/1')
    """
    options = ExportOptions() if options is None else options
    _check_arguments(model, folder, options)
    version = check_version(version)
    if file_format not in FORMATS:
        raise InputError(f"format must be one of {', '.join(FORMATS)}, not {file_format!r}.")
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"exporting needs KERAS_BACKEND=tensorflow, not {keras.backend.backend()}: TensorFlow "
            "reads models that were trained on any backend."
        )
    source, folder = model_file(model), check_path(folder)
    given = _source_name(source) if name is None else name
    name = _served_name(given) if name is None else name
    check_name(name)  # as a whole: of "a/b", a path would have the name "b"
    if name in (MODELS_CONFIG, BATCHING_PARAMETERS):
        raise InputError(f"name must not be {name}: the server's file of that name lies there.")
    loaded, digest = _load(source)
    serving = serving_of(loaded, options)
    check_labels(serving)
    served = file_format == "savedmodel"
    if served:
        check_same_kind(folder / name, serving)
    if not other_labels:
        check_same_labels(folder / name, serving)
    record = training_record(source)
    epochs = _epoch_notices(source, record)
    origin = f"{source.name}, SHA-256 {digest}"
    card = model_card(serving, name, origin, record, epochs, portable=not served)

    def write(temporary: Path) -> None:
        _writer(file_format)(temporary, serving, name, card)
        if served:
            check_no_tensor_lost(folder / name, temporary)

    path = publish(
        folder / name,
        write,
        version=version,
        marker=_MARKERS[file_format],
        announce=lambda: write_server_files(folder) if served else None,
    )
    notices = _name_notices(given, name) + epochs + (_warmup_notices() if served else ())
    return Exported(path, notices)


def _check_arguments(model: object, folder: object, options: object) -> None:
    if isinstance(model, keras.Model):
        raise InputError(
            f"model must be a file: save the {type(model).__name__} with save('NAME.keras') first."
        )
    for name, value in (("model", model), ("folder", folder)):
        if not isinstance(value, str | os.PathLike):
            raise InputError(f"{name} must be a path or a name, not {value!r:.60}.")
    if not isinstance(options, ExportOptions):
        raise InputError(f"options must be ExportOptions, not {options!r:.60}.")


def _load(source: Path) -> tuple[keras.Model, str]:
    # From the file: a model that was called before may hold operations compiled by XLA.
    digest = _digest(source)
    model = load_model(source, keras.Model)
    if _digest(source) != digest:  # a training may replace its best.keras
        raise InputError(f"{source} changed while it was read: export it again.")
    return model, digest


def _digest(source: Path) -> str:
    try:
        with open(source, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or error}.") from error


def _source_name(source: Path) -> str:
    # Every run has a best.keras: its folder says which it is.
    return source.parent.resolve().name if _is_of_run(source) else source.stem


def _is_of_run(source: Path) -> bool:
    return source.stem in ("best", "last") and (source.parent / "config.json").is_file()


def _served_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-") or "model"


def _name_notices(given: str, name: str) -> tuple[str, ...]:
    # Others may become the same name, and one the next version of the other.
    if name == given:
        return ()
    return (f"The name became {name}, from {given!r}: --name gives another.",)


def _epoch_notices(source: Path, record: Mapping[str, Any]) -> tuple[str, ...]:
    # Not why: it may have been stopped, ended by its schedule, or go on.
    if not record or not _is_of_run(source):
        return ()
    try:
        epochs = len(history_numbers(source.parent / "history.csv"))
    except InputError:  # the model is there all the same
        return ()
    if not 0 < epochs < record["epochs"]:
        return ()
    return (f"The run's history has {epochs} of {record['epochs']} epochs.",)


def _writer(file_format: str) -> Callable[[Path, Serving, str, str], None]:
    if file_format == "onnx":
        from csnn_tf.export.onnx_format import write_onnx

        return write_onnx
    if file_format == "tflite":
        from csnn_tf.export.tflite_format import write_tflite

        return write_tflite
    from csnn_tf.export.saved_model import write_saved_model

    return write_saved_model


def _warmup_notices() -> tuple[str, ...]:
    if can_write_warmup():
        return ()
    return (
        "No warm-up requests were written: that needs "
        "`pip install --no-deps tensorflow-serving-api`.",
    )

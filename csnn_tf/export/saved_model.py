"""The SavedModel format."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf

from csnn_tf.export.batching import BATCHING_PARAMS, batching_params
from csnn_tf.export.companions import write_companions
from csnn_tf.export.op_check import check_servable
from csnn_tf.export.op_errors import reason_of
from csnn_tf.export.serving import Serving
from csnn_tf.export.warmup import can_write_warmup, check_examples, write_warmup


def write_saved_model(folder: Path, serving: Serving, name: str, card: str) -> None:
    """Write a SavedModel with labels, model card and warm-up requests into an empty folder.

    Args:
        folder: The folder.
        serving: The model.
        name: Name under which it is served.
        card: The model card.

    Raises:
        InputError: If a stock server could not run it.
        OSError: If the folder cannot be written.
    """
    signatures, examples = serving.signatures(), serving.examples()
    check_examples(signatures, examples)
    with _as_os_error():
        _save(folder, serving, signatures, card)
    check_servable(folder)
    if serving.batching:
        (folder / BATCHING_PARAMS).write_text(batching_params(serving.options), "utf-8")
    if can_write_warmup():
        with _as_os_error():
            write_warmup(folder, name, examples)


def _save(folder: Path, serving: Serving, signatures: dict[str, Any], card: str) -> None:
    # Saving copies the assets; these files do not stay.
    texts = write_companions(folder, serving, card)
    module = tf.Module()
    module.weights = list(serving.variables)
    module.assets = [tf.saved_model.Asset(str(path)) for path in texts]
    tf.saved_model.save(
        module,
        str(folder),
        signatures=signatures,
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )
    for path in texts:
        path.unlink()


@contextmanager
def _as_os_error() -> Iterator[None]:
    """TensorFlow's own errors of writing, such as that of a full disk, as what Python has."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(reason_of(error)) from error

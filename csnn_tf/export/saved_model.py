"""The SavedModel format."""

from pathlib import Path

import tensorflow as tf

from csnn_tf.export.companions import write_companions
from csnn_tf.export.op_check import check_servable
from csnn_tf.export.serving import Serving
from csnn_tf.export.warmup import can_write_warmup, write_warmup


def write_saved_model(folder: Path, serving: Serving, name: str, card: str) -> None:
    """Write a SavedModel with labels, model card and warm-up requests into an empty folder.

    Args:
        folder: The folder.
        serving: The model.
        name: Name under which it is served.
        card: The model card.

    Raises:
        InputError: If a stock server could not run it.
    """
    # Saving copies the assets; these files do not stay.
    texts = write_companions(folder, serving, card)
    module = tf.Module()
    module.weights = list(serving.variables)
    module.assets = [tf.saved_model.Asset(str(path)) for path in texts]
    tf.saved_model.save(
        module,
        str(folder),
        signatures=serving.signatures(),
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )
    for path in texts:
        path.unlink()
    check_servable(folder)
    if can_write_warmup():
        write_warmup(folder, name, serving.examples())

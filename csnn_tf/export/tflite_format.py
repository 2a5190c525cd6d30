"""The TensorFlow Lite (LiteRT) format."""

from pathlib import Path

import tensorflow as tf

from csnn_tf.errors import InputError
from csnn_tf.export.companions import write_companions
from csnn_tf.export.portable import portable_function
from csnn_tf.export.quiet import quiet
from csnn_tf.export.serving import Serving


def write_tflite(folder: Path, serving: Serving, name: str, card: str) -> None:
    """Write model.tflite, labels and model card into an empty folder.

    Both sizes of the input are free: resize it before allocating tensors.

    Args:
        folder: The folder.
        serving: The model.
        name: The model's name.
        card: The model card.

    Raises:
        InputError: If the converter can convert no such model or precision, or fails.
    """
    function, _ = portable_function(serving, "tflite")
    module = tf.Module(name)
    module.weights = list(serving.variables)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], module
    )
    try:
        with quiet():
            content = converter.convert()
    except Exception as error:  # of a private class of TensorFlow's
        raise InputError(f"the model cannot be converted to tflite: {_reason(error)}.") from error
    (folder / "model.tflite").write_bytes(content)
    write_companions(folder, serving, card)


def _reason(error: Exception) -> str:
    lines = str(error).splitlines() or [repr(error)]
    missing = [line for line in lines if line.startswith("TF Select ops:")]
    return (
        (missing or lines)[0]
        .replace("TF Select ops:", "the converter lacks the operations")
        .strip()
    )

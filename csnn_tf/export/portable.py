"""What the exports for runtimes other than TensorFlow's share."""

from typing import Any

import tensorflow as tf

from csnn_tf.errors import InputError
from csnn_tf.export.options import ExportOptions
from csnn_tf.export.serving import Serving


def portable_function(serving: Serving, runtime: str) -> tuple[Any, list[Any]]:
    """A `tf.function` of a model without checks and strings, and its input signature.

    Args:
        serving: The model.
        runtime: Name of the runtime's format, for the message.

    Raises:
        InputError: If the runtime cannot compute the model, or not in the precision asked for, or a
            choice would count for nothing.
    """
    if serving.options.precision != "float32":
        raise InputError(
            f"precision must be float32 for {runtime}, not {serving.options.precision}: its "
            "converter mixes up 16-bit types."
        )
    for name in ("top", "max_points", "max_clouds", "max_atoms"):
        if getattr(serving.options, name) != getattr(ExportOptions, name):
            raise InputError(
                f"{name} counts for nothing in {runtime}, which neither lists the best classes nor "
                "checks requests: leave it out."
            )
    function, specs = serving.portable()
    return tf.function(function, input_signature=specs), list(specs)

"""Models that cannot be quantised."""

from typing import Any

import keras

from csnn_tf.errors import InputError


class Unquantised:
    """Comes before `keras.Model` among the bases of a model that refuses to be quantised.

    What a file says of such a model does not make quantised layers again.
    """

    def quantize(self, *_: Any, **__: Any) -> None:
        """Not supported.

        Raises:
            InputError: Always.
        """
        raise InputError(
            f"a {type(self).__name__} cannot be quantised; an export with precision bfloat16 is "
            "half as large."
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keras's own, which empties a file before it asks the model what to write.

        The arguments are those of `keras.Model.save`.

        Raises:
            InputError: If layers are quantised; a file that was there stays as it is.
        """
        check_not_quantised(self)
        super().save(*args, **kwargs)


def check_not_quantised(model: keras.Model) -> None:
    """Raise `InputError` if a layer was quantised by itself, or a plain model inside."""
    for layer in model._flatten_layers():
        if getattr(layer, "quantization_mode", None):
            raise InputError(
                f"the layer {layer.name!r} is quantised, and a file of a {type(model).__name__} "
                "cannot hold that; an export with precision bfloat16 is half as large."
            )

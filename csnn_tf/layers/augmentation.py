"""What all augmentations of point clouds share."""

from typing import Any

import keras
from keras import ops

from csnn_tf.checks import whole_number
from csnn_tf.errors import InputError
from csnn_tf.layers.checks import check_points


class PointAugmentation(keras.layers.Layer):
    """Base of the layers that change clouds at random while training and pass them on otherwise.

    A subclass implements `augment(points, seed)`.

    Args:
        seed: Whole number from 0 to 2**32 - 1 that fixes the sequence of random draws; None for
            another one each time.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        InputError: If the seed is no such number.

    Input: points [batch, points, 3]; optionally `training` and `seed`, a seed generator that is
        used for this call in place of the layer's own.
    Output: [batch, points, 3] float32. Every cloud of the batch is changed by draws of its own.
        Rows keep their places, so that Keras's mask of the input is the output's.
    """

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs, autocast=False)
        self.supports_masking = True
        self.seed = None if seed is None else _check_seed(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check the input's shape."""
        check_points(input_shape, type(self).__name__)

    def call(self, points, training: bool | None = None, seed=None):
        """Augment when training."""
        check_points(points.shape, type(self).__name__)  # `build` saw the first inputs only
        points = ops.cast(points, "float32")
        if not training:
            return points
        return self.augment(points, self.seed_generator if seed is None else seed)

    def augment(self, points, seed):
        """Change the clouds; `seed` goes to every function of `keras.random`."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Same as the input's."""
        return input_shape

    def compute_output_spec(self, points, *_: Any, **__: Any):
        """Same shape as the input, float32."""
        return keras.KerasTensor(points.shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        return {**config, "seed": self.seed}


def _check_seed(value: Any) -> int:
    """The seed as an int; JAX takes those that 32 bits hold without a sign."""
    number = whole_number(value)
    if number is None or not 0 <= number < 2**32:
        raise InputError(
            f"seed must be a whole number from 0 to 2**32 - 1, or None, not {value!r:.60}."
        )
    return number

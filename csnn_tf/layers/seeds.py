"""Random numbers as a function of an explicit seed instead of a layer's state."""

import keras
from keras import ops


class StatelessSeed(keras.random.SeedGenerator):
    """A seed generator that starts from a given tensor and keeps no variables.

    Keras's own generator is a variable: what it gives depends on how often it was asked before.
    This one makes a batch's augmentation a function of the batch's seed alone, which makes input
    pipelines parallel and resumable.

    Args:
        seed: Two whole numbers, as a tensor or a sequence.
    """

    def __init__(self, seed) -> None:
        # The base class would create the variable that this class is here to avoid.
        self._start = ops.cast(seed, "uint32")
        self._drawn = 0

    def next(self, ordered: bool = True):
        """The next seed, [2] uint32."""
        offset = ops.cast([0, self._drawn], "uint32")
        self._drawn += 1
        return self._start + offset

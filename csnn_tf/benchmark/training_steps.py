"""Steps of the optimiser on one batch over and over, as training runs them."""

import itertools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from csnn_tf.layers import compiled_kernels
from csnn_tf.processor import accelerators

_ON_AN_ACCELERATOR = 40


def steps_in_a_call() -> int:
    """Steps that `training_steps` takes in one call.

    An accelerator computes a step while the host prepares the next, so it takes many in a row.
    """
    return _ON_AN_ACCELERATOR if accelerators() else 1


def training_steps(
    network: keras.Model, inputs: Any, targets: Any, *, kernels: bool = True
) -> Callable[[], Any]:
    """A function that takes `steps_in_a_call` steps.

    Args:
        network: Compiled for training.
        inputs, targets: The batch; it stays on the device.
        kernels: Whether the package's compiled kernels are used where the step is not compiled.
    """
    inputs, targets = ops.convert_to_tensor(inputs), ops.convert_to_tensor(targets)
    steps = steps_in_a_call()

    def call():
        with compiled_kernels(kernels and not network.jit_compile):
            if steps == 1:
                return network.train_on_batch(inputs, targets)
            batches = ((inputs, targets) for _ in itertools.count())
            history = network.fit(batches, steps_per_epoch=steps, verbose=0, shuffle=False)
            return history.history["loss"]

    return call

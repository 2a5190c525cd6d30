"""What this process computes on."""

import os

import keras


def cores() -> int:
    """Cores of the processor that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def tensorflow_on_cpu() -> bool:
    """Whether the backend is TensorFlow and sees no GPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_logical_devices("GPU")

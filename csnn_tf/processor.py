"""What this process computes on."""

import os
from contextlib import suppress

import keras

MOST_AT_ONCE = 4
"""Batches, for whose memory they count, that are computed side by side at most."""
_THREADS = "TF_NUM_INTRAOP_THREADS"


def cores() -> int:
    """Cores of the processor that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def accelerators() -> list[str]:
    """Names of the accelerators that the backend sees."""
    if keras.backend.backend() == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    import tensorflow as tf

    return [device.name for device in tf.config.list_logical_devices("GPU")]


def tensorflow_on_cpu() -> bool:
    """Whether the backend is TensorFlow and sees no accelerator."""
    return keras.backend.backend() == "tensorflow" and not accelerators()


def one_thread_an_operation() -> bool:
    """Whether TensorFlow runs each operation on one thread, by its own setting or the system's."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    set_here = tf.config.threading.get_intra_op_parallelism_threads()
    return (set_here or os.environ.get(_THREADS)) in (1, "1")


def share_cores_among_batches(batches: int | None = None) -> None:
    """Let operations run on one thread each, and predictors compute a batch for every core.

    For a process that predicts many batches. TensorFlow takes the setting before its first
    operation; afterwards, and on an accelerator or many cores, everything stays as it is, as it
    does where `TF_NUM_INTRAOP_THREADS` says otherwise.

    Args:
        batches: How many there are, where that is known: fewer than cores would leave some idle.
    """
    if keras.backend.backend() != "tensorflow" or not 1 < cores() <= MOST_AT_ONCE:
        return
    if batches is not None and batches < cores():
        return
    import tensorflow as tf

    if _THREADS not in os.environ and not tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError):  # of a process that has computed already
            tf.config.threading.set_intra_op_parallelism_threads(1)

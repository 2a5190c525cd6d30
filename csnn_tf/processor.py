"""What this process computes on."""

import os

import keras


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

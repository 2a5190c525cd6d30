"""Whole numbers as tensors, whatever Keras's global float type."""

from typing import Any

from keras import ops


def whole(values: Any) -> Any:
    """NumPy's or Python's whole numbers as int32.

    Where the type is left to Keras it depends on `keras.config.floatx()`: with bfloat16 JAX gets
    floats, with float64 TensorFlow int64.
    """
    return ops.convert_to_tensor(values, dtype="int32")

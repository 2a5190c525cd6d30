"""Concentric Spherical Neural Networks for TensorFlow and Keras 3."""

from csnn_tf import layers, models
from csnn_tf.errors import InputError

__version__ = "0.1.0"

__all__ = ["InputError", "__version__", "layers", "models"]

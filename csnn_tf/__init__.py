"""Concentric Spherical Neural Networks for TensorFlow and Keras 3."""

from csnn_tf import layers, losses, models
from csnn_tf.errors import InputError

# Imported here so that Keras knows them, which files of compiled models name.
from csnn_tf.training.schedules import WarmUpCosine as WarmUpCosine
from csnn_tf.training.smoothed_crossentropy import SmoothedCrossentropy as SmoothedCrossentropy

__version__ = "0.1.0"

__all__ = ["InputError", "__version__", "layers", "losses", "models"]

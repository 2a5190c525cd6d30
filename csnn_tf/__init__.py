"""Concentric Spherical Neural Networks for TensorFlow and Keras 3."""

import os
import platform

if platform.machine() in {"x86_64", "AMD64"}:
    # TensorFlow takes oneDNN by itself only where the processor has AVX-512 or its kin. With AVX2
    # it pays too: faster products, and memory kept for the next operation. Read once, as TensorFlow
    # is imported.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from csnn_tf import layers, losses, models
from csnn_tf.errors import InputError

# Imported here so that Keras knows them, which files of compiled models name.
from csnn_tf.training.schedules import WarmUpCosine as WarmUpCosine
from csnn_tf.training.smoothed_crossentropy import SmoothedCrossentropy as SmoothedCrossentropy

__version__ = "0.1.0"

__all__ = ["InputError", "__version__", "layers", "losses", "models"]

"""Choose the backend before Keras is imported."""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import csnn_tf  # noqa: F401  before TensorFlow, which it asks for oneDNN


def pytest_collection_modifyitems(items):
    """Files with slow tests first, so that processes that share the files end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """The same initial weights whichever tests ran before; functions traced or not, as marked."""
    import keras

    keras.utils.set_random_seed(0)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Its threads are settled now, before a command asks for one an operation.
        tf.config.list_logical_devices()
        mark = item.get_closest_marker("eagerly")
        tf.config.run_functions_eagerly(mark is not None and mark.args != (False,))

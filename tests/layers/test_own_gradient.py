import gc
import weakref

import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.layers.own_gradient import own_gradient, without_gradients
from tests.helpers import gradients

tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="graphs are TensorFlow's"
)


@own_gradient
def _doubled(x):
    def gradient(*args, upstream=None):
        return 7 * (args[0] if upstream is None else upstream)

    return 2 * x, gradient


def _total(x):
    return ops.sum(_doubled(x))


def test_the_declared_gradient_holds_but_where_none_is_asked_for():
    x = np.array([1.0, 3.0], "float32")
    assert gradients(_total, x)[0].tolist() == [7, 7]
    with without_gradients():
        assert ops.convert_to_numpy(_doubled(x)).tolist() == [2, 6]
        assert gradients(_total, x)[0].tolist() == [2, 2]


@tensorflow_only
def test_tensorflow_lets_go_of_what_was_traced_without_gradients():
    import tensorflow as tf

    def trace():
        function = tf.function(_doubled, autograph=False)
        return weakref.ref(function.get_concrete_function(tf.ones(2)).graph)

    with without_gradients():
        dropped = trace()
    gc.collect()
    assert dropped() is None

"""The largest value over places and its gradient."""

import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.layers import GlobalMaxPooling
from csnn_tf.layers.largest import largest
from tests.helpers import feature_maps, gradients, numpy_of


def gradient_of_sum(function, x, weights):
    """Gradient of the weighted sum of what the function makes of x, compiled as a whole."""
    (found,) = gradients(lambda x: keras.ops.sum(function(x) * weights), x, compiled=True)
    return found


def test_values_and_gradient_are_those_of_the_usual_maximum():
    x, weights = feature_maps(1, 4, 3), np.arange(1.0, 4.0, dtype="float32")
    usual = keras.layers.GlobalMaxPooling2D(data_format="channels_last")
    assert np.array_equal(numpy_of(GlobalMaxPooling()(x)), numpy_of(usual(x)))
    found = gradient_of_sum(GlobalMaxPooling(), x, weights)
    assert np.array_equal(found, gradient_of_sum(usual, x, weights))
    assert np.count_nonzero(found) == len(x) * 3


def test_of_equal_values_the_first_has_the_whole_gradient():
    x = np.zeros((1, 5, 2), "float32")
    x[0, [1, 3], 0] = 2.0
    found = gradient_of_sum(largest, x, np.array([3.0, 7.0], "float32"))
    assert np.array_equal(found[0], [[0, 7], [3, 0], [0, 0], [0, 0], [0, 0]])


@pytest.mark.parametrize("shape", [(2, 6, 3), (2, 6, 4, 3), (2, 2, 3, 4, 3)])
def test_any_number_of_axes(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    assert np.array_equal(numpy_of(GlobalMaxPooling()(x)), x.reshape(2, -1, 3).max(axis=1))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_masks_of_the_first_axes(axes):
    """As Keras's own of steps; they ended in the backend's error."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    mask = np.random.default_rng(1).random(x.shape[:axes]) < 0.5
    mask.flat[:2] = False, True
    full = np.broadcast_to(mask.reshape(mask.shape + (1,) * (4 - axes)), x.shape)
    expected = np.where(full, x, -np.inf).max(axis=(1, 2))
    expected = np.where(np.isinf(expected), 0, expected)
    assert np.array_equal(numpy_of(GlobalMaxPooling()(x, mask=keras.ops.array(mask))), expected)


def test_masks_with_channels_are_refused():
    x = np.zeros((2, 3, 5), "float32")
    with pytest.raises(
        InputError, match=r"mask must be \[batch, ...\] without channels, not \(2, "
    ):
        GlobalMaxPooling()(x, mask=keras.ops.array(x > 0))


@pytest.mark.parametrize("shape", [(2, 1), (1, 3), (2, 4)])
def test_masks_of_other_places_are_refused(shape):
    x = np.zeros((2, 3, 5), "float32")
    with pytest.raises(InputError, match=r"mask must be \[batch, ...\] without channels, not"):
        GlobalMaxPooling()(x, mask=keras.ops.ones(shape, "bool"))


def test_inputs_without_places_are_refused():
    with pytest.raises(InputError, match=r"nothing to pool in inputs \(2, 0, 5\)"):
        GlobalMaxPooling()(np.zeros((2, 0, 5), "float32"))


def test_bfloat16():
    x = feature_maps(1, 4, 3)
    layer = GlobalMaxPooling(dtype="bfloat16")
    assert keras.backend.standardize_dtype(layer(x).dtype) == "bfloat16"
    found = gradient_of_sum(lambda x: keras.ops.cast(layer(x), "float32"), x, np.float32(1))
    assert np.array_equal(np.count_nonzero(found, axis=(1, 2)), np.ones((len(x), 3)))

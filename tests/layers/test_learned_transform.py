"""The learned linear transformation of PointNet."""

import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.layers.learned_transform import LearnedTransform
from tests.helpers import numpy_of

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(3, 10, 4)).astype("float32")
MATRIX = RNG.normal(size=(3, 16)).astype("float32")


def test_it_is_what_its_formula_says():
    layer = LearnedTransform(0.5)
    whole = np.eye(4) + MATRIX.reshape(3, 4, 4).astype("float64")
    expected = FEATURES.astype("float64") @ whole
    np.testing.assert_allclose(numpy_of(layer(FEATURES, MATRIX)), expected, rtol=1e-5, atol=1e-5)
    assert not layer.losses
    layer(FEATURES, MATRIX, training=True)
    away = np.eye(4) - whole @ whole.transpose(0, 2, 1)
    (loss,) = layer.losses
    assert float(loss) == pytest.approx(0.5 * np.square(away).sum(axis=(1, 2)).mean(), rel=1e-5)


@pytest.mark.parametrize("shape", [(3, 4), (3, 9), (3, 4, 4), (1, 16), (2, 16)])
def test_matrices_of_other_features_or_clouds_are_refused(shape):
    with pytest.raises(InputError, match=r"LearnedTransform expects M \[batch, 16\] for features"):
        LearnedTransform()(FEATURES, np.zeros(shape, "float32"))


def test_a_negative_weight_is_refused():
    with pytest.raises(InputError, match="regularization must be at least 0"):
        LearnedTransform(-0.1)

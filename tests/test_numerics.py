"""The whole classifier at points and units that trip arithmetic."""

import keras
import numpy as np
import pytest

from csnn_tf.inference import Predictor
from csnn_tf.models import PointCloudClassifier
from tests.helpers import TWO_LEVELS, gradients, randomise


@pytest.fixture(scope="module")
def model():
    model = PointCloudClassifier.from_preset("tiny", num_classes=3, spheres=2, **TWO_LEVELS)
    randomise(model)
    return model


def test_no_unit_of_length_changes_the_prediction(model):
    cloud = np.random.default_rng(0).normal(size=(64, 3))
    scales = 10.0 ** np.arange(-20, 21)
    logits = Predictor(model).logits([cloud * scale for scale in scales])
    assert np.ptp(logits[0]) > 0.01
    np.testing.assert_allclose(logits, np.tile(logits[:1], (len(scales), 1)), rtol=1e-4, atol=1e-4)


LINE = np.linspace(-1, 1, 8)[:, None] * [[0.3, -0.5, 0.7]]
# Eight points each, but for the last: JAX compiles an operation once for all of a size.
AWKWARD = {
    "at the origin": np.vstack([np.zeros((2, 3)), np.eye(3), -np.eye(3)]),
    "all at the origin": np.zeros((8, 3)),
    "on the outer shell": np.vstack([np.eye(3), -np.eye(3), [[0.6, 0.8, 0], [0, -0.6, 0.8]]]),
    "coincident": np.full((8, 3), 0.1),
    "two places": np.repeat([[0.0, 0, 0], [1.0, 2, 3]], 4, axis=0),
    "collinear": LINE,
    "collinear along an axis": LINE * [[1, 0, 0]],
    "one point": np.ones((1, 3)),
}


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e15])
@pytest.mark.parametrize("name", AWKWARD)
def test_gradients_are_finite(model, name, scale):
    points = (AWKWARD[name] * scale)[None].astype("float32")
    weights = np.array([[1.0, -2.0, 0.5]], "float32")
    found = gradients(lambda x: keras.ops.sum(model(x, training=False) * weights), points)[0]
    assert found.shape == points.shape
    assert np.isfinite(found).all()

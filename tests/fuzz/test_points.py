"""Points of any kind, given to the predictor and to the layers that take points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from csnn_tf.inference import Predictor
from csnn_tf.layers import NormalizePoints, PointsToSpheres
from tests.fuzz.cases import cases, refused_or_right
from tests.helpers import numpy_of

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
WIDE = st.sampled_from([1e39, -1e300, np.inf, -np.inf, np.nan])
COUNTS = (1, 2, 3, 8)

good_clouds = st.sampled_from(COUNTS).flatmap(
    lambda count: hnp.arrays(np.float32, (count, 3), elements=FLOATS)
)
odd_arrays = st.one_of(
    hnp.arrays(np.float64, st.sampled_from([(2, 3), (8, 3)]), elements=FLOATS | WIDE),
    hnp.arrays(
        st.sampled_from([np.int64, np.uint8, bool, complex, "U3", "M8[s]", object]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
)
odd_things = st.one_of(
    st.none(), st.text(max_size=3), st.integers(), st.lists(st.lists(FLOATS, max_size=3))
)


@pytest.fixture(scope="module")
def predictor(classifier):
    return Predictor(classifier, batch_size=2)


@given(clouds=st.lists(st.one_of(good_clouds, odd_arrays, odd_things), max_size=3))
@cases(1, short=60)
def test_clouds(predictor, clouds):
    with refused_or_right("cloud"):
        probabilities = predictor.probabilities(clouds)
        assert probabilities.shape == (len(clouds), 3)
        assert np.isfinite(probabilities).all()
        np.testing.assert_allclose(probabilities.sum(axis=-1), 1, rtol=1e-5)


@given(clouds=st.one_of(odd_arrays, odd_things))
@cases(0.5, short=30)
def test_whatever_is_given_in_place_of_clouds(predictor, clouds):
    with refused_or_right("cloud"):
        logits = predictor.logits(clouds)
        assert logits.shape == (len(clouds), 3)
        assert np.isfinite(logits).all()


@given(size=st.one_of(odd_things, st.floats(), st.booleans()))
@cases(0.2, short=15)
def test_batch_sizes(classifier, size):
    with refused_or_right("batch_size"):
        assert Predictor(classifier, size).batch_size >= 1


@given(
    points=st.sampled_from(COUNTS).flatmap(
        lambda count: hnp.arrays(np.float32, (2, count, 3), elements=FLOATS)
    ),
    mask=hnp.arrays(bool, (2, 8)),
)
@cases(1, short=40)
def test_layers_on_any_finite_points(points, mask):
    mask = mask[:, : points.shape[1]]
    with refused_or_right():
        normal = numpy_of(NormalizePoints()(points, mask=mask))
        assert normal.shape == points.shape
        assert np.isfinite(normal).all()
        assert np.abs(normal).max() <= 1 + 1e-6
        maps = numpy_of(PointsToSpheres(1, 2, 2)(points, mask=mask))
        assert maps.shape == (2, 42, 2, 2)
        assert np.isfinite(maps).all()
        assert (maps >= 0).all()


@given(shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
@cases(0.5, short=25)
def test_layers_on_any_shape(shape):
    points = np.ones(shape, np.float32)
    for layer in (NormalizePoints(), PointsToSpheres(1, 2, 2)):
        with refused_or_right("shape", "point"):
            found = numpy_of(layer(points))
            assert points.ndim == 3
            assert len(found) == len(points)
            assert np.isfinite(found).all()

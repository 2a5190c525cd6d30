"""The exported classifier in TensorFlow's C++ runtime, without XLA and without Python's TensorFlow.

One process runs everything: good requests, bad ones, and a good one after them.
"""

import keras
import numpy as np
import pytest

from tests.export.conftest import CLASSES, Job, run_outside
from tests.helpers import clouds, numpy_of, relative

SIZES = [(1, 1), (1, 100), (3, 57), (5, 200)]
DIFFERENT = [clouds(1, n, n)[0] * 100 for n in (7, 150, 1, 40)]
PADDED = np.stack(
    [np.pad(c, [(0, 150 - len(c)), (0, 0)], constant_values=np.nan) for c in DIFFERENT]
)
LENGTHS = np.array([len(cloud) for cloud in DIFFERENT], np.int64)
RAGGED = {"points": np.concatenate(DIFFERENT), "row_lengths": LENGTHS}


def _with(value) -> np.ndarray:
    points = clouds(2, 5)
    points[1, 2, 0] = value
    return points


GOOD = {
    **{size: Job("serving_default", {"points": clouds(*size)}) for size in SIZES},
    **{("logits", size): Job("logits", {"points": clouds(*size)}) for size in SIZES},
    "embedding": Job("embedding", {"points": clouds(2, 30)}),
    "threads": Job("logits", {"points": clouds(4, 64)}, threads=8),
    "no clouds": Job("serving_default", {"points": np.zeros((0, 5, 3), np.float32)}),
    **{
        signature: Job(signature, inputs)
        for form, inputs in (("padded", {"points": PADDED, "lengths": LENGTHS}), ("ragged", RAGGED))
        for signature in (form, f"{form}_logits", f"{form}_embedding")
    },
    "huge": Job("logits", {"points": clouds(2, 50) * np.float32(1e29)}),
    "coincident": Job("serving_default", {"points": np.full((2, 4, 3), 3.5, np.float32)}),
}
BAD = {
    "rank 2": (
        Job("serving_default", {"points": clouds(1, 5)[0]}),
        "points_must_be_batch_points_3",
    ),
    "rank 4": (Job("logits", {"points": clouds(1, 5)[None]}), "points_must_be_batch_points_3"),
    "two coordinates": (
        Job("embedding", {"points": clouds(1, 5)[..., :2]}),
        "points_must_be_batch_points_3",
    ),
    "NaN": (
        Job("serving_default", {"points": _with(np.nan)}),
        "points: coordinates must be finite",
    ),
    "infinity": (Job("logits", {"points": _with(-np.inf)}), "points: coordinates must be finite"),
    "too far": (Job("logits", {"points": _with(3e38)}), "points: coordinates must be finite"),
    "no points": (
        Job("serving_default", {"points": np.zeros((2, 0, 3), np.float32)}),
        "points: a cloud has no points",
    ),
    "a million points": (
        Job("serving_default", {"points": np.zeros((1, 1_000_001, 3), np.float32)}),
        "points: over 1000000 rows",
    ),
    "many clouds": (
        Job("serving_default", {"points": np.zeros((129, 1, 3), np.float32)}),
        "points: over 128 clouds",
    ),
    "a row without points": (
        Job("padded", {"points": clouds(2, 5), "lengths": np.array([5, 0])}),
        "points: a cloud has no points",
    ),
    "length beyond the row": (
        Job("padded", {"points": clouds(2, 5), "lengths": np.array([5, 6])}),
        "lengths exceeds its rows",
    ),
    "too few lengths": (
        Job("padded", {"points": clouds(2, 5), "lengths": np.array([5])}),
        "lengths: must have one entry for each cloud",
    ),
    "rank of lengths": (
        Job("padded", {"points": clouds(2, 5), "lengths": np.array([[5, 5]])}),
        "lengths_must_be_batch",
    ),
    "NaN that counts": (
        Job("padded", {"points": PADDED, "lengths": LENGTHS + [0, 0, 1, 0]}),
        "points: coordinates must be finite",
    ),
    "ragged without points": (
        Job("ragged", {"points": clouds(1, 5)[0], "row_lengths": np.array([5, 0])}),
        "points: a cloud has no points",
    ),
    "negative row length": (
        Job("ragged", {"points": clouds(1, 5)[0], "row_lengths": np.array([6, -1])}),
        "points: a cloud has no points",
    ),
    "row lengths do not add up": (
        Job("ragged", {"points": clouds(1, 5)[0], "row_lengths": np.array([2, 2])}),
        "points: row_lengths must add up",
    ),
    "absurd row lengths": (
        Job("ragged", {"points": clouds(1, 5)[0], "row_lengths": np.array([2**62, 2**62, 5])}),
        "row_lengths does not fit points",
    ),
    "ragged that pads to too much": (
        Job(
            "ragged",
            {
                "points": np.zeros((20_000 + 99, 3), np.float32),
                "row_lengths": np.array([20_000] + [1] * 99),
            },
        ),
        "points: over 1000000 rows",
    ),
    "ragged of rank 3": (
        Job("ragged", {"points": clouds(1, 5), "row_lengths": np.array([5])}),
        "points_must_be_rows_3",
    ),
}
AFTERWARDS = Job("logits", {"points": clouds(2, 30)})


@pytest.fixture(scope="module")
def answers(exported, tmp_path_factory):
    jobs = [*GOOD.values(), *(job for job, _ in BAD.values()), AFTERWARDS]
    outputs = run_outside(exported, jobs, tmp_path_factory.mktemp("outside"))
    return dict(zip([*GOOD, *BAD, "afterwards"], outputs, strict=True))


@pytest.mark.parametrize("size", SIZES)
def test_equals_keras(exported, answers, size):
    expected = exported.logits(clouds(*size))
    assert relative(answers["logits", size]["logits"], expected) < 1e-5
    found = answers[size]
    expected = numpy_of(keras.ops.softmax(expected))
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    order = np.argsort(-found["probabilities"], axis=-1, kind="stable")[:, :5]
    np.testing.assert_array_equal(found["classes"], np.array(CLASSES)[order])
    np.testing.assert_array_equal(
        found["scores"], np.take_along_axis(found["probabilities"], order, -1)
    )


def test_embedding_is_the_descriptor(exported, answers):
    expected = exported.embedding(clouds(2, 30))
    assert relative(answers["embedding"]["embedding"], expected) < 1e-5


def test_many_threads_get_the_same(exported, answers):
    expected = exported.logits(clouds(4, 64))
    assert relative(answers["threads"]["logits"], expected) < 1e-5


@pytest.mark.parametrize("form", ["padded", "ragged"])
def test_clouds_of_different_sizes(exported, answers, form):
    expected = exported.logits(DIFFERENT)
    assert relative(answers[f"{form}_logits"]["logits"], expected) < 1e-5
    expected = numpy_of(keras.ops.softmax(expected))
    np.testing.assert_allclose(answers[form]["probabilities"], expected, atol=1e-5)
    expected = exported.embedding(DIFFERENT)
    assert relative(answers[f"{form}_embedding"]["embedding"], expected) < 1e-5


def test_no_clouds_give_no_answers(answers):
    assert {key: value.shape for key, value in answers["no clouds"].items()} == {
        "probabilities": (0, 6),
        "classes": (0, 5),
        "scores": (0, 5),
    }


def test_length_unit_does_not_matter(exported, answers):
    expected = exported.logits(clouds(2, 50))
    np.testing.assert_allclose(answers["huge"]["logits"], expected, atol=1e-4)


def test_coincident_points_have_an_answer(answers):
    np.testing.assert_allclose(answers["coincident"]["probabilities"].sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("case", BAD)
def test_bad_requests_name_the_input(answers, case):
    assert set(answers[case]) == {"error"}
    assert BAD[case][1] in str(answers[case]["error"])


def test_good_request_after_bad_ones(exported, answers):
    expected = exported.logits(clouds(2, 30))
    assert relative(answers["afterwards"]["logits"], expected) < 1e-5

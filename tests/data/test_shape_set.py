import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csnn_tf.data import ShapeSet
from csnn_tf.errors import InputError

RANDOM = np.random.default_rng(0)


def make(sizes=(4, 4, 4, 4), labels=(0, 0, 1, 1), class_names=("a", "b")):
    clouds = [RANDOM.normal(size=(size, 3)) for size in sizes]
    return ShapeSet(clouds, labels, [f"shape {i}" for i in range(len(sizes))], class_names)


def test_equal_sizes_become_one_float32_array():
    shapes = make()
    assert isinstance(shapes.clouds, np.ndarray)
    assert shapes.clouds.shape == (4, 4, 3)
    assert shapes.clouds.dtype == np.float32
    assert shapes.labels.dtype == np.int32
    assert len(shapes) == 4
    assert repr(shapes) == "ShapeSet(4 shapes of 4 points, 2 classes)"


def test_different_sizes_stay_a_list_of_float32():
    shapes = make(sizes=(1, 7, 3, 2))
    assert [cloud.shape for cloud in shapes.clouds] == [(1, 3), (7, 3), (3, 3), (2, 3)]
    assert {cloud.dtype for cloud in shapes.clouds} == {np.dtype(np.float32)}
    assert repr(shapes) == "ShapeSet(4 shapes of 1 to 7 points, 2 classes)"


def test_a_float32_array_is_not_copied():
    clouds = np.ones((2, 3, 3), dtype=np.float32)
    assert ShapeSet(clouds, [0, 0], ["x", "y"], ["a"]).clouds is clouds


def test_names_may_be_left_to_the_set():
    clouds = np.ones((2, 3, 3))
    assert ShapeSet(clouds, [0, 0], None, ["a"]).names == ["shape 0", "shape 1"]
    clouds[1, 2, 0] = np.nan
    with pytest.raises(InputError, match="shape 1 has a coordinate that is not finite"):
        ShapeSet(clouds, [0, 0], None, ["a"])


@pytest.mark.parametrize("sizes", [(4, 4, 4, 4), (4, 5, 6, 7)])
def test_subset_keeps_what_belongs_together(sizes):
    shapes = make(sizes)
    part = shapes.subset([3, 1])
    assert part.names == ["shape 3", "shape 1"]
    assert part.labels.tolist() == [1, 0]
    np.testing.assert_array_equal(part.clouds[0], shapes.clouds[3])
    np.testing.assert_array_equal(part.clouds[1], shapes.clouds[1])


def test_points_are_drawn_from_larger_clouds_only():
    shapes = make(sizes=(1, 7, 3, 2))
    drawn = shapes.drawn(3, seed=0)
    assert [len(cloud) for cloud in drawn.clouds] == [1, 3, 3, 2]
    for few, cloud in zip(drawn.clouds, shapes.clouds, strict=True):
        assert len(np.unique(few, axis=0)) == len(few)
        assert (few[:, None] == cloud).all(axis=2).any(axis=1).all()
    assert (shapes.drawn(3, seed=0).clouds[1] == drawn.clouds[1]).all()
    assert any((shapes.drawn(3, seed).clouds[1] != drawn.clouds[1]).any() for seed in (1, 2))
    assert (drawn.names, drawn.labels.tolist()) == (shapes.names, shapes.labels.tolist())
    equal = make()
    assert equal.drawn(4, seed=0) is equal


@pytest.mark.parametrize("indices", [[], [4], [-1], [0.5], [True, False], [[0]]])
def test_wrong_indices_are_refused(indices):
    with pytest.raises(InputError, match="indices"):
        make().subset(indices)


@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    fraction=st.floats(0.05, 0.95),
    seed=st.integers(0, 1000),
)
def test_split_is_stratified_and_complete(counts, fraction, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    names = [str(number) for number in range(len(labels))]
    shapes = ShapeSet(np.ones((len(labels), 1, 3)), labels, names, [f"c{i}" for i in range(6)])
    expected = [min(int(fraction * count + 0.5), count - 1) for count in counts]
    if sum(expected) == 0:
        with pytest.raises(InputError, match="holds out none"):
            shapes.split(fraction, seed)
        return
    stays, held_out = shapes.split(fraction, seed)
    assert sorted(stays.names + held_out.names, key=int) == names
    assert np.bincount(held_out.labels, minlength=len(counts)).tolist() == expected
    assert stays.names == sorted(stays.names, key=int)
    assert shapes.split(fraction, seed)[1].names == held_out.names


def test_split_depends_on_the_seed():
    shapes = ShapeSet(np.ones((50, 1, 3)), [0] * 50, [str(i) for i in range(50)], ["a"])
    assert shapes.split(0.5, 0)[1].names != shapes.split(0.5, 1)[1].names


def test_split_takes_numbers_of_numpy():
    found = make().split(np.float32(0.5), 0)
    assert [part.names for part in found] == [part.names for part in make().split(0.5, 0)]


@pytest.mark.parametrize("fraction", [0, 1, -0.5, float("nan"), "half", np.float32(1), True])
def test_split_refuses_fractions_out_of_range(fraction):
    with pytest.raises(InputError, match="fraction"):
        make().split(fraction, 0)


@pytest.mark.parametrize("seed", [-1, 1.5, "x", True])
def test_split_refuses_wrong_seeds(seed):
    with pytest.raises(InputError, match="seed"):
        make().split(0.5, seed)


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_numbers_that_are_not_finite_float32_name_the_shape(as_list, value):
    clouds = np.zeros((3, 4, 3))
    clouds[1, 2, 0] = value
    with pytest.raises(InputError, match=r"^file\.h5\[1\] has a coordinate that is not finite"):
        ShapeSet(
            list(clouds) if as_list else clouds, [0] * 3, [f"file.h5[{i}]" for i in range(3)], "a"
        )


@pytest.mark.parametrize(
    ("clouds", "message"),
    [
        (np.zeros((2, 4)), "shape"),
        (np.zeros((2, 4, 2)), "shape"),
        (np.zeros((2, 0, 3)), "x has no point"),
        (np.zeros((2, 4, 3), dtype=complex), "complex"),
        (np.full((2, 4, 3), "a"), "numbers"),
        ([np.zeros((4, 3)), np.zeros((4, 2))], "y must be"),
        ([[[0, 0, 0]], [[0, 0, 0], [1, 1]]], r"y must be numbers \[points, 3\], not rows of diff"),
        ([np.zeros((4, 3)), np.zeros((0, 3))], "y has no point"),
        ([np.zeros((4, 3)), np.zeros(3)], "y must be"),
        ([], "at least one shape"),
        (np.zeros((0, 4, 3)), "at least one shape"),
    ],
)
def test_wrong_clouds_are_refused(clouds, message):
    with pytest.raises(InputError, match=message):
        ShapeSet(clouds, [0, 0][: len(clouds)], ["x", "y"][: len(clouds)], ["a"])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 2], "y has the label 2, which must be from 0 to 1"),
        ([-1, 0], "x has the label -1"),
        ([0], "labels must be 2 whole numbers"),
        ([0.0, 1.0], "labels must be 2 whole numbers"),
        ([[0], [1]], "labels must be 2 whole numbers"),
    ],
)
def test_wrong_labels_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        ShapeSet(np.zeros((2, 1, 3)), labels, ["x", "y"], ["a", "b"])


def test_wrong_names_are_refused():
    with pytest.raises(InputError, match="names must be 2 strings"):
        ShapeSet(np.zeros((2, 1, 3)), [0, 0], ["x"], ["a"])
    with pytest.raises(InputError, match="class_names"):
        ShapeSet(np.zeros((1, 1, 3)), [0], ["x"], ["a", "a"])
    with pytest.raises(InputError, match="class_names"):
        ShapeSet(np.zeros((1, 1, 3)), [0], ["x"], [])

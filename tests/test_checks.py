"""Checks of arguments."""

from decimal import Decimal
from pathlib import Path

import keras
import numpy as np
import pytest

from csnn_tf.atomic_files import check_free
from csnn_tf.checks import (
    check_array,
    check_between,
    check_bool,
    check_number,
    check_path,
    check_positive,
    check_seed,
    check_sizes,
    check_vector,
    whole_number,
)
from csnn_tf.convert import read_published_weights
from csnn_tf.data import load_folder, read_shape
from csnn_tf.data.atoms import load_structures, read_frames, read_npz, read_published, read_vasp
from csnn_tf.data.download import fetch_modelnet40
from csnn_tf.errors import InputError
from csnn_tf.inference import Predictor

FLOAT = keras.ops.convert_to_tensor(3.0)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_whole_numbers_of_every_type_are_ints(value):
    for found in (whole_number(value), check_positive("count", value), check_seed(value)):
        assert found == 3
        assert type(found) is int


@pytest.mark.parametrize("value", [True, np.bool_(True), 3.0, np.float32(3), "3", None, [3], FLOAT])
def test_nothing_else_is_a_whole_number(value):
    assert whole_number(value) is None
    with pytest.raises(InputError, match="^count must be a positive whole number, not "):
        check_positive("count", value)
    with pytest.raises(InputError, match="^seed must be a whole number from 0 to 2"):
        check_seed(value)


@pytest.mark.parametrize("value", [0, 8, 2.0, True, "2"])
def test_whole_numbers_of_a_range(value):
    assert check_between("level", np.int64(7), 1, 7) == 7
    with pytest.raises(InputError, match="^level must be a whole number from 1 to 7, not "):
        check_between("level", value, 1, 7)


@pytest.mark.parametrize("value", [True, np.bool_(True)])
def test_truth_values_of_every_type_are_bools(value):
    assert check_bool("center", value) is True


@pytest.mark.parametrize("value", ["False", "no", 1, 0.0, None, [True]])
def test_nothing_else_is_a_truth_value(value):
    with pytest.raises(InputError, match="^center must be true or false, not "):
        check_bool("center", value)


@pytest.mark.parametrize("value", [-1, 2**31])
def test_seeds_are_what_all_generators_take(value):
    assert check_seed(2**31 - 1) == 2**31 - 1
    with pytest.raises(InputError, match=f"not {value}"):
        check_seed(value)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), np.float64(0.5)])
def test_numbers_of_every_type_are_floats(value):
    found = check_number("share", value, 0, 1)
    assert found == 0.5
    assert type(found) is float


@pytest.mark.parametrize("value", [True, "0.5", 1j, None, np.nan, np.inf, np.array([0.5]), 10**400])
def test_nothing_else_is_a_number(value):
    with pytest.raises(InputError, match="^share must be a (finite )?number, not "):
        check_number("share", value)


@pytest.mark.parametrize(
    "values", [[1, 2], (1.0, 2), np.array([1, 2], np.int8), np.float16([1, 2]), [Decimal(1), 2]]
)
def test_arrays_are_copied_in_float64(values):
    found = check_array("positions", values)
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 2.0]
    found[0] = 5.0
    assert values[0] == 1


@pytest.mark.parametrize(
    "values",
    [
        *(["1", "2"], [1, "2"], "12", np.array(["1"]), [1 + 2j], np.complex64([1]), [None, {}]),
        *(np.array(["2026-01-01"], "datetime64[D]"), [[1.0], [1.0, 2.0]], {"C": 4}, b"12"),
        *(np.array(["1", "2"], object), [Decimal(1), "2"], [None, 1.0], [10**400]),
        *(np.array([1 + 2j], object), np.array([np.complex128(1 + 2j)], object)),
        np.array([["1", "2"], ["3", "4"]]),
    ],
)
def test_nothing_else_is_an_array_of_numbers(values):
    with pytest.raises(InputError, match="^positions must be an array of numbers, not ") as caught:
        check_array("positions", values)
    assert "\n" not in str(caught.value)


def test_numbers_of_the_backends_are_taken():
    ones = keras.ops.ones((2,), "bfloat16")
    assert check_array("dos", ones).tolist() == [1.0, 1.0]
    assert check_array("dos", keras.ops.convert_to_numpy(ones)).tolist() == [1.0, 1.0]


def test_an_array_without_axes_is_no_list():
    with pytest.raises(InputError, match="^hidden must be a list of whole numbers, not array"):
        check_sizes("hidden", np.array(3))
    with pytest.raises(InputError, match="^tilt must be three numbers, not array"):
        check_vector("tilt", np.array(0.5))


def test_a_path_that_the_system_refuses_is_named(tmp_path):
    assert check_path(str(tmp_path / "none")) == tmp_path / "none"
    long = "x" * 300
    for look_at in (
        check_path,
        Predictor,
        read_shape,
        lambda path: load_folder(path, "train"),
        load_structures,
        read_frames,
        read_npz,
        read_published,
        lambda path: read_vasp(path, 0.0),
        read_published_weights,
        fetch_modelnet40,
        lambda path: check_free(Path(path), "folder"),
    ):
        with pytest.raises(InputError, match=r"^x+\.off cannot be read: File name too long\.$"):
            look_at(f"{long}.off")

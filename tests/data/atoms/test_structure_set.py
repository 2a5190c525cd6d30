import dataclasses

import numpy as np
import pytest

from csnn_tf.data.atoms import Structure, StructureSet, electrons_per_atom
from csnn_tf.errors import InputError

ENERGIES = np.linspace(-2.0, 2.0, 5)


def structure(atoms=2, **changes):
    values = {
        "positions": np.arange(3.0 * atoms).reshape(atoms, 3),
        "numbers": np.full(atoms, 6),
        "cell": np.eye(3) * 9,
        "pbc": np.array([True] * 3),
        "dos": np.full(5, float(atoms)),
        "type": f"C{atoms}",
        "split": "train",
        "name": f"file{atoms}",
    }
    return Structure(**{**values, **changes})


def a_set():
    items = [structure(2), structure(3, split="test"), structure(1, temperature=300.0)]
    return StructureSet.from_structures(items, ENERGIES)


def test_structures_come_back_as_they_went_in():
    items = [structure(2), structure(3), structure(1)]
    together = StructureSet.from_structures(items, ENERGIES)
    assert len(together) == 3
    assert together.offsets.tolist() == [0, 2, 5]
    assert together.offsets is together.offsets  # else every structure costs a pass over the set
    for item, again in zip(items, together, strict=True):
        for field in dataclasses.fields(Structure):
            expected, found = getattr(item, field.name), getattr(again, field.name)
            np.testing.assert_array_equal(found, expected)


def test_subsets_and_joins():
    whole = a_set()
    again = StructureSet.concatenate([whole.subset([2, 0]), whole.select(split="test")])
    assert again.types.tolist() == ["C1", "C2", "C3"]
    np.testing.assert_array_equal(again[2].positions, whole[1].positions)
    np.testing.assert_array_equal(again.dos[0], whole.dos[2])
    assert len(whole.subset(np.zeros(3, bool))) == 0
    assert whole.select(type="C3").names.tolist() == ["file3"]
    with pytest.raises(InputError, match=r"'val'.*'test', 'train'"):
        whole.select(split="val")
    with pytest.raises(IndexError):
        whole[3]


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ([9], "no structure 9: the set has 3"),
        ([0, -4], "no structure -4"),
        ([0.7], "float64 of shape"),
        ([True, False], r"mask of the 3 structures .* bool of shape \(2,\)"),
        (np.zeros(0, bool), "mask of the 3"),
        (1, r"shape \(\)"),
        ([[0, 1]], r"shape \(1, 2\)"),
        ([[0], [1, 2]], "list of whole numbers"),
        (["train"], "list of whole numbers"),
    ],
)
def test_subsets_that_are_none(which, words):
    with pytest.raises(InputError, match=words):
        a_set().subset(which)


def test_subsets_by_few_and_last_indices():
    whole = a_set()
    assert len(whole.subset([])) == 0
    assert whole.subset(np.array([-1, 0], np.int8)).types.tolist() == ["C1", "C2"]


def test_without_dos():
    plain = StructureSet.from_structures([structure(dos=None)])
    assert plain.dos is None
    assert plain.energies is None
    assert plain[0].dos is None
    assert len(plain.subset([0])) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"positions": np.zeros((0, 3)), "numbers": np.zeros(0)}, "bad: .*no atoms"),
        ({"positions": np.full((2, 3), np.nan)}, "bad: the position of atom 0"),
        ({"cell": np.zeros((3, 3))}, "bad: the cell is missing"),
        ({"dos": np.ones(4)}, r"bad: .*\(4,\).*\(5,\)"),
        ({"dos": np.array([1, -0.5, 1, 1, 1])}, "bad: the DOS is negative in 1 bins"),
        ({"dos": np.array([1, -9e-3, -9e-3, 1, 1])}, "bad: the DOS is negative in 2 bins, by 0.0"),
        ({"dos": np.array([1, np.nan, 1, 1, 1])}, "bad: .*not finite"),
        ({"dos": None}, "bad has no DOS"),
        ({"numbers": np.zeros(2)}, "bad: atom 0 is of no element"),
        ({"numbers": np.array([6, 119])}, "bad: atom 1 is of no element"),
    ],
)
def test_bad_structures_are_named(changes, words):
    items = [structure(), structure(**changes, name="bad")]
    with pytest.raises(InputError, match=words):
        StructureSet.from_structures(items, ENERGIES)


def test_sets_that_cannot_be_joined():
    whole = a_set()
    other = StructureSet.from_structures([structure()], ENERGIES + 1)
    with pytest.raises(InputError, match="other bins"):
        StructureSet.concatenate([whole, other])
    with pytest.raises(InputError, match="no structure"):
        StructureSet.concatenate([])
    with pytest.raises(InputError, match="no structures"):
        StructureSet.from_structures([])
    with pytest.raises(InputError, match="types has shape"):
        dataclasses.replace(whole, types=np.array(["a"]))


def test_electrons_of_mixed_elements():
    assert electrons_per_atom([6, 6, 1, 1], {"C": 4, "H": 1}) == 2.5
    assert electrons_per_atom([6, 1], 3) == 3.0
    assert np.isnan(electrons_per_atom([6], None))
    with pytest.raises(InputError, match="methane contains H"):
        electrons_per_atom([6, 1], {"C": 4}, "methane")

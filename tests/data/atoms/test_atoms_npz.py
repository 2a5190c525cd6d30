import io
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from csnn_tf.data.atoms import (
    builtin_carbon,
    load_structures,
    read_npz,
    rebin_dos,
    write_npz,
    write_published,
)
from csnn_tf.data.atoms.npz import load_arrays, save_arrays
from csnn_tf.errors import InputError


def type_file(path, size=3, atoms=4, **changes):
    rng = np.random.default_rng(0)
    energies = np.linspace(-5, 5, 21)
    arrays = {
        "positions": rng.uniform(0, 9, (size, atoms, 3)).astype("float32"),
        "cell": np.eye(3) * 9,
        "pbc": np.array([True] * 3),
        "numbers": np.full(atoms, 14),
        "temperature": np.full(size, 300),
        "split": np.array(["train", "val", "test"])[:size],
        "dos": np.ones((size, 21), "float32"),
        "energies": energies,
    }
    arrays = {key: value for key, value in {**arrays, **changes}.items() if value is not None}
    np.savez(path, **arrays)
    return path


def test_folder_of_types(tmp_path):
    type_file(tmp_path / "Si4.npz")
    type_file(tmp_path / "Si2.npz", atoms=2)
    found = read_npz(tmp_path, electrons={"Si": 4})
    assert found.types.tolist() == ["Si2"] * 3 + ["Si4"] * 3
    assert found.counts.tolist() == [2, 2, 2, 4, 4, 4]
    assert (found.electrons == 4).all()
    assert found.split.tolist() == ["train", "val", "test"] * 2
    assert load_structures(tmp_path, electrons=4).types.tolist() == found.types.tolist()
    assert read_npz(tmp_path / "Si2.npz").dos.shape == (3, 21)


def test_endings_in_capitals_count_and_hidden_files_do_not(tmp_path):
    type_file(tmp_path / "Si4.npz").rename(tmp_path / "Si4.NPZ")
    (tmp_path / "._Si4.npz").write_text("what macOS leaves")
    assert set(load_structures(tmp_path, electrons=4).types) == {"Si4"}


@pytest.mark.parametrize("lacking", ["a.npz", "b.npz"])
def test_a_file_without_dos_among_others_is_named(tmp_path, lacking):
    for name in ("a.npz", "b.npz"):
        type_file(tmp_path / name, **({"dos": None, "energies": None} if name == lacking else {}))
    with pytest.raises(InputError, match=rf"{lacking}\[0\] has no DOS while others have one"):
        load_structures(tmp_path)


def test_the_suffix_is_read_in_any_case(tmp_path):
    path = type_file(tmp_path / "a.npz").rename(tmp_path / "B.NPZ")
    assert len(load_structures(path)) == 3


def test_optional_arrays(tmp_path):
    path = type_file(
        tmp_path / "a.npz", dos=None, energies=None, temperature=None, split=None, cell=np.eye(3)
    )
    found = read_npz(path)
    assert found.dos is None
    assert np.isnan(found.electrons).all()
    assert np.isnan(found.temperature).all()
    assert found.split.tolist() == ["", "", ""]


def test_electrons_that_a_file_of_one_type_does_not_know_are_filled_in(tmp_path):
    path = type_file(tmp_path / "Si4.npz", electrons=np.array([4.5, np.nan, np.nan]))
    np.testing.assert_array_equal(read_npz(path).electrons, [4.5, np.nan, np.nan])
    assert read_npz(path, electrons={"Si": 4}).electrons.tolist() == [4.5, 4.0, 4.0]
    with pytest.raises(InputError, match=r"Si4\.npz\[1\] contains Si"):
        read_npz(path, electrons={"C": 4})


def test_whole_set_round_trip(tmp_path):
    carbon = builtin_carbon().subset([0, 40, 100, 223])
    write_npz(tmp_path / "part.npz", carbon)
    again = load_structures(tmp_path / "part.npz")
    for field in ("counts", "numbers", "cells", "pbc", "dos", "energies", "electrons", "types"):
        np.testing.assert_array_equal(getattr(again, field), getattr(carbon, field))
    np.testing.assert_array_equal(again.positions, carbon.positions)
    assert [p.name for p in tmp_path.iterdir()] == ["part.npz"]


def test_a_dos_is_brought_to_the_bins_asked_for(tmp_path):
    carbon = builtin_carbon().subset([0, 223])
    write_npz(tmp_path / "part.npz", carbon)
    bins = np.linspace(-29.9, 0.7, 103)
    found = load_structures(tmp_path / "part.npz", energies=bins)
    np.testing.assert_array_equal(found.energies, bins)
    for row, dos in zip(found.dos, carbon.dos, strict=True):
        np.testing.assert_allclose(row, rebin_dos(carbon.energies, dos, bins), atol=1e-6)
    # Files of other bins each become one set.
    type_file(tmp_path / "a.npz")
    type_file(tmp_path / "b.npz", dos=np.ones((3, 41)), energies=np.linspace(-5, 5, 41))
    (tmp_path / "part.npz").unlink()
    found = load_structures(tmp_path, energies=np.linspace(-5.4, 4.6, 11))
    np.testing.assert_allclose(found.dos[:, 1:], 1, rtol=1e-6)
    for bins, words in (
        (np.linspace(-6, 4, 11), r"a.npz\[0\].*begins at -5.00 eV with 1 states/eV/atom"),
        (np.linspace(-5, 6, 12), r"a.npz\[0\].*ends at 5.25 eV"),
        ([1.0], "at least 2"),
        (np.linspace(-5.2, 0, 11), r"a.npz\[0\].* fewer"),
    ):
        with pytest.raises(InputError, match=words):
            load_structures(tmp_path, electrons=6.0, energies=bins)


def test_files_on_other_bins_are_brought_to_those_of_the_first(tmp_path):
    type_file(tmp_path / "a.npz")
    type_file(tmp_path / "b.npz", energies=np.linspace(-5, 5, 21) + 1e-9)
    type_file(tmp_path / "c.npz", dos=np.ones((3, 105)), energies=np.linspace(-5.2, 5.2, 105))
    found = load_structures(tmp_path)
    np.testing.assert_array_equal(found.energies, np.linspace(-5, 5, 21))
    np.testing.assert_allclose(found.dos, np.ones((9, 21)), rtol=1e-6)


def test_a_reference_energy_is_for_vasp_runs_only(tmp_path):
    type_file(tmp_path / "a.npz")
    for path in (tmp_path, tmp_path / "a.npz"):
        with pytest.raises(InputError, match="is no VASP run"):
            load_structures(path, reference_energy=4.0)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"dos": -np.ones((3, 20)), "electrons": np.full(3, -1.0), "split": np.zeros((2, 2))},
        {"dos": np.array([{}, None], object)},  # a pickle
    ],
)
def test_atoms_are_read_whatever_else_the_file_says(tmp_path, spoilt):
    type_file(tmp_path / "a.npz")
    expected = read_npz(tmp_path / "a.npz")
    type_file(tmp_path / "a.npz", **spoilt)
    with pytest.raises(InputError):
        read_npz(tmp_path / "a.npz")
    found = read_npz(tmp_path / "a.npz", atoms_only=True)
    for field in ("positions", "numbers", "counts", "cells", "pbc", "types", "names"):
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
    assert found.dos is None
    assert np.isnan(found.electrons).all()


def test_sizes_that_a_file_cannot_hold_are_not_believed(tmp_path):
    claimed, member = 2**32 - 2, io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (claimed - 128,)}
    np.lib.format.write_array_header_1_0(member, header)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("dos.npy", member.getvalue())
    real = struct.pack("<II", *[len(member.getvalue())] * 2)
    content = (tmp_path / "a.npz").read_bytes()
    assert content.count(real) == 2
    (tmp_path / "a.npz").write_bytes(content.replace(real, struct.pack("<II", claimed, claimed)))
    with pytest.raises(InputError, match=r"a\.npz .*dos\.npy claims more than the file can hold"):
        load_arrays(tmp_path / "a.npz")


def test_two_threads_may_write_one_file(tmp_path):
    both_are_writing = Barrier(2, timeout=20)

    class Slow:
        def __array__(self, dtype=None, copy=None):
            both_are_writing.wait()
            return np.arange(5)

    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(save_arrays, tmp_path / "a.npz", {"a": Slow()}) for _ in range(2)]
        for task in tasks:
            task.result()
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
    np.testing.assert_array_equal(load_arrays(tmp_path / "a.npz")["a"], np.arange(5))


def test_nothing_half_written(tmp_path):
    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise OSError("disk full")

    (tmp_path / "x.npz").write_text("old")
    with pytest.raises(InputError, match=r"x\.npz cannot be written: disk full"):
        save_arrays(tmp_path / "x.npz", {"a": np.zeros(3), "b": Broken()})
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]
    carbon = builtin_carbon().subset([0])
    for place in ("none", "x.npz"):  # a folder that is not there, and a file in its place
        with pytest.raises(InputError, match=rf"{place}/a\.npz cannot be written: N"):
            write_npz(tmp_path / place / "a.npz", carbon)
        with pytest.raises(InputError, match=r"x\.npz/a cannot be written: N"):
            write_published(tmp_path / "x.npz" / "a", carbon)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"numbers": None}, "lacks the array 'numbers'"),
        ({"numbers": np.full(5, 14)}, "numbers"),
        ({"positions": np.zeros((3, 4))}, "structures, atoms, 3"),
        ({"positions": np.zeros((3, 0, 3)), "numbers": np.zeros(0)}, "no atoms"),
        ({"dos": np.ones((3, 20))}, r"\(3, 20\)"),
        ({"dos": -np.ones((3, 21))}, "negative"),
        ({"energies": None}, "lacks the array 'energies'"),
        ({"cell": np.zeros((3, 3))}, "zero volume"),
        ({"split": np.array(["train"])}, "split"),
        ({"dos": np.full((3, 21), 0.3)}, r"3\.0000 electrons/atom .* 1\.0000 fewer"),
        ({"cell": np.zeros((2, 3, 3))}, "do not belong together"),
    ],
)
def test_bad_files_are_named(tmp_path, changes, words):
    path = type_file(tmp_path / "bad.npz", **changes)
    with pytest.raises(InputError, match=words) as caught:
        read_npz(path, electrons=4)
    assert "bad.npz" in str(caught.value)


def array_bytes(header_shape):
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": header_shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + b"\0" * 80


@pytest.mark.parametrize("content", ["shape", "pickle", "text", "truncated", "empty folder"])
def test_files_that_lie_or_are_not_npz(tmp_path, content):
    path = tmp_path / "bad.npz"
    if content == "shape":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("positions.npy", array_bytes((10**12, 3)))
    elif content == "pickle":
        np.savez(path, positions=np.array([{}], object))
    elif content == "text":
        path.write_text("not an archive")
    elif content == "truncated":
        type_file(path)
        path.write_bytes(path.read_bytes()[:-200])
    else:
        path = tmp_path
    with pytest.raises(InputError, match=str(path.name)):
        read_npz(path)


def test_missing_path():
    with pytest.raises(InputError, match=r"nowhere\.npz"):
        read_npz("nowhere.npz")
    with pytest.raises(InputError, match="nowhere does not exist"):
        load_structures("nowhere")

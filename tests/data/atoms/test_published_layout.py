import re

import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon, load_structures, read_published, write_published
from csnn_tf.errors import InputError


@pytest.fixture
def root(tmp_path):
    """Two allotropes: 3 train, 1 val, 2 test snapshots."""
    carbon = builtin_carbon()
    rows = []
    for name, splits in (("C20", ("train", "train", "test")), ("C60", ("train", "val", "test"))):
        free = {
            s: list(np.flatnonzero((carbon.types == name) & (carbon.split == s))) for s in splits
        }
        rows += [free[split].pop(0) for split in splits]
    carbon = carbon.subset(rows)
    write_published(tmp_path, carbon)
    return tmp_path, carbon


def by_split(found):
    return {s: sorted(found.types[found.split == s].tolist()) for s in ("train", "val", "test")}


def test_round_trip(root):
    path, carbon = root
    assert (path / "C20" / "300K" / "C20_300_1" / "doscar_s").is_file()
    assert (path / "Test_C20" / "300K").is_dir()
    found = read_published(path, electrons={"C": 4})
    order = [int(name.rsplit("_", 1)[1]) - 1 for name in found.names]
    assert sorted(order) == list(range(6))
    expected = carbon.subset(order)
    for field in ("types", "split", "temperature", "numbers", "pbc"):
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
    np.testing.assert_allclose(found.positions, expected.positions, atol=1e-6)
    np.testing.assert_allclose(found.cells, expected.cells, atol=1e-6)
    np.testing.assert_allclose(found.dos, expected.dos, atol=1e-6)
    assert by_split(load_structures(path)) == by_split(carbon)


def test_table_forms(root):
    path, carbon = root
    folders = [f.parent.relative_to(path) for f in sorted(path.glob("C*/*/*/POSCAR"))]
    for file in path.glob("*.csv"):
        file.unlink()
    # another column first, quotes, ./, a file instead of its folder, blank lines, no header
    lines = [f'7,"./{folders[0]}"', f"8,{folders[1]}/POSCAR", "", f"9, {folders[2]} "]
    (path / "TRAIN.CSV").write_text("\n".join(lines))
    found = read_published(path)
    assert by_split(found)["train"] == sorted(folder.parts[0] for folder in folders[:3])
    assert by_split(found)["test"] == ["C20", "C60"]  # from the Test_ folders
    (path / "more").write_text(str(folders[3]))
    chosen = read_published(path, splits={"val": path / "TRAIN.CSV", "test": path / "more"})
    assert [len(names) for names in by_split(chosen).values()] == [0, 3, 1]


def test_the_first_snapshot_of_a_table_is_not_taken_for_a_header(root):
    path, _ = root
    table = path / "Train.csv"
    folders = table.read_text().splitlines()[1:]
    table.write_text("\n".join(folders), encoding="utf-8-sig")
    assert len(read_published(path).select(split="train")) == len(folders)
    for typo in ("C99/300K/none", r"C99\300K\none"):
        table.write_text("\n".join([typo, *folders]))
        with pytest.raises(InputError, match=r"Train\.csv, entry 1: .*C99.*a header has no slash"):
            read_published(path)


def test_without_tables_a_share_is_for_validation(root):
    path, _ = root
    for file in path.glob("*.csv"):
        file.unlink()
    found = read_published(path, validation_share=0.25, seed=1)
    assert [len(names) for names in by_split(found).values()] == [3, 1, 2]
    again = read_published(path, validation_share=0.25, seed=1)
    np.testing.assert_array_equal(again.split, found.split)


def test_nothing_counts_double_or_is_passed_over(root):
    path, _ = root
    table = path / "Train.csv"
    listed = table.read_text().splitlines()[1]
    table.write_text(f"{table.read_text()}./{listed}/POSCAR\n")
    with pytest.raises(InputError, match=rf"{listed} is listed twice for 'train'"):
        read_published(path)
    (path / "valid.csv").write_text((path / "Val.csv").read_text())
    with pytest.raises(InputError, match=r"Val\.csv and .*valid\.csv are both of 'val'"):
        read_published(path)


@pytest.mark.parametrize("splits", [("train", "test"), ("train", "val"), ("val", "test")])
def test_a_snapshot_is_of_one_split(root, splits):
    path, _ = root
    first, second = (path / f"{split.capitalize()}.csv" for split in splits)
    listed = first.read_text().splitlines()[1]
    second.write_text(second.read_text() + f"./{listed}/POSCAR\n")
    words = rf"{listed} is listed for '{splits[0]}' and for '{splits[1]}'"
    with pytest.raises(InputError, match=words):
        read_published(path)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"validation_share": 2.0}, "validation_share .* not 2.0"),
        ({"validation_share": -0.5}, "validation_share .* not -0.5"),
        ({"validation_share": np.nan}, "validation_share"),
        ({"validation_share": "half"}, "validation_share"),
        ({"seed": -1}, "seed .* not -1"),
        ({"seed": 1.5}, "seed"),
        ({"energies": "fine"}, "energies .* not 'fine'"),
    ],
)
def test_bad_options_are_named(root, options, named):
    with pytest.raises(InputError, match=named):
        read_published(root[0], **options)


@pytest.mark.parametrize("cell", [True, False])
def test_only_crystals_can_be_written(root, tmp_path, cell):
    _, carbon = root
    carbon.pbc[2] = [True, True, False] if cell else False
    carbon.cells[2] *= cell
    with pytest.raises(InputError, match="is not periodic in all three directions"):
        write_published(tmp_path / "new", carbon)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("types", each) for each in ("Fe/Ni", r"Fe\Ni", "..", ".", "", " Fe", "F\ne", "Test_C20")]
    + [("split", each) for each in ("../../train", "..")],
)
def test_names_that_lead_elsewhere_are_refused(root, tmp_path, field, value):
    _, carbon = root
    before = sorted(tmp_path.rglob("*"))
    setattr(carbon, field, np.array([*getattr(carbon, field)[:-1], value]))
    words = rf"\[\d+\] has the {field.removesuffix('s')} {re.escape(repr(value))}"
    with pytest.raises(InputError, match=words):
        write_published(tmp_path / "new" / "set", carbon)
    assert sorted(tmp_path.rglob("*")) == before


def test_names_with_commas_and_quotes_come_back(root, tmp_path):
    _, carbon = root
    carbon.types = np.array(['Fe,Ni "x"', "Ünïcode 2", "a", "..b", "#c", "d'"])
    write_published(tmp_path / "new", carbon)
    assert by_split(read_published(tmp_path / "new")) == by_split(carbon)


def test_half_a_set_is_not_left(root, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savetxt", full)
    with pytest.raises(InputError, match="new cannot be written: No space left"):
        write_published(tmp_path / "new", root[1])
    assert not list(tmp_path.glob("*new*"))


def test_other_grid_is_rebinned(root):
    path, carbon = root
    target = np.arange(-29.0, 0.4, 0.2)
    found = read_published(path, energies=target, electrons=4)
    assert found.dos.shape == (6, len(target))
    order = [int(name.rsplit("_", 1)[1]) - 1 for name in found.names]
    inside = (carbon.energies > -29.1) & (carbon.energies < target[-1] + 0.1)
    expected = carbon.dos[order][:, inside].sum(axis=1) * 0.1
    np.testing.assert_allclose(found.dos.sum(axis=1) * 0.2, expected, atol=0.02)


def spoil(path, kind):
    folder = next(path.glob("C20/300K/*"))
    dos = folder / "doscar_s"
    table = np.loadtxt(dos)
    if kind == "missing":
        dos.unlink()
    elif kind == "words":
        dos.write_text("energy dos\n")
    elif kind == "one column":
        np.savetxt(dos, table[:, :1])
    elif kind == "negative":
        table[100, 1] = -1
        np.savetxt(dos, table)
    elif kind == "short":
        np.savetxt(dos, table[:200])
    elif kind == "per atom":
        table[:, 1] /= 20
        np.savetxt(dos, table)
    elif kind == "POSCAR":
        (folder / "POSCAR").write_text("nonsense\n")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "doscar_s cannot be read"),
        ("words", "doscar_s cannot be read"),
        ("one column", "1 columns"),
        ("negative", "doscar_s: the DOS is negative"),
        ("short", "doscar_s: the DOS ends at"),
        ("per atom", r"doscar_s: .* 3\.\d+ fewer"),
        ("POSCAR", "POSCAR cannot be read by ASE"),
    ],
)
def test_bad_snapshots_are_named(root, kind, words):
    path, _ = root
    spoil(path, kind)
    with pytest.raises(InputError, match=words) as caught:
        read_published(path, electrons=4)
    assert "C20" in str(caught.value)


def test_bad_tables_and_folders(root, tmp_path):
    path, carbon = root
    (path / "Train.csv").write_text("folder\nC20/300K/C20_300_1\nC99/300K/none\n")
    with pytest.raises(InputError, match=r"Train\.csv, entry 3: .*C99"):
        read_published(path)
    (path / "Train.csv").write_text("folder\n")
    with pytest.raises(InputError, match="lists no snapshot"):
        read_published(path)
    with pytest.raises(InputError, match="'eval' is unknown"):
        read_published(path, splits={"eval": path / "Val.csv"})
    with pytest.raises(InputError, match="not a folder"):
        read_published(path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no NAME/TEMPK/CONFIG"):
        read_published(tmp_path / "empty")
    for name in ("b.xyz", "a.xyz"):
        (tmp_path / "empty" / name).touch()
    with pytest.raises(InputError, match=r"name the file, such as .*a\.xyz\.$"):
        load_structures(tmp_path / "empty")
    carbon.dos = carbon.energies = None
    with pytest.raises(InputError, match="needs a DOS"):
        write_published(tmp_path / "new", carbon)

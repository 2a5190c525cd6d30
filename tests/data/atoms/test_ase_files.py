import sqlite3
from contextlib import closing

import ase.db
import ase.io
import numpy as np
import pytest
from ase import Atoms

from csnn_tf.data.atoms import load_structures, read_ase, read_frames, structures_from_atoms
from csnn_tf.errors import InputError

ENERGIES = np.linspace(-10.0, 2.0, 61)


def silicon(**info):
    atoms = Atoms("Si2", [[0, 0, 0], [1.3, 1.3, 1.3]], cell=np.eye(3) * 5, pbc=[1, 1, 0])
    atoms.info.update(info)
    return atoms


def dos(states=6.0, center=-5.0):
    shape = np.exp(-((ENERGIES - center) ** 2) / 2)
    return states * shape / (shape.sum() * 0.2)


def write(path, frames):
    if path.suffix in (".db", ".json"):
        with ase.db.connect(path) as database:
            for atoms in frames:
                info = dict(atoms.info)
                arrays = {key: info.pop(key) for key in ("dos", "dos_energies") if key in info}
                database.write(atoms, key_value_pairs=info, data=arrays)
    else:
        ase.io.write(path, frames, format="extxyz")


@pytest.mark.parametrize("site", [{"Si": 0.5}, {"Si": 0.6, "Ge": 0.4}])
def test_sites_that_are_partly_occupied_are_refused(site):
    whole = silicon(occupancy={"0": {"Si": 1.0}, "1": {"Si": 1}})
    assert len(structures_from_atoms([whole])) == 1
    assert len(structures_from_atoms([silicon(occupancy={"0": {"Si": "?"}})])) == 1
    broken = silicon(occupancy={"0": {"Si": 1.0}, "1": site})
    expected = r"atoms\[1\] has a site that is partly occupied \(Si 0\.[56]"
    with pytest.raises(InputError, match=expected):
        structures_from_atoms([whole, broken])
    whole = broken.repeat((2, 1, 1))  # as the message says
    del whole.info["occupancy"]
    assert structures_from_atoms([whole]).counts.tolist() == [4]


@pytest.mark.parametrize("file", ["set.xyz", "set.db", "set.json", "set@300K.xyz"])
def test_dos_and_facts_from_info(tmp_path, file):
    facts = {"temperature": 300.0, "split": "val", "type": "diamond"}
    frames = [silicon(dos=dos(), dos_energies=ENERGIES, **facts) for _ in range(3)]
    write(tmp_path / file, frames)
    found = load_structures(tmp_path / file, electrons={"Si": 4})
    assert len(found) == 3
    np.testing.assert_allclose(found.dos, np.tile(dos(), (3, 1)), atol=1e-6)
    np.testing.assert_allclose(found.energies, ENERGIES)
    assert found.types.tolist() == ["diamond"] * 3
    assert found.split.tolist() == ["val"] * 3
    assert (found.temperature == 300).all()
    assert (found.electrons == 4).all()
    assert found.pbc.tolist() == [[True, True, False]] * 3
    np.testing.assert_allclose(found[0].positions[1], 1.3)
    assert found.names[1].endswith(f"{file}[1]")


@pytest.mark.parametrize("kind", ["db", "json"])
@pytest.mark.parametrize("file", ["set.sqlite", "set"])
def test_databases_of_any_name(tmp_path, kind, file):
    write(tmp_path / f"own.{kind}", [silicon(dos=dos(), dos_energies=ENERGIES)])
    path = (tmp_path / f"own.{kind}").rename(tmp_path / file)
    np.testing.assert_allclose(read_ase(path, format=kind).dos, [dos()], atol=1e-6)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read by ASE"):
        read_ase(path, format=kind)
    assert path.read_bytes() == b""


def test_structures_without_dos(tmp_path):
    write(tmp_path / "a.xyz", [silicon()])
    found = read_ase(tmp_path / "a.xyz")
    assert found.dos is None
    assert found.types.tolist() == ["Si2"]


def test_other_grid_and_whole_cells(tmp_path):
    target = np.linspace(-10, 1.5, 47)
    frames = [silicon(dos=2 * dos(), dos_energies=ENERGIES, electrons=8.0)]
    write(tmp_path / "a.xyz", frames)
    found = read_ase(tmp_path / "a.xyz", energies=target, per_cell=True)
    assert found.electrons.tolist() == [4.0]
    assert found.dos.sum() * 0.25 == pytest.approx(6.0, abs=1e-3)


def test_no_structure_loses_electrons_on_the_energies_of_the_first():
    higher = silicon(dos=dos(), dos_energies=ENERGIES + 8.0)
    frames = [silicon(dos=dos(), dos_energies=ENERGIES), higher]
    with pytest.raises(InputError, match=r"^atoms\[1\]: the DOS holds 0\.95\d+ electrons/atom"):
        structures_from_atoms(frames, electrons=4)
    assert len(structures_from_atoms(frames)) == 2  # without counts there is nothing to lack
    both = structures_from_atoms(frames, np.linspace(-10.0, 10.0, 101), electrons=4)
    assert (both.dos.sum(axis=1) * 0.2 > 5.9).all()


def test_given_energies_serve_files_without_them(tmp_path):
    write(tmp_path / "a.xyz", [silicon(dos=dos())])
    np.testing.assert_allclose(read_ase(tmp_path / "a.xyz", ENERGIES).dos[0], dos(), atol=1e-6)
    with pytest.raises(InputError, match=r"a\.xyz\[0\] .*no energies of it"):
        read_ase(tmp_path / "a.xyz")
    with pytest.raises(InputError, match=r"a\.xyz\[0\]: .*\(61,\).*\(31,\)"):
        read_ase(tmp_path / "a.xyz", ENERGIES[::2])


def test_a_set_is_not_rebinned_to_uneven_energies_of_its_first_structure():
    uneven = np.append(ENERGIES[:-1], 2.5)
    frames = [silicon(dos=dos(), dos_energies=energies) for energies in (uneven, ENERGIES)]
    with pytest.raises(InputError, match=r"^atoms\[1\]: .* from -10 to 2.5 eV are not evenly"):
        structures_from_atoms(frames)
    found = structures_from_atoms([frames[0], frames[0]])
    np.testing.assert_array_equal(found.energies, uneven)


def test_what_follows_an_at_sign_is_part_of_the_name(tmp_path):
    write(tmp_path / "POSCAR", [silicon()])
    ase.io.write(tmp_path / "POSCAR@0", Atoms("C", cell=np.eye(3), pbc=True), format="vasp")
    assert load_structures(tmp_path / "POSCAR@0").numbers.tolist() == [6]


def test_one_structure_is_no_list_and_no_level_is_none():
    with pytest.raises(InputError, match="frames must be a list .* put the one into a list"):
        structures_from_atoms(silicon())
    found = structures_from_atoms(
        [silicon(dos=dos(), dos_energies=ENERGIES, efermi=None, temperature=None)], electrons=4
    )
    assert np.isnan(found.temperature[0])


def test_energies_that_are_none_are_named():
    for frames in ([], [silicon()]):
        with pytest.raises(InputError, match="energies must be .* not 'x'"):
            structures_from_atoms(frames, energies="x")


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"dos": -dos()}, "negative"),
        ({"dos": np.where(ENERGIES > 0, np.nan, dos())}, "not finite"),
        ({"dos": dos(3.0)}, r"3\.0000 electrons.*1\.0000 fewer"),
        ({"dos": dos(), "efermi": -5.0}, r"up to -5\.00 eV, 1\.0000 fewer"),
        ({"dos": "none"}, "dos is not a list of numbers"),
        ({"dos": dos(), "electrons": "many"}, "electrons is 'many'"),
        ({"temperature": "hot"}, "temperature is 'hot'"),
    ],
)
def test_bad_dos_is_named(tmp_path, info, words):
    write(tmp_path / "a.xyz", [silicon(dos_energies=ENERGIES, **info)])
    with pytest.raises(InputError, match=words) as caught:
        read_ase(tmp_path / "a.xyz", electrons=4)
    assert "a.xyz[0]" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_ase(tmp_path / "none.xyz")
    (tmp_path / "bad.xyz").write_text("3\ntext\nC 0 0\n")
    with pytest.raises(InputError, match="cannot be read by ASE"):
        read_ase(tmp_path / "bad.xyz")
    (tmp_path / "what.bin").write_bytes(b"\0\1\2")
    with pytest.raises(InputError, match="of no kind that ASE knows: bin"):
        load_structures(tmp_path / "what.bin")
    (tmp_path / "empty.xyz").write_text("0\nPBC\n")
    with pytest.raises(InputError, match="no atoms"):
        read_ase(tmp_path / "empty.xyz")


@pytest.mark.parametrize("blank", ["\n", " \t\n", "\n\n"])
def test_no_structure_after_a_blank_line_is_lost(tmp_path, blank):
    frame = '1\nnote="a\fb"\nC 0 0 0\n'
    lattice = "VEC1 5 0 0\nVEC2 0 5 0\nVEC3 0 0 5\n"
    path = tmp_path / "a.xyz"
    path.write_text(frame + lattice + "1\n\nC 1 0 0\n" + frame + blank)
    assert len(read_ase(path)) == 3
    path.write_text(frame + blank + frame)
    with pytest.raises(InputError, match=r"a\.xyz cannot .* line 4 is blank where a structure"):
        read_ase(path)
    path.write_text(blank + frame)
    with pytest.raises(InputError, match=r"a\.xyz cannot .* line 1 is blank where a structure"):
        read_ase(path)
    path.write_text(blank)
    with pytest.raises(InputError, match=r"a\.xyz holds no structures"):
        read_frames(path)


def test_reading_leaves_what_is_no_database_of_ase_as_it_is(tmp_path):
    with closing(sqlite3.connect(tmp_path / "100%?#.db")) as other:
        other.execute("CREATE TABLE own (value)")
    (tmp_path / "empty.db").touch()
    for path in sorted(tmp_path.iterdir()):
        before = path.read_bytes()
        with pytest.raises(InputError, match=r"\.db cannot be read by ASE: it has no table"):
            read_ase(path)
        assert path.read_bytes() == before


@pytest.mark.parametrize("electrons", [0, -4.0, np.inf])
def test_electrons_that_are_not_positive_are_named(electrons):
    frames = [silicon(electrons=4.0), silicon(electrons=electrons)]
    with pytest.raises(InputError, match=r"^atoms\[1\] has .* electrons/atom; expected a positive"):
        structures_from_atoms(frames)


@pytest.mark.parametrize("number", [-1, 0, 119])
def test_atoms_of_no_element_are_named(number):
    for electrons in (None, 4, {"Si": 4}):
        with pytest.raises(InputError, match=r"^atoms\[0\]: atom 1 is of no element"):
            structures_from_atoms([Atoms([14, number])], electrons=electrons)


def test_no_type_and_no_split_are_unknown():
    found = structures_from_atoms([silicon(type=None, split=None)])
    assert (found.types[0], found.split[0]) == ("Si2", "")


def test_noise_below_zero_is_no_dos():
    noisy = dos() - 1e-5
    found = structures_from_atoms([silicon(dos=noisy, dos_energies=ENERGIES)])
    np.testing.assert_allclose(found.dos[0], np.maximum(noisy, 0), atol=1e-7)
    assert found.dos.min() == 0

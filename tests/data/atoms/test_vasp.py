import numpy as np
import pytest
from ase.build import bulk

from csnn_tf.data.atoms import DEFAULT_ENERGIES, load_structures, read_vasp
from csnn_tf.data.atoms.vasp import Doscar, _ions, _whole_count, read_doscar
from csnn_tf.electronic import fermi_level
from csnn_tf.errors import InputError

VACUUM = 6.5  # eV, on the run's own scale
STATES = 12.0  # of the cell
ENERGIES = np.linspace(-28.0, 12.0, 2001)


def cell_dos():
    shape = np.exp(-(((ENERGIES + 3) / 2.5) ** 2) / 2)
    return STATES * shape / (shape.sum() * 0.02)


def write_run(folder, spin=False, electrons=8.0, rows=None, structure="POSCAR", nelect=None):
    folder.mkdir()
    dos = cell_dos()
    cumulative = np.cumsum(dos) * 0.02
    level = np.interp(electrons, cumulative, ENERGIES)
    header = f"{12.0:16.8f}{-28.0:16.8f}{rows or len(ENERGIES):5d}{level:16.8f}{1.0:16.8f}"
    if spin:
        columns = [ENERGIES, 0.7 * dos, 0.3 * dos, 0.7 * cumulative, 0.3 * cumulative]
    else:
        columns = [ENERGIES, dos, cumulative]
    lines = ["2 2 0 0", "12.0 3.5E-10 3.5E-10 3.5E-10 0.5E-15", "1.0E-4", "CAR", "system", header]
    lines += [" ".join(f"{x:.8E}" for x in row) for row in np.transpose(columns)]
    (folder / "DOSCAR").write_text("\n".join([*lines, ""]))
    if structure:
        bulk("C", "diamond", a=3.57).write(folder / structure, format="vasp")
    if nelect:
        text = f'<modeling><parameters><i name="NELECT">{nelect}</i></parameters></modeling>'
        (folder / "vasprun.xml").write_text(text)
    return folder, level


@pytest.mark.parametrize("spin", [False, True])
@pytest.mark.parametrize("structure", ["POSCAR", "CONTCAR"])
def test_run_is_aligned_and_per_atom(tmp_path, spin, structure):
    folder, level = write_run(tmp_path / "run", spin=spin, structure=structure)
    found = load_structures(folder, {"C": 4}, reference_energy=VACUUM)
    assert found.counts.tolist() == [2]
    np.testing.assert_array_equal(found.energies, DEFAULT_ENERGIES)
    predicted = fermi_level(found.energies, found.dos, found.electrons)
    np.testing.assert_allclose(predicted, level - VACUUM, atol=0.02)
    inside = np.interp(0.95 + VACUUM, ENERGIES, np.cumsum(cell_dos()) * 0.02)
    assert 0.1 * found.dos.sum() == pytest.approx(inside / 2, abs=1e-4)


def test_electrons_from_the_run(tmp_path):
    folder, _ = write_run(tmp_path / "a", nelect=8.0)
    assert read_vasp(folder, VACUUM).electrons.tolist() == [4.0]
    folder, _ = write_run(tmp_path / "b")
    assert read_vasp(folder, VACUUM).electrons == pytest.approx(4.0, abs=1e-4)


def test_without_a_count_electrons_are_a_whole_number_or_asked_for(tmp_path):
    folder, _ = write_run(tmp_path / "a", electrons=7.99)
    assert read_vasp(folder, VACUUM).electrons.tolist() == [4.0]
    folder, _ = write_run(tmp_path / "b", electrons=7.9)
    with pytest.raises(InputError, match=r"b.DOSCAR holds 7\.90 electrons .* give --electrons"):
        read_vasp(folder, VACUUM)
    assert (
        read_vasp(write_run(tmp_path / "c", nelect=7.9, electrons=7.9)[0], VACUUM).electrons == 3.95
    )
    # 4 lies between 0 and 8 electrons by chance.
    sharp = np.array([0.0, 8.0, 8.0, 8.0])
    found = Doscar(frozenset(), np.arange(4.0), np.diff(sharp, prepend=0), sharp, 0.5)
    with pytest.raises(InputError, match="too coarse energies"):
        _whole_count(found, 4.0, 2, "DOSCAR")
    # Of a large cell that doubt is little for each atom.
    assert _whole_count(found, 4.0, 1000, "DOSCAR") == 4.0


def test_a_dos_of_another_cell_is_refused(tmp_path):
    folder, _ = write_run(tmp_path / "run")
    bulk("C", "diamond", a=3.57).repeat((2, 1, 1)).write(folder / "CONTCAR", format="vasp")
    with pytest.raises(InputError, match="run.DOSCAR is of 2 atoms, but CONTCAR has 4"):
        read_vasp(folder, VACUUM)


@pytest.mark.parametrize(
    ("line", "ions"),
    [
        ("   2   2   1   0", {2}),
        ("   6   4   0   1", {4, 6}),  # two of them empty spheres
        ("12001200   1   0", {1200}),
        ("********   1   0", set()),
        ("", set()),
    ],
)
def test_the_numbers_of_ions_are_read_by_column(line, ions):
    assert _ions(line) == ions


def test_several_runs_with_a_vacuum_level_each(tmp_path):
    runs = [write_run(tmp_path / name)[0] for name in "ab"]
    found = read_vasp(runs, [VACUUM, VACUUM - 1])
    first, second = fermi_level(found.energies, found.dos, found.electrons)
    assert second - first == pytest.approx(1.0, abs=0.01)


def test_runs_that_lie_too_deep_are_named(tmp_path):
    (tmp_path / "all" / "part").mkdir(parents=True)
    folder, _ = write_run(tmp_path / "all" / "part" / "run")
    with pytest.raises(InputError, match=f"too deep, in {folder}: name {folder.parent}, or"):
        load_structures(tmp_path / "all", reference_energy=VACUUM)


def test_the_folder_of_a_file_of_a_run_is_named(tmp_path):
    folder, _ = write_run(tmp_path / "run")
    with pytest.raises(InputError, match=f"DOSCAR is a file: name the .* run, {folder}"):
        load_structures(folder / "DOSCAR", reference_energy=VACUUM)


def test_bad_arguments_are_named(tmp_path):
    runs = [write_run(tmp_path / name)[0] for name in "ab"]
    for reference in ([1.0, 2.0, 3.0], "vacuum", None):
        with pytest.raises(InputError, match="reference_energy .* each of the 2 runs, not"):
            read_vasp(runs, reference)
    with pytest.raises(InputError, match="energies must be .* not 'x'"):
        read_vasp(runs, VACUUM, "x")


def test_doscar_values(tmp_path):
    folder, level = write_run(tmp_path / "a", spin=True)
    doscar = read_doscar(folder / "DOSCAR")
    np.testing.assert_allclose(doscar.dos, cell_dos(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(doscar.energies, ENERGIES, atol=1e-9)
    assert doscar.fermi_level == pytest.approx(level, abs=1e-8)


def test_many_states_keep_the_digits_of_the_dos(tmp_path):
    """As VASP has it: the DOS is the integrated one's difference, and both have four digits."""
    write_run(tmp_path / "a")
    fine = np.linspace(-28, 12, 40001)
    shape = np.exp(-(((fine + 3) / 2.5) ** 2) / 2) + 0.2 * np.exp(-(((fine + 9) / 0.05) ** 2) / 2)
    exact = np.cumsum(300 * 4 * shape / (shape.sum() * 0.001)) * 0.001  # of 300 atoms
    cumulative = exact[::20]
    dos = np.diff(cumulative, prepend=0.0) / 0.02
    lines = (tmp_path / "a" / "DOSCAR").read_text().splitlines()[:6]

    def read(dos):
        rows = zip(ENERGIES, dos, cumulative, strict=True)
        text = [f"{energy:11.3f} {states:.3E} {sum_:.3E}" for energy, states, sum_ in rows]
        (tmp_path / "a" / "DOSCAR").write_text("\n".join([*lines, *text]))
        return read_doscar(tmp_path / "a" / "DOSCAR").cumulative

    rounded = [float(f"{value:.3E}") for value in cumulative]
    assert np.abs(np.diff(read(dos)) - np.diff(cumulative)).max() < 1e-3
    assert np.abs(np.diff(rounded) - np.diff(cumulative)).max() > 0.5
    # Where they say different things, the integrated DOS, which conserves, is what holds.
    np.testing.assert_array_equal(read(dos / 2), rounded)


def test_mismatched_electrons_say_by_how_much(tmp_path):
    folder, _ = write_run(tmp_path / "a", electrons=7.0)
    with pytest.raises(InputError, match=r"a.DOSCAR holds 3\.5.* 0\.5\d* fewer than the 4\.0000"):
        read_vasp(folder, VACUUM, electrons=4)
    folder, _ = write_run(tmp_path / "b", nelect=9.0)
    with pytest.raises(InputError, match=r"0\.5\d* fewer than the 4\.5000"):
        read_vasp(folder, VACUUM)


def test_wrong_reference_energy_is_noticed(tmp_path):
    folder, _ = write_run(tmp_path / "a")
    with pytest.raises(InputError, match="below the first energy bin"):
        read_vasp(folder, 25.0)
    with pytest.raises(InputError, match="fewer than"):
        read_vasp(folder, -8.0)
    with pytest.raises(InputError, match="needs the reference"):
        load_structures(folder)


def test_broken_runs_are_named(tmp_path):
    folder, _ = write_run(tmp_path / "a", rows=99999)
    with pytest.raises(InputError, match="announces 99999 energies"):
        read_vasp(folder, VACUUM)
    folder, _ = write_run(tmp_path / "b", structure=None)
    with pytest.raises(InputError, match="b holds none of CONTCAR, POSCAR"):
        read_vasp(folder, VACUUM)
    (tmp_path / "a" / "DOSCAR").write_text("1\n2\n")
    with pytest.raises(InputError, match="a.DOSCAR is not a DOSCAR"):
        read_vasp(tmp_path / "a", VACUUM)
    (tmp_path / "a" / "DOSCAR").unlink()
    with pytest.raises(InputError, match="a.DOSCAR cannot be read"):
        read_vasp(tmp_path / "a", VACUUM)
    folder, _ = write_run(tmp_path / "c", nelect="many")
    with pytest.raises(InputError, match="vasprun.xml cannot be read"):
        read_vasp(folder, VACUUM)


def test_a_run_without_atoms_is_named(tmp_path):
    folder, _ = write_run(tmp_path / "empty")
    (folder / "POSCAR").write_text("C\n1.0\n3 0 0\n0 3 0\n0 0 3\nC\n0\nCartesian\n")
    with pytest.raises(InputError, match="empty: the structure has no atoms"):
        read_vasp(folder, VACUUM)

"""The generator's own physics; LAMMPS and the real Slater-Koster table are not needed here."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ase.units import Bohr, Hartree
from scipy.integrate import quad

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

from carbon_dos.fullerenes import C20_SPIRAL, C40_SPIRAL, fullerene
from carbon_dos.spectrum import SIGMA, broadened_dos, fill
from carbon_dos.structures import NAMES, build
from carbon_dos.tight_binding import TightBinding, monkhorst_pack

from csnn_tf.data.atoms import DEFAULT_ENERGIES, neighbor_list
from csnn_tf.electronic import solve_fermi

STEP = 0.02  # Bohr


@pytest.fixture
def table(tmp_path):
    """A small Slater-Koster table in the same format, with smooth made-up integrals."""
    r = STEP * np.arange(1, 301)
    decay = np.exp(-r / 1.3) * np.where(r < 5.9, 1 - (r / 5.9) ** 2, 0)
    lines = [f"{STEP}, 300, 2", "0.0 -0.2 -0.5 0 0 0 0 0 2 2 T 0.3", "12.01, 19*0.0"]
    for value in decay:
        pp, pi, sp, ss = 0.4 * value, -0.3 * value, 0.35 * value, -0.5 * value
        overlap = [-0.1 * value, 0.1 * value, -0.1 * value, 0.2 * value]
        row = f"5*0.0 {pp} {pi} 0.0 {sp} {ss} 5*0.0 {overlap[0]} {overlap[1]} 0.0 "
        lines.append(row + f"{overlap[2]} {overlap[3]}")
    (tmp_path / "cc.spl").write_text("\n".join([*lines, "Spline"]))
    return tmp_path / "cc.spl"


@pytest.mark.parametrize("name", NAMES)
def test_structures_are_bonded_carbon(name):
    atoms, mesh = build(name)
    counts = {"Graphene": 72, "Graphite": 64, "C_6_4": 152, "C_9_9": 108, "C_8_0": 96}
    assert len(atoms) == counts.get(name) or len(atoms) == int(name[1:])
    centre, _, displacement = neighbor_list(atoms.positions, atoms.cell, atoms.pbc, 1.8)
    assert (np.bincount(centre, minlength=len(atoms)) == 3).all()
    assert np.linalg.norm(displacement, axis=1).min() > 1.3
    assert min(mesh) >= 1


def test_spirals():
    cage = fullerene(C20_SPIRAL, 20)
    distance = np.sort(np.linalg.norm(cage - cage.mean(axis=0), axis=1))
    assert np.ptp(distance) < 1e-2  # dodecahedron
    assert len(fullerene(C40_SPIRAL, 40)) == 40
    with pytest.raises(ValueError, match="spiral"):
        fullerene(tuple(range(2, 14)), 40)


def test_dimer_levels_are_its_molecular_orbitals(table):
    engine = TightBinding(table)
    length = 1.4
    cell = np.eye(3) * 40
    found = engine.bands(np.array([[0, 0, 0], [0, 0, length]]), cell, np.zeros((1, 3)))[0]
    r = length / Bohr
    value = np.exp(-r / 1.3) * (1 - (r / 5.9) ** 2)
    # pi and antibonding pi, each twice: (E_p +- V) / (1 +- S)
    pi, overlap = -0.3 * value * Hartree, 0.1 * value
    for sign in (1, -1):
        level = (-0.2 * Hartree + sign * pi) / (1 + sign * overlap)
        assert np.sum(np.abs(found - level) < 1e-4) == 2
    assert found.shape == (8,)


def test_rotation_and_supercell_leave_the_levels(table):
    engine = TightBinding(table)
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 1, (3, 3)) + np.array([[0, 0, 0], [1.5, 0, 0], [0, 1.6, 0.4]])
    cell = np.diag([4.0, 4.5, 5.0]) + 0.3 * rng.normal(size=(3, 3))
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    k = np.array([[0.1, 0.2, -0.3]])
    plain = engine.bands(positions, cell, k)
    np.testing.assert_allclose(engine.bands(positions @ rotation, cell @ rotation, k), plain)
    # twice the cell at k = 0 holds the levels of k = 0 and k = 1/2
    double = np.concatenate([positions, positions + cell[0]])
    folded = engine.bands(double, cell * [[2], [1], [1]], np.zeros((1, 3)))[0]
    apart = engine.bands(positions, cell, np.array([[0, 0, 0], [0.5, 0, 0]])).ravel()
    np.testing.assert_allclose(folded, np.sort(apart), atol=1e-8)


def test_mesh_weights():
    kpoints, weights = monkhorst_pack((6, 6, 2))
    assert len(kpoints) == 36
    np.testing.assert_allclose(weights, 1 / 36)
    np.testing.assert_allclose(monkhorst_pack((1, 1, 1))[0], [[0, 0, 0]])
    kpoints, weights = monkhorst_pack((1, 1, 3))
    assert len(kpoints) == 2
    assert sorted(weights) == pytest.approx([1 / 3, 2 / 3])


def test_filling_is_the_integral_of_the_broadened_dos():
    rng = np.random.default_rng(0)
    levels, weights = rng.uniform(-24, -1, (2, 40)), np.array([0.25, 0.75])
    level, band = fill(levels, weights, 10, 4.0)

    def dos(energy):
        return broadened_dos(levels, weights, 10, np.array([energy]))[0]

    assert quad(dos, -27, level, limit=400)[0] == pytest.approx(4.0, abs=1e-6)
    moment = quad(lambda e: e * dos(e), -27, level, limit=400)[0]
    assert moment == pytest.approx(band, abs=1e-5)
    binned = broadened_dos(levels, weights, 10, DEFAULT_ENERGIES)
    assert 0.1 * binned.sum() == pytest.approx(8.0, abs=1e-6)
    solution = solve_fermi(DEFAULT_ENERGIES, binned, 4.0)
    assert solution.fermi_level == pytest.approx(level, abs=1e-3)
    assert solution.band_energy == pytest.approx(band, abs=1e-4)
    assert SIGMA == 0.2

import tracemalloc

import numpy as np
import pytest
import vesin
from ase.build import bulk, graphene
from ase.neighborlist import primitive_neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from csnn_tf.data.atoms import neighbor_list
from csnn_tf.errors import InputError

CUBE = np.eye(3) * 4.0


def as_set(centre, neighbour, displacement):
    rows = np.c_[centre, neighbour, np.round(displacement, 6) + 0.0]
    return rows[np.lexsort(rows.T[::-1])]


def random_cell(rng):
    """A skewed cell, neither flat nor with atoms on top of each other."""
    while True:
        cell = rng.normal(size=(3, 3)) * 2 + 2 * np.eye(3)
        if abs(np.linalg.det(cell)) > 6:
            return cell


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    atoms=st.integers(1, 7),
    pbc=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    cutoff=st.floats(1.0, 6.0),
)
def test_equal_to_ase_for_skewed_cells_smaller_than_the_cutoff(seed, atoms, pbc, cutoff):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng)
    positions = rng.uniform(-1, 2, (atoms, 3)) @ cell  # some outside the cell
    expected = primitive_neighbor_list("ijD", pbc, cell, positions, cutoff)
    distance = np.linalg.norm(expected[2], axis=1)
    if (distance < 0.05).any() or (np.abs(distance - cutoff) < 1e-6).any():
        return
    found = neighbor_list(positions, cell, pbc, cutoff)
    np.testing.assert_allclose(as_set(*found), as_set(*expected), atol=2e-6)
    assert (np.diff(found[0]) >= 0).all()


@pytest.mark.parametrize("cell", [None, np.zeros((3, 3)), CUBE])
def test_molecule_needs_no_cell(cell):
    positions = [[0, 0, 0], [1.4, 0, 0], [9, 0, 0]]
    centre, neighbour, displacement = neighbor_list(positions, cell, False, 3.0)
    assert centre.tolist() == [0, 1]
    assert neighbour.tolist() == [1, 0]
    np.testing.assert_allclose(displacement, [[1.4, 0, 0], [-1.4, 0, 0]])


def test_wire_with_only_its_periodic_vector():
    cell = [[0, 0, 0], [0, 0, 0], [0, 0, 2.0]]
    found = neighbor_list([[0, 0, 0], [1.4, 0, 0]], cell, (False, False, True), 3.0)
    expected = primitive_neighbor_list(
        "ijD", (0, 0, 1), np.diag([99.0, 99.0, 2.0]), np.array([[0, 0, 0], [1.4, 0, 0]]), 3.0
    )
    np.testing.assert_allclose(as_set(*found), as_set(*expected), atol=1e-9)


def test_wrapping_atoms_changes_nothing():
    rng = np.random.default_rng(0)
    cell = random_cell(rng)
    positions = rng.uniform(0, 1, (5, 3)) @ cell
    moved = positions + rng.integers(-4, 5, (5, 3)) @ cell
    a, b = (neighbor_list(p, cell, True, 4.0) for p in (positions, moved))
    np.testing.assert_allclose(as_set(*a), as_set(*b), atol=2e-6)


def test_memory_grows_with_the_atoms():
    rng = np.random.default_rng(0)
    used = []
    for atoms in (1000, 4000):
        edge = (atoms * 20.0) ** (1 / 3)
        grid = np.stack(np.meshgrid(*[np.arange(np.ceil(edge / 2.7))] * 3), -1).reshape(-1, 3)[
            :atoms
        ]
        positions = grid * 2.7 + rng.uniform(0, 0.5, (len(grid), 3))
        cell = np.eye(3) * (grid.max() + 1) * 2.7
        tracemalloc.start()
        centre, _, _ = neighbor_list(positions, cell, True, 4.0)
        used.append((tracemalloc.get_traced_memory()[1], len(centre)))
        tracemalloc.stop()
    assert used[1][1] < 5 * used[0][1]
    assert used[1][0] < 5 * used[0][0]


@pytest.mark.parametrize(
    ("positions", "cell", "pbc", "cutoff", "words"),
    [
        (np.zeros((0, 3)), CUBE, True, 3.0, "no atoms"),
        ([[0, 0, np.nan]], CUBE, True, 3.0, "position of atom 0"),
        ([[0, 0, 0], [0, 0, np.inf]], CUBE, True, 3.0, "position of atom 1"),
        ([[0, 0, 0], [1, 1, 1], [0, 0, 0]], CUBE, False, 3.0, "atoms 0 and 2 are at the same"),
        ([[0, 0, 0], [4, 0, 0.001]], CUBE, True, 3.0, "at the same place"),
        ([[0, 0, 0]], None, True, 3.0, "cell is missing"),
        ([[0, 0, 0]], np.zeros((3, 3)), (False, True, False), 3.0, "zero volume"),
        ([[0, 0, 0]], [[1, 0, 0], [2, 0, 0], [0, 0, 1]], True, 3.0, "zero volume"),
        ([[0, 0, 0]], CUBE[:2], True, 3.0, "3, 3"),
        ([[0, 0, 0]], CUBE * 1e-3, True, 3.0, "periodic images"),
        ([[0, 0, 0], [1e9, 0, 0]], None, False, 3.0, "span"),
        ([0.0, 0, 0], CUBE, True, 3.0, "atoms, 3"),
        ([[0, 0, 0]], CUBE, (True, False), 3.0, "pbc"),
        ([[0, 0, 0]], CUBE, True, -1.0, "cutoff"),
        ([[0, 0, 0]], CUBE, True, "a", "cutoff must be a number, not 'a'"),
        ([[0, 0, 0]], CUBE, True, None, "cutoff must be a number, not None"),
        ([["x", 0, 0]], CUBE, True, 3.0, "positions must be an array of numbers"),
        ([[0, 0, 0]], "cube", True, 3.0, "cell must be an array of numbers"),
    ],
)
def test_bad_input_is_named(positions, cell, pbc, cutoff, words):
    with pytest.raises(InputError, match=words):
        neighbor_list(positions, cell, pbc, cutoff)


@pytest.mark.parametrize("cutoff", [4.0, 1e3, 1e8, 1e300])
def test_a_long_cutoff_finds_all_pairs_of_a_molecule(cutoff):
    positions = np.array([[0.0, 0.0, 0.0], [1.3, 0.0, 0.0], [0.0, 3.0, 0.0]])
    centre, neighbour, _ = neighbor_list(positions, None, False, cutoff)
    assert {*zip(centre.tolist(), neighbour.tolist(), strict=True)} == {
        (i, j) for i in range(3) for j in range(3) if i != j
    }


def test_a_long_cutoff_is_refused_in_a_crystal():
    for periodic in (True, (True, False, False)):
        with pytest.raises(InputError, match="the cutoff is 1000 Å; at most 100 Å"):
            neighbor_list([[0.0, 0.0, 0.0]], 900 * np.eye(3), periodic, 1e3)


@pytest.mark.parametrize("pbc", [True, (True, True, False), False])
def test_lengths_in_nanometres_are_refused_at_once(pbc):
    cells = 8 if pbc is not False else 16  # of a particle, the atoms are all there is
    atoms = bulk("C", "diamond", a=0.3567, cubic=True).repeat(cells)
    with pytest.raises(InputError, match=r"about \d+ neighbours within .* given in Å"):
        neighbor_list(atoms.positions, atoms.cell.array, pbc, 7.0)


def test_sheets_in_nanometres_are_refused():
    atoms = graphene(a=0.246, size=(3, 3, 1), vacuum=1.0)
    with pytest.raises(InputError, match=r"about \d+ neighbours within .* given in Å"):
        neighbor_list(atoms.positions, atoms.cell.array, (True, True, False), 7.0)


def test_many_neighbours_of_a_long_cutoff_are_no_matter_of_units():
    atoms = bulk("C", "diamond", a=3.567)
    centre, _, _ = neighbor_list(atoms.positions, atoms.cell.array, True, 25.0)
    assert len(centre) / len(atoms) > 11_000


@pytest.mark.parametrize("pbc", [(True, True, False), (False, True, False)])
def test_far_parts_are_not_compared_with_each_other(pbc, monkeypatch):
    """Time is not asserted; the engine is quick where all directions are periodic."""
    seen = {}

    class Engine(vesin.NeighborList):
        def compute(self, **arguments):
            seen.update(arguments)
            return super().compute(**arguments)

    monkeypatch.setattr(vesin, "NeighborList", Engine)
    layer = np.random.default_rng(0).uniform(0, 20, (50, 3))
    positions = np.concatenate([layer, layer + [0, 0, 50_000]])
    centre, neighbour, displacement = neighbor_list(positions, 20 * np.eye(3), pbc, 7.0)
    alone = neighbor_list(layer, 20 * np.eye(3), pbc, 7.0)
    np.testing.assert_array_equal(centre, np.concatenate([alone[0], alone[0] + 50]))
    half = len(alone[0])
    same = as_set(neighbour[half:] - 50, centre[half:], displacement[half:])
    assert len(centre) == 2 * half
    np.testing.assert_allclose(same, as_set(alone[1], alone[0] + 50, alone[2]), atol=2e-6)
    assert seen["periodic"].all()

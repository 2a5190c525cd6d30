"""The search inside the graph against the package's own neighbour lists."""

import numpy as np
import pytest
import tensorflow as tf
from ase import Atoms
from ase.build import bulk

from csnn_tf.data.atoms.neighbors import neighbor_list
from csnn_tf.export.neighbor_search import neighbor_pairs
from tests.export.dos_cases import crystal_request, frames

CUTOFF = 4.3


@pytest.fixture(scope="module")
def search():
    specs = [([None, 3], tf.float64), ([None, 3, 3], tf.float64), ([None, 3], tf.bool)]
    specs = [tf.TensorSpec(*spec) for spec in [*specs, ([None], tf.int64)]]
    function = tf.function(
        lambda *inputs: neighbor_pairs(*inputs, cutoff=CUTOFF, max_pairs=3000),
        input_signature=specs,
    )

    def run(*atoms):
        request = crystal_request(list(atoms))
        names = ("positions", "cell", "pbc", "counts")
        return [value.numpy() for value in function(*(tf.constant(request[n]) for n in names))]

    return run


def _sorted(centre, neighbor, displacements):
    """Rows in an order that rounding does not change."""
    rows = np.c_[centre, neighbor, displacements]
    return rows[np.lexsort(np.round(rows + 1e-4, 2).T)]


def test_equals_the_package_for_all_structures_of_a_request(search):
    atoms = frames()
    displacements, centre, neighbor = search(*atoms)
    assert (np.diff(centre) >= 0).all()
    first = 0
    for each in atoms:
        expected = neighbor_list(each.positions, each.cell, each.pbc, CUTOFF)
        own = (centre >= first) & (centre < first + len(each))
        found = _sorted(centre[own] - first, neighbor[own] - first, displacements[own])
        np.testing.assert_allclose(found, _sorted(*expected), atol=1e-5)
        first += len(each)
    assert first == centre.max() + 1


@pytest.mark.parametrize("pbc", [(1, 1, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1)])
def test_any_periodic_directions_of_a_skewed_cell(search, pbc):
    rng = np.random.default_rng(4)
    cell = np.array([[3.0, 0.4, -1.0], [1.2, 2.5, 0.3], [-2.0, 1.5, 3.5]])
    atoms = Atoms("C4", rng.uniform(-8, 8, (4, 3)), cell=cell, pbc=pbc)
    expected = neighbor_list(atoms.positions, cell, atoms.pbc, CUTOFF)
    displacements, centre, neighbor = search(atoms)
    assert len(expected[0]) > 3
    np.testing.assert_allclose(
        _sorted(centre, neighbor, displacements), _sorted(*expected), atol=1e-5
    )


def test_an_atom_alone_has_no_neighbours(search):
    displacements, centre, _ = search(Atoms("C"), Atoms("C", [[5, 5, 5]]))
    assert displacements.shape == (0, 3)
    assert centre.shape == (0,)


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms("C2", [[0, 0, 0], [0, 0, 0.005]]), "positions: two atoms are less than 0.01"),
        (Atoms("C2", [[0, 0, 0], [3, 0, 0.005]], cell=[3, 9, 9], pbc=1), "positions: two atoms"),
        (Atoms("C", pbc=True), "cell: periodic directions"),
        (Atoms("C", cell=[[1, 1, 0], [2, 2, 0], [0, 0, 3]], pbc=True), "cell: periodic direct"),
        (Atoms("C", cell=[1e-3] * 3, pbc=True), "cell: too many periodic images"),
        (Atoms("C7000", np.zeros((7000, 3)), cell=[5.0] * 3, pbc=True), "positions: too many at"),
        (bulk("C", cubic=True).repeat(3), "positions: over 3000 pairs"),
    ],
    ids=["coincident", "image", "no cell", "dependent", "tiny cell", "large", "pairs"],
)
def test_refuses(search, atoms, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        search(frames()[1], atoms)

"""A structure of many atoms is predicted in chunks, whose size bounds what is in memory."""

import numpy as np
import pytest
from ase.build import bulk

from csnn_tf.data.atoms import StructureSet, structure_from_atoms
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.models import DensityOfStates
from tests.helpers import relative, tensorflow_only

pytestmark = tensorflow_only
ENERGIES = np.arange(12) * 0.5 - 5.0


def diamond(repeat) -> StructureSet:
    atoms = bulk("C", "diamond", a=3.567, cubic=True).repeat(repeat)
    atoms.rattle(0.05, seed=1)
    return StructureSet.from_structures([structure_from_atoms(atoms, "diamond")])


class Recording(DosPredictor):
    """Keeps the shapes of all that the model is called with."""

    def __init__(self, model, chunk_atoms):
        super().__init__(model, chunk_atoms)
        self.shapes, forward = [], self._forward

        def record(batch):
            self.shapes.append({name: value.shape for name, value in batch.items()})
            return forward(batch)

        self._forward = record


@pytest.fixture(scope="module")
def model():
    model = DensityOfStates.from_preset(
        "tiny", ["C"], ENERGIES, {"C": 4.0}, hidden=(8,), channels=4, cutoff=3.0
    )
    model.start_from(np.ones((2, 12), "float32") * [[0.9], [1.1]])
    return model


def test_chunks_of_a_large_structure_change_nothing_and_bound_the_shapes(model):
    structures = diamond((6, 6, 7))
    assert structures.counts.tolist() == [2016]
    whole, parts = Recording(model, 4096), Recording(model, 256)
    expected = whole.predict(structures, atomic=True)
    found = parts.predict(structures, atomic=True)
    assert relative(found.dos, expected.dos) < 1e-5
    assert relative(found.atomic_dos, expected.atomic_dos) < 1e-5
    assert np.ptp(expected.atomic_dos, axis=0).max() > 1e-4  # the atoms differ
    np.testing.assert_allclose(found.fermi_level, expected.fermi_level, rtol=1e-5)
    # 16 neighbours within 3 Å, all shapes are powers of two: 256 * 16 pairs and a little more.
    assert len(whole.shapes) == 1
    assert len(parts.shapes) == 8
    assert {shape["atoms"] for shape in parts.shapes} == {(256,)}
    assert max(shape["centre"][0] for shape in parts.shapes) <= 256 * 32
    # Twice the atoms are twice the calls, none of them larger.
    more = Recording(model, 256)
    more.predict(diamond((12, 6, 7)))
    assert len(more.shapes) == 16
    assert max(s["centre"][0] for s in more.shapes) <= max(s["centre"][0] for s in parts.shapes)


def test_the_default_chunk_follows_the_size_of_the_feature_maps():
    sizes = {}
    for name in ("tiny", "paper"):
        model = DensityOfStates.from_preset(name, ["C"], ENERGIES)
        sizes[name] = DosPredictor(model).chunk_atoms
        assert sizes[name] * model.numbers_per_atom <= 2**24
    assert sizes["paper"] < sizes["tiny"]

"""Structures, a model of their density of states, and requests about them."""

import numpy as np
from ase import Atoms
from ase.build import bulk, molecule

from csnn_tf.data.atoms import StructureSet, structure_from_atoms
from csnn_tf.data.environments import Environments
from csnn_tf.models import DensityOfStates
from tests.helpers import randomise

ENERGIES = np.arange(40) * 0.75 - 25.0
ELECTRONS = {"O": 6.0, "C": 4.0}


def dos_model(**changes) -> DensityOfStates:
    """A model whose normalisations and weights are as if trained, and whose DOS holds the count."""
    fields = {"hidden": (8,), "channels": 4, "cutoff": 4.0, **changes}
    model = DensityOfStates.from_preset("tiny", ["O", "C"], ENERGIES, ELECTRONS, **fields)
    randomise(model)
    rng = np.random.default_rng(1)
    model.start_from(rng.uniform(0.2, 0.4, (4, len(ENERGIES))).astype("float32"))
    return model


def frames() -> list[Atoms]:
    """A skewed crystal smaller than the cutoff, a molecule, a wire and a larger crystal."""
    rng = np.random.default_rng(2)
    wire = Atoms("COC", [[0, 0, 0], [1.3, 0.2, 0], [2.7, 0, 0.1]], cell=[4.1, 0, 0])
    wire.pbc = (True, False, False)
    crystal = bulk("C", cubic=True)
    crystal.positions += rng.normal(scale=0.1, size=(8, 3)) + [9, -30, 2]
    return [bulk("C"), molecule("CO2"), wire, crystal]


def structures(atoms: list[Atoms]) -> StructureSet:
    return StructureSet.from_structures(
        structure_from_atoms(each, f"structure {place}") for place, each in enumerate(atoms)
    )


def crystal_request(atoms: list[Atoms]) -> dict[str, np.ndarray]:
    """Inputs of `serving_default` and `atomic`."""
    return {
        "positions": np.concatenate([each.positions for each in atoms]),
        "cell": np.stack([np.array(each.cell) for each in atoms]),
        "pbc": np.stack([each.pbc for each in atoms]),
        "numbers": np.concatenate([each.numbers for each in atoms]).astype(np.int64),
        "counts": np.array([len(each) for each in atoms], np.int64),
    }


def neighbor_request(model: DensityOfStates, atoms: list[Atoms]) -> dict[str, np.ndarray]:
    """Inputs of `neighbors` and `neighbors_atomic`, with the pairs in no order."""
    found = Environments.find(structures(atoms), model.elements, model.cutoff)
    batch = found.of_structures(np.arange(len(atoms)))
    order = np.random.default_rng(3).permutation(len(batch["centre"]))
    numbers = {0: 8, 1: 6}
    return {
        "displacements": batch["displacements"][order],
        "centre": batch["centre"][order].astype(np.int64),
        "neighbor_numbers": np.array([numbers[i] for i in batch["species"][order]], np.int64),
        "numbers": np.array([numbers[i] for i in batch["atoms"]], np.int64),
        "counts": batch["counts"].astype(np.int64),
    }

"""The baselines of Table II: AGNI fingerprints with a dense network, and SchNet."""

import h5py
import keras
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from keras import ops

from csnn_tf.data.atoms import StructureSet, structure_from_atoms
from csnn_tf.data.dos_batches import dos_batch
from csnn_tf.data.environments import Environments
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.errors import InputError
from csnn_tf.grid import random_rotations
from csnn_tf.models import AgniDensityOfStates, SchNetDensityOfStates, dos_architecture
from csnn_tf.models.atomic_dos_model import structure_means
from csnn_tf.models.kind import class_name, is_dos_model
from csnn_tf.models.loading import load_model
from tests.helpers import gradients, mixed, numpy_of, randomise, relative, saved_and_loaded

ENERGIES = np.arange(16) * 0.5 - 7.0
ELEMENTS = ["C", "Si"]


def tiny(kind):
    model = kind.from_preset(
        "tiny", ELEMENTS, ENERGIES, dict.fromkeys(ELEMENTS, 4.0), hidden=(12,), cutoff=4.0
    )
    randomise(model, seed=3)
    return model


@pytest.fixture(scope="module", params=[AgniDensityOfStates, SchNetDensityOfStates])
def model(request):
    return tiny(request.param)


def test_mixed_precision_keeps_the_digits_of_positions(model):
    made = mixed(lambda: tiny(type(model)))
    structures = structures_of([crystal(), molecule()])
    atoms = Environments.find(structures, made.elements, made.cutoff).of_structures(range(2))
    # Not by way of Keras, which may round what a model is called with.
    expected = structure_means(made.atomic_dos(atoms, training=False), atoms["counts"])
    found = made(atoms, training=False)
    np.testing.assert_array_equal(numpy_of(found), numpy_of(expected))
    assert relative(found, model(atoms, training=False)) < 0.1


def test_fingerprints_keep_their_digits_until_they_are_standardised():
    structures = structures_of([crystal(), crystal(1), crystal(2)])
    found = []
    for made in (mixed(lambda: tiny(AgniDensityOfStates)), tiny(AgniDensityOfStates)):
        environments = Environments.find(structures, made.elements, made.cutoff)
        made.adapt(environments)
        features, _ = made.network_inputs(environments.of_structures(range(3)))
        found.append(made.network.get_layer("standardise")(features))
    assert relative(*found) < 1e-5


def structures_of(frames) -> StructureSet:
    return StructureSet.from_structures(
        structure_from_atoms(frame, f"frame {place}") for place, frame in enumerate(frames)
    )


def crystal(seed=0) -> Atoms:
    """A skewed cell, smaller than the cutoff, of two elements."""
    atoms = bulk("SiC", "zincblende", a=4.3)
    atoms.set_cell(atoms.cell.array + 0.1 * np.random.default_rng(seed).normal(size=(3, 3)), True)
    atoms.rattle(0.1, seed=seed)
    return atoms


def molecule(seed=0) -> Atoms:
    grid = np.indices((2, 2, 2)).reshape(3, -1).T * 1.6
    return Atoms("CSi3C4", grid + np.random.default_rng(seed).normal(size=grid.shape) * 0.1)


def predicted(model, frames, **options):
    return DosPredictor(model, **options).predict(structures_of(frames), atomic=True)


def turned(atoms, matrix) -> Atoms:
    atoms = atoms.copy()
    atoms.set_cell(atoms.cell.array @ matrix.T)
    atoms.positions = atoms.positions @ matrix.T
    return atoms


def test_arbitrary_rotations_translations_and_repetitions_change_nothing(model):
    turns = random_rotations(3, np.random.default_rng(0))
    for atoms in (crystal(), molecule()):
        moved = atoms.copy()
        moved.translate([3.21, -17.4, 0.77])
        frames = [atoms, moved, *(turned(atoms, matrix) for matrix in turns)]
        if atoms.pbc.any():
            frames.append(atoms.repeat((2, 1, 3)))
        dos = predicted(model, frames).dos
        assert np.ptp(dos[0]) > 0.01
        assert relative(dos, np.repeat(dos[:1], len(frames), axis=0)) < 1e-5
    first, second = predicted(model, [crystal(1), crystal(2)]).dos
    assert relative(second, first) > 1e-3


def test_permuting_the_atoms_permutes_their_contributions(model):
    order = np.random.default_rng(0).permutation(8)
    before, after = predicted(model, [molecule()]), predicted(model, [molecule()[order]])
    assert relative(after.atomic_dos, before.atomic_dos[order]) < 1e-5
    assert relative(after.dos, before.dos) < 1e-5


def test_chunks_and_filled_batches_change_nothing(model):
    frames = [molecule(), crystal(), molecule(1), crystal(1)]
    whole = predicted(model, frames)
    for size in (1, 9):
        assert relative(predicted(model, frames, chunk_atoms=size).atomic_dos, whole.atomic_dos) < (
            1e-5
        )
    environments = Environments.find(structures_of(frames), ELEMENTS, model.cutoff)
    batch = dos_batch(environments, np.array([3, 0, 1]), None)
    assert len(batch["atoms"]) > 8 + 2 + 2
    assert relative(model(batch), whole.dos[[3, 0, 1]]) < 1e-5


def test_gradients_reach_all_weights(model):
    environments = Environments.find(structures_of([molecule()]), ELEMENTS, model.cutoff)
    batch = environments.of_structures([0])
    variables = model.trainable_variables

    def loss(*values):
        with keras.StatelessScope(zip(variables, values, strict=True)):
            return ops.sum(ops.square(model(batch, training=False)))

    found = gradients(loss, *(numpy_of(variable) for variable in variables))
    for variable, gradient in zip(variables, found, strict=True):
        assert np.isfinite(gradient).all(), variable.path
        assert np.abs(gradient).max() > 0, variable.path


def test_saved_and_loaded_again(model, tmp_path):
    again = saved_and_loaded(model, tmp_path)
    assert type(again) is type(model)
    assert again.get_config() == model.get_config()
    frames = [molecule(), crystal()]
    np.testing.assert_allclose(
        predicted(again, frames).dos, predicted(model, frames).dos, rtol=1e-5, atol=1e-6
    )
    path = tmp_path / "model.keras"
    assert class_name(path) == type(model).__name__
    assert is_dos_model(path)
    assert isinstance(load_model(path, type(model)), type(model))


def test_far_atoms_matter_only_to_who_passes_messages():
    # The last atom is beyond the cutoff of the first, within that of the second.
    chain = Atoms("C3", [[0, 0, 0], [3, 0, 0], [6, 0, 0]])
    for kind, matters in ((AgniDensityOfStates, False), (SchNetDensityOfStates, True)):
        model = tiny(kind)
        first, second = (predicted(model, [part]).atomic_dos[0] for part in (chain, chain[:2]))
        assert (relative(second, first) > 1e-5) is matters
        assert model.passes_messages is matters


def test_fingerprints_are_standardised_by_the_training_structures():
    model = AgniDensityOfStates.from_preset("tiny", ELEMENTS, ENERGIES, cutoff=4.0)
    structures = structures_of([molecule(seed) for seed in range(4)])
    environments = Environments.find(structures, ELEMENTS, model.cutoff)
    model.adapt(environments)
    batch = environments.of_structures(range(4))
    features = model.fingerprints(
        batch["displacements"], batch["centre"], batch["species"], num_atoms=32
    )
    scaled = numpy_of(model.network.get_layer("standardise")(features, training=True))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
    varies = numpy_of(features).std(axis=0) > 1e-3
    assert varies.sum() > 60
    np.testing.assert_allclose(scaled.std(axis=0)[varies], 1, rtol=1e-2)
    assert scaled.std(axis=0).max() < 1.01


def test_training_never_changes_how_fingerprints_are_standardised(tmp_path):
    model = tiny(AgniDensityOfStates)
    model.trainable = False
    model.trainable = True
    norm = model.network.get_layer("standardise")
    before = list(map(numpy_of, norm.weights))
    features = np.random.default_rng(0).normal(size=(6, norm.weights[0].shape[0]))
    expected = norm(features, training=False)
    model.network([features, np.eye(2)[[0, 1, 0, 1, 0, 1]]], training=True)
    np.testing.assert_array_equal(norm(features, training=True), expected)
    for weight, value in zip(norm.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    # Where files hold it under the name of its class.
    model.save_weights(tmp_path / "model.weights.h5")
    with h5py.File(tmp_path / "model.weights.h5") as file:
        stored = file["layers/functional/layers/batch_normalization/vars/0"][()]
    np.testing.assert_array_equal(stored, before[0])


def test_fingerprints_are_standardised_by_atoms_of_all_structures(monkeypatch):
    monkeypatch.setattr("csnn_tf.models.agni_dos._ATOMS_TO_ADAPT", 8)
    monkeypatch.setattr("csnn_tf.models.agni_dos._ATOMS_AT_ONCE", 5)
    model = AgniDensityOfStates.from_preset("tiny", ["C"], ENERGIES, cutoff=4.0)
    # All atoms of a diamond are alike, so any two stand for their 16.
    crystals = [bulk("C", a=a).repeat(2) for a in (3.5, 3.6, 3.8, 4.1)]
    environments = Environments.find(structures_of(crystals), ["C"], model.cutoff)
    model.adapt(environments)
    batch = environments.of_structures(range(4))
    features = numpy_of(
        model.fingerprints(batch["displacements"], batch["centre"], num_atoms=64)
    ).astype(np.float64)
    norm = model.network.get_layer("standardise")
    np.testing.assert_allclose(norm.moving_mean, features.mean(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(norm.moving_variance, features.var(axis=0), rtol=1e-3, atol=1e-5)


def test_numbers_of_weights():
    energies = np.arange(310) * 0.1 - 30
    for kind, published in ((AgniDensityOfStates, 392e3), (SchNetDensityOfStates, 976e3)):
        model = kind.from_preset("paper", ["C"], energies)
        count = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
        assert count == pytest.approx(published, rel=0.01)
    for kind, count in ((AgniDensityOfStates, 24431), (SchNetDensityOfStates, 25519)):
        model = kind.from_preset("tiny", ["C"], np.linspace(-30, 1, 311))
        assert model.count_params() == count


@pytest.mark.parametrize(
    ("kind", "arguments", "named"),
    [
        ("agni", {"gaussians": 0}, "gaussians"),
        ("agni", {"smallest": 9.0}, "smallest"),
        ("agni", {"invariants": "all"}, "invariants"),
        ("agni", {"level": 3}, "level"),
        ("agni", {"gaussians": 2**26}, "weights"),
        ("schnet", {"interactions": 0}, "interactions"),
        ("schnet", {"interactions": 257}, "interactions must be a whole number from 1 to 256"),
        ("schnet", {"filters": 10**4}, "weights"),
        ("schnet", {"cutoff": -1.0}, "cutoff"),
        ("schnet", {"filters": 1.5}, "filters"),
        ("schnet", {"preset": "huge"}, "huge"),
        ("mace", {}, "mace"),
    ],
)
def test_bad_arguments_are_named(kind, arguments, named, monkeypatch):
    monkeypatch.delattr("csnn_tf.models.agni_dos._Standardise")  # makes averages: not before
    fields = {"preset": "tiny", "elements": ["C"], "energies": ENERGIES, **arguments}
    with pytest.raises(InputError, match=named):
        dos_architecture(kind).from_preset(fields.pop("preset"), **fields)

"""Input that no density of states can be predicted for, and the predictor's electron counts."""

import dataclasses
import gc

import numpy as np
import pytest
from ase import Atoms

from csnn_tf.data.atoms import (
    StructureSet,
    builtin_carbon,
    structure_from_atoms,
    structures_from_atoms,
)
from csnn_tf.data.atoms.structure import Structure
from csnn_tf.dos_evaluation import evaluate_dos, turned_structures
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.electronic import cumulative_dos, solve_fermi
from csnn_tf.errors import InputError
from csnn_tf.grid import random_rotations
from csnn_tf.models import DensityOfStates
from csnn_tf.models.loading import load_model
from tests.helpers import compiled, eagerly, tensorflow_only

pytestmark = [tensorflow_only, eagerly]
ENERGIES = np.arange(24) * 0.5 - 11.0
PLACES = np.array([[0, 0, 0], [1.4, 0, 0], [0, 1.5, 0], [0, 0, 1.6]], float)


@pytest.fixture(scope="module")
def predictor():
    electrons = {"C": 4.0, "O": 6.0}
    model = DensityOfStates.from_preset(
        "tiny", ["C", "O"], ENERGIES, electrons, hidden=(8,), channels=4, cutoff=4.0
    )
    model.start_from(np.ones((2, 24), "float32") * [[0.9], [1.1]])
    return DosPredictor(model)


def structures_of(*frames):
    return StructureSet.from_structures(
        structure_from_atoms(frame, f"file.xyz[{place}]") for place, frame in enumerate(frames)
    )


def test_a_model_may_be_given_by_its_file_or_name(predictor, tmp_path):
    predictor.model.save(tmp_path / "carbon.keras")
    structures = structures_of(Atoms("C3O", PLACES))
    expected = predictor.predict(structures).dos
    found = DosPredictor(tmp_path / "carbon.keras").predict(structures).dos
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(InputError, match="modelnet40_small_so3 is a classifier of point clouds"):
        DosPredictor("modelnet40_small_so3")


def test_numbers_that_are_not_finite_are_the_model_s(predictor):
    bias = predictor.model.network.get_layer("smoothing").bias
    kept = bias.numpy()
    bias.assign([np.inf] * 3)
    with pytest.raises(InputError, match=r"not finite for file.xyz\[0\]: its weights"):
        predictor.predict(structures_of(Atoms("C3O", PLACES)))
    bias.assign(kept)


@compiled
def test_no_graph_outlives_its_predictor(predictor):
    import tensorflow as tf

    def graphs():
        DosPredictor(predictor.model).predict(builtin_carbon().subset([0]))
        gc.collect()
        return sum(isinstance(each, tf.__internal__.FuncGraph) for each in gc.get_objects())

    common = graphs()  # of the kernels
    assert common > 0
    assert graphs() == common


def test_a_set_of_structures_is_asked_for(predictor):
    frames = [Atoms("C3O", PLACES)]
    made = structures_from_atoms(frames, electrons={"C": 4, "O": 6}, name="mine")
    assert made.names.tolist() == ["mine[0]"]
    assert made.electrons.tolist() == [4.5]
    assert predictor.predict(made).dos.shape == (1, 24)
    for wrong in (frames, frames[0], "file.xyz"):
        with pytest.raises(InputError, match="structures must be a StructureSet, which "):
            predictor.predict(wrong)
    with pytest.raises(InputError, match=r"mine\[0\] must be an ase.Atoms object, not a str"):
        structures_from_atoms(["file.xyz"], name="mine")


GOOD = Atoms("C3O", PLACES)


@pytest.mark.parametrize(
    ("atoms", "named"),
    [
        (Atoms(), r"file.xyz\[1\].*no atoms"),
        (Atoms("C3Si", PLACES), r"file.xyz\[1\].*Si.*C, O"),
        (Atoms("C3O", PLACES, pbc=True), r"file.xyz\[1\].*cell"),
        (Atoms("C3O", PLACES, cell=[5, 5, 0], pbc=(0, 1, 1)), r"file.xyz\[1\].*cell"),
        (Atoms("C3O", np.where(PLACES == 1.6, np.nan, PLACES)), r"file.xyz\[1\].*atom 3.*finite"),
        (Atoms("C3O", PLACES * [1, 1, 0]), r"file.xyz\[1\].*atoms [03] and [03] .*same place"),
    ],
    ids=["empty", "element", "cell", "half a cell", "nan", "coincident"],
)
def test_a_bad_structure_is_named(predictor, atoms, named):
    with pytest.raises(InputError, match=named) as caught:
        predictor.predict(structures_of(GOOD, atoms))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dos", "named"),
    [
        (np.ones(23), "second.*24"),
        (np.r_[np.ones(23), -0.5], "second.*negative"),
        (np.r_[np.ones(23), np.nan], "second.*finite"),
    ],
    ids=["length", "negative", "nan"],
)
def test_a_bad_dos_is_named(dos, named):
    def structure(name, dos):
        return Structure(PLACES, np.full(4, 6), np.zeros((3, 3)), np.zeros(3, bool), dos, name=name)

    items = [structure("first", np.ones(24)), structure("second", dos)]
    with pytest.raises(InputError, match=named):
        StructureSet.from_structures(items, ENERGIES)


def test_no_structures_and_bad_chunks(predictor):
    with pytest.raises(InputError, match="no structures"):
        StructureSet.from_structures([])
    with pytest.raises(InputError, match="chunk_atoms"):
        DosPredictor(predictor.model, 0)


def test_a_single_atom_has_a_dos(predictor):
    found = predictor.predict(structures_of(Atoms("C")))
    assert np.isfinite(found.dos).all()
    assert found.electrons.tolist() == [4.0]


def test_levels_are_those_of_the_dos_and_the_electron_counts(predictor):
    found = predictor.predict(structures_of(GOOD, Atoms("C4", PLACES)))
    np.testing.assert_allclose(found.electrons, [4.5, 4.0])
    level, band = solve_fermi(ENERGIES, found.dos, [4.5, 4.0], role="prediction")
    np.testing.assert_array_equal(found.fermi_level, level)
    np.testing.assert_array_equal(found.band_energy, band)
    assert np.isfinite(level).all()
    assert found.atomic_dos is None


def test_every_figure_of_an_evaluation_is_of_its_convention(predictor):
    dos = np.ones((2, 24), "float32")
    structures = structures_of(GOOD, Atoms("C4", PLACES))
    structures = dataclasses.replace(
        structures, dos=dos, energies=ENERGIES, electrons=np.array([4.5, 4.0])
    )
    found = evaluate_dos(predictor.model, structures, convention="published", rotations=2, seed=1)
    options = {"convention": "published", "atoms": [4, 4], "role": "prediction"}

    def levels(atoms):
        return solve_fermi(ENERGIES, predictor.predict(atoms).dos, [4.5, 4.0], **options)

    level, band = levels(structures)
    np.testing.assert_array_equal(found.prediction.fermi_level, level)
    np.testing.assert_array_equal(found.prediction.band_energy, band)
    rng = np.random.default_rng(1)
    changes = [
        levels(turned_structures(structures, random_rotations(2, rng))).band_energy - band
        for _ in range(2)
    ]
    assert found.band_energy_change == np.abs(changes).mean()


def test_what_a_reference_lacks_a_prediction_may_lack_in_every_figure(predictor):
    structures = structures_of(Atoms("C4", PLACES))
    structures = dataclasses.replace(
        structures, dos=predictor.predict(structures).dos, energies=ENERGIES
    )
    held = cumulative_dos(ENERGIES, structures.dos)[0, -1]
    structures = dataclasses.replace(structures, electrons=np.array([held + 0.009]))
    found = evaluate_dos(predictor.model, structures, rotations=1, seed=np.int64(1))
    assert found.report.overall.unresolved == 0
    assert found.report.overall.band_energy_mae == 0
    assert np.isfinite(found.prediction.band_energy).all()
    assert found.prediction.electrons == pytest.approx(held)


@compiled
def test_an_evaluation_compiles_its_model_once(predictor, monkeypatch):
    structures = structures_of(Atoms("C4", PLACES))
    dos = predictor.predict(structures).dos
    structures = dataclasses.replace(structures, dos=dos, energies=ENERGIES)
    assert np.isnan(structures.electrons).all()
    compiled, own = [], DosPredictor._compile
    monkeypatch.setattr(DosPredictor, "_compile", lambda self: compiled.append(self) or own(self))
    found = evaluate_dos(predictor.model, structures)
    assert len(compiled) == 1
    np.testing.assert_array_equal(found.prediction.electrons, 4)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"rotations": 1, "seed": -1}, "seed must be .* not -1"),
        ({"rotations": 1.5}, "rotations must be .* not 1.5"),
        ({"rotations": -1}, "rotations must be .* not -1"),
        ({"convention": "paper"}, "convention is 'paper'"),
        ({"train": [GOOD]}, "structures must be a StructureSet"),
    ],
)
def test_bad_arguments_of_an_evaluation_are_named(predictor, options, named):
    structures = structures_of(GOOD)
    structures = dataclasses.replace(
        structures, dos=np.ones((1, 24)), energies=ENERGIES, electrons=np.array([4.5])
    )
    with pytest.raises(InputError, match=named):
        evaluate_dos(predictor.model, structures, **options)


def test_training_structures_that_do_not_fit_are_no_yardsticks(predictor):
    structures = dataclasses.replace(
        structures_of(GOOD), dos=np.ones((1, 24)), energies=ENERGIES, electrons=np.array([4.5])
    )

    def yardsticks(**changes):
        return evaluate_dos(
            predictor.model, structures, dataclasses.replace(structures, **changes)
        ).yardsticks

    assert yardsticks(energies=ENERGIES + 1e-9)
    with pytest.raises(InputError, match="train has 24 bins from .*, the model 24 bins"):
        yardsticks(energies=ENERGIES + 5)
    with pytest.raises(InputError, match="train has 12 bins"):
        yardsticks(energies=ENERGIES[::2], dos=np.ones((1, 12)))
    with pytest.raises(InputError, match="train holds structures without a DOS"):
        yardsticks(energies=None, dos=None)


@compiled
def test_the_shipped_model_predicts_the_builtin_test_structures():
    test = builtin_carbon().select(split="test")
    model = load_model("carbon_dos_small", DensityOfStates)
    seen = []
    result = evaluate_dos(
        model, test, None, rotations=2, progress=lambda *passes: seen.append(passes)
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert 0 < result.band_energy_change < 0.01
    assert result.report.overall.band_energy_mae < 0.015
    assert result.report.overall.dos_rmse < 0.0132
    assert result.report.overall.fermi_level_mae < 0.02
    assert result.report.types_within_chemical_accuracy == 8

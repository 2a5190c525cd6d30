"""The density-of-states model."""

import keras
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from csnn_tf.data.atoms import StructureSet, structure_from_atoms
from csnn_tf.data.environments import Environments, padded
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.errors import InputError
from csnn_tf.grid import icosahedral_rotations
from csnn_tf.models import DensityOfStates
from csnn_tf.models.atomic_dos_model import structure_means
from csnn_tf.models.dos_architectures import dos_architecture
from tests.helpers import (
    EVERY,
    eagerly,
    inferred,
    long_on_jax,
    mixed,
    numpy_of,
    randomise,
    relative,
    saved_and_loaded,
)

ENERGIES = np.arange(20) * 0.5 - 9.0
ELEMENTS = ["C", "Si"]


def tiny(elements=ELEMENTS, **changes):
    fields = {"cutoff": 4.0, "hidden": (16,), "channels": 6, **changes}
    model = DensityOfStates.from_preset(
        "tiny", elements, ENERGIES, dict.fromkeys(elements, 4.0), **fields
    )
    randomise(model, seed=3)
    return model


@pytest.fixture(scope="module")
def model():
    return tiny()


def structures_of(frames) -> StructureSet:
    return StructureSet.from_structures(
        structure_from_atoms(frame, f"frame {place}") for place, frame in enumerate(frames)
    )


def distorted(seed=0) -> Atoms:
    """A skewed cell, smaller than the cutoff, of two elements."""
    atoms = bulk("SiC", "zincblende", a=4.3)
    atoms.set_cell(atoms.cell.array + 0.1 * np.random.default_rng(seed).normal(size=(3, 3)), True)
    atoms.rattle(0.1, seed=seed)
    return atoms


def molecule(seed=0) -> Atoms:
    grid = np.indices((2, 2, 2)).reshape(3, -1).T * 1.6
    positions = grid + np.random.default_rng(seed).normal(size=grid.shape) * 0.1
    return Atoms("CSi3C4", positions)


def predicted(model, frames, **options):
    return DosPredictor(model, **options).predict(structures_of(frames), atomic=True)


def turned(atoms, matrix) -> Atoms:
    atoms = atoms.copy()
    atoms.set_cell(atoms.cell.array @ matrix.T)
    atoms.positions = atoms.positions @ matrix.T
    return atoms


@pytest.mark.parametrize(
    "atoms",
    [distorted(), molecule(), bulk("SiC", "zincblende", a=4.36)],
    ids=["distorted crystal", "molecule", "ideal crystal"],
)
def test_the_60_grid_rotations_change_nothing(model, atoms):
    dos = predicted(model, [turned(atoms, matrix) for matrix in icosahedral_rotations()]).dos
    assert np.ptp(dos[0]) > 0.1
    assert relative(dos, np.repeat(dos[:1], 60, axis=0)) < 1e-5


@long_on_jax
def test_mixed_precision_keeps_the_digits_of_positions():
    model = mixed(tiny)
    structures = structures_of([distorted(), molecule()])
    atoms = Environments.find(structures, model.elements, model.cutoff).of_structures(range(2))
    # Not by way of Keras, which may round what a model is called with.
    expected = structure_means(model.atomic_dos(atoms, training=False), atoms["counts"])
    np.testing.assert_array_equal(numpy_of(model(atoms, training=False)), numpy_of(expected))


def test_translation_and_repetition_change_nothing(model):
    atoms = distorted(1)
    moved = atoms.copy()
    moved.translate([3.21, -17.4, 0.77])
    wrapped = moved.copy()
    wrapped.wrap()
    frames = [atoms, moved, wrapped, atoms.repeat((2, 1, 3))]
    dos = predicted(model, frames).dos
    assert relative(dos, np.repeat(dos[:1], len(frames), axis=0)) < 1e-5
    assert relative(predicted(model, [distorted(2)]).dos, dos[:1]) > 1e-3


def test_permuting_the_atoms_permutes_their_contributions(model):
    atoms, order = molecule(), np.random.default_rng(0).permutation(8)
    before, after = predicted(model, [atoms]), predicted(model, [atoms[order]])
    assert relative(after.dos, before.dos) < 1e-6
    assert relative(after.atomic_dos, before.atomic_dos[order]) < 1e-6


@long_on_jax
@eagerly
def test_contributions_average_to_the_dos_and_chunks_change_nothing(model):
    frames = [molecule(), distorted(), molecule(1), distorted(1).repeat((2, 1, 1))]
    whole = predicted(model, frames)
    assert whole.counts.tolist() == [8, 2, 8, 4]
    means = [part.mean(axis=0) for part in np.split(whole.atomic_dos, [8, 10, 18])]
    assert relative(whole.dos, means) < 1e-6
    for size in (1, 3, 16):
        chunked = predicted(model, frames, chunk_atoms=size)
        assert relative(chunked.dos, whole.dos) < 1e-5
        assert relative(chunked.atomic_dos, whole.atomic_dos) < 1e-5
        np.testing.assert_allclose(chunked.band_energy, whole.band_energy, rtol=1e-4)


def test_a_call_with_padding_equals_the_predictor(model):
    structures = structures_of([molecule(), distorted()])
    batch = Environments.find(structures, model.elements, model.cutoff).of_structures([1, 0])
    expected = predicted(model, [distorted(), molecule()]).dos
    assert relative(inferred(model, batch), expected) < 1e-5
    more = padded(batch, len(batch["atoms"]) + 5, len(batch["centre"]) + 9)
    assert relative(inferred(model, more), expected) < 1e-5


def test_structure_means_ignore_padding():
    values = np.random.default_rng(0).normal(size=(9, 4)).astype("float32")
    expected = [values[:2].mean(0), values[2:3].mean(0), values[3:7].mean(0)]
    found = numpy_of(structure_means(values, np.array([2, 1, 4])))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_element_of_the_atom_itself_matters(model):
    frames = [molecule(), molecule()]
    frames[1].symbols[0] = "Si"
    first, second = (predicted(model, [frame]).atomic_dos[0] for frame in frames)
    assert relative(second, first) > 1e-4


def test_the_published_number_of_weights():
    model = DensityOfStates.from_preset("paper", ["C"], np.arange(310) * 0.1 - 30)
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == 1_061_998
    assert model.numbers_per_atom == 642 * 64


def test_the_docstrings_example():
    model = DensityOfStates.from_preset("tiny", ["C"], np.linspace(-30, 1, 311), {"C": 4})
    assert model.count_params() == 29599


def test_electrons_may_be_one_number_for_all_elements(model):
    fields = {"cutoff": 4.0, "hidden": (16,), "channels": 6}
    other = DensityOfStates.from_preset("tiny", ELEMENTS, ENERGIES, 4, **fields)
    assert other.electrons == model.electrons


def test_saved_and_loaded_again(model, tmp_path):
    again = saved_and_loaded(model, tmp_path)
    assert isinstance(again, DensityOfStates)
    assert again.get_config() == model.get_config()
    frames = [molecule(), distorted()]
    np.testing.assert_allclose(
        predicted(again, frames).dos, predicted(model, frames).dos, rtol=1e-6, atol=1e-7
    )


def test_starting_from_a_mean_dos():
    model = DensityOfStates.from_preset("tiny", ["C"], ENERGIES, hidden=(16,), channels=6)
    rng = np.random.default_rng(0)
    dos = (1 + np.sin(ENERGIES) ** 2 + 0.01 * rng.normal(size=(5, 20))).astype("float32")
    model.start_from(dos)
    atoms = Atoms("C8", molecule().positions)
    found = predicted(model, [atoms])
    assert relative(found.dos[0], dos.mean(axis=0)) < 0.35
    assert np.isnan(found.fermi_level).all()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"elements": []}, "elements"),
        ({"elements": ["C", "C"]}, "elements"),
        ({"elements": 6}, "elements"),
        ({"elements": [["C"]]}, "elements"),
        ({"energies": [0, 1, 2]}, "energies"),
        ({"energies": [0, 1, 2, 4]}, "energies"),
        ({"energies": [3, 2, 1, 0]}, "energies"),
        ({"energies": "abc"}, "energies must be an array of numbers, not 'abc'"),
        ({"energies": [[0, 1], [2]]}, "energies"),
        ({"electrons": {"Si": 4}}, "electrons"),
        ({"electrons": {"C": -4}}, "electrons"),
        ({"electrons": {"C": "4"}}, "electrons of C must be a number, not '4'"),
        ({"electrons": {"C": np.inf}}, "electrons"),
        ({"electrons": 0}, "electrons"),
        ({"electrons": [4]}, "electrons"),
        ({"cutof": 3.0}, "cutof"),
        ({"hidden": (0,)}, "hidden"),
        ({"preset": "huge"}, "huge"),
        ({"preset": ["tiny"]}, "preset must be one of paper"),
    ],
)
def test_bad_arguments_are_named(arguments, named):
    fields = {"preset": "tiny", "elements": ["C"], "energies": ENERGIES, **arguments}
    with pytest.raises(InputError, match=named):
        DensityOfStates.from_preset(fields.pop("preset"), **fields)


@long_on_jax
@pytest.mark.parametrize("architecture", ["csnn", "agni", "schnet"][EVERY])
def test_a_model_that_was_called_has_a_summary(architecture):
    model = dos_architecture(architecture).from_preset("tiny", ["C"], np.arange(8.0))
    atoms = bulk("C")
    structures = StructureSet.from_structures([structure_from_atoms(atoms, "diamond")])
    model(Environments.find(structures, model.elements, model.cutoff).of_structures([0]))
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    assert "network" in "".join(lines)


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        (
            "csnn",
            {
                "cutoff": 5.0,
                "r_min": 0.5,
                "cutoff_function": "cosine",
                "pooling": "max",
                "early_reduction": False,
            },
        ),
        ("agni", {"cutoff": 5.0, "gaussians": 5, "smallest": 0.7}),
        ("schnet", {"cutoff": 5.0, "gaussians": 5, "filters": 4}),
    ],
)
def test_a_subclass_that_passes_its_arguments_on_keeps_the_fields(architecture, changes, tmp_path):
    base = dos_architecture(architecture)

    @keras.saving.register_keras_serializable(package="tests", name=f"own_{architecture}")
    class Own(base):
        def __init__(self, *args, smear=0.0, **kwargs):
            super().__init__(*args, **kwargs)
            self.smear = smear

        def get_config(self):
            return {**super().get_config(), "smear": self.smear}

    assert Own.fields() == ("smear", *base.fields())
    assert Own.default("cutoff") == base.default("cutoff")
    own = Own.from_preset("tiny", ["C"], ENERGIES, smear=0.1, **changes)
    plain = base.from_preset("tiny", ["C"], ENERGIES, **changes)
    expected = {**plain.get_config(), "name": own.name, "smear": 0.1}
    kept = {*base.presets.get("tiny"), *changes, "smear", "elements", "energies", "name"}
    found = own.get_config()
    assert all(item in expected.items() for item in found.items())
    assert kept <= found.keys()  # the others are the class's, given again or not
    loaded = saved_and_loaded(own, tmp_path)
    assert type(loaded) is Own
    assert loaded.get_config() == own.get_config()
    with pytest.raises(InputError, match="unknown field 'smaer': did you mean smear"):
        Own.from_preset("tiny", ["C"], ENERGIES, smaer=0.1)


def test_a_subclass_may_fix_a_field(tmp_path):
    @keras.saving.register_keras_serializable(package="tests")
    class Near(DensityOfStates):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, cutoff=5.0, channels=3, hidden=(6,), **kwargs)

    fields = {**DensityOfStates.presets.get("tiny"), "r_min": 0.5}
    for name in ("cutoff", "channels", "hidden"):
        fields.pop(name, None)
    loaded = saved_and_loaded(Near(["C"], ENERGIES, **fields), tmp_path)
    mapping = loaded.to_spheres.get_config()
    assert (mapping["cutoff"], mapping["r_min"]) == (5.0, 0.5)
    assert (mapping["channels"], loaded.hidden) == (3, (6,))

"""The calculator for users of ASE."""

import copy
import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene

from csnn_tf.ase_interface import DosCalculator
from csnn_tf.data.atoms import StructureSet, structure_from_atoms
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.errors import InputError
from csnn_tf.models import DensityOfStates
from tests.helpers import eagerly, tensorflow_only

pytestmark = [tensorflow_only, eagerly]
ENERGIES = np.arange(24) * 0.5 - 11.0


def tiny(electrons):
    model = DensityOfStates.from_preset(
        "tiny", ["C"], ENERGIES, electrons, hidden=(8,), channels=4, cutoff=4.0
    )
    model.start_from(np.ones((2, 24), "float32") * [[0.9], [1.1]])
    return model


@pytest.fixture(scope="module")
def model():
    return tiny({"C": 4.0})


@pytest.fixture
def sheet():
    atoms = graphene(size=(2, 1, 1), vacuum=5.0)
    atoms.rattle(0.05, seed=1)
    return atoms


def predicted(model, atoms):
    structures = StructureSet.from_structures([structure_from_atoms(atoms, "sheet")])
    return DosPredictor(model).predict(structures, atomic=True)


def test_of_the_whole_cell_and_equal_to_the_predictor(model, sheet):
    calculator, expected = DosCalculator(model, sheet), predicted(model, sheet)
    np.testing.assert_array_equal(calculator.get_energies(), expected.energies)
    np.testing.assert_allclose(calculator.get_dos(), expected.dos[0] * 4, rtol=1e-6)
    np.testing.assert_allclose(calculator.get_atomic_dos(), expected.atomic_dos, rtol=1e-6)
    np.testing.assert_allclose(
        calculator.get_atomic_dos().sum(axis=0), calculator.get_dos(), rtol=1e-5
    )
    assert calculator.get_number_of_electrons() == 16
    assert calculator.get_fermi_level() == pytest.approx(expected.fermi_level[0])
    assert calculator.get_band_energy() == pytest.approx(4 * expected.band_energy[0])


def test_what_only_data_sets_need_is_not_looked_at(model, sheet):
    expected = DosCalculator(model, sheet).get_fermi_level()
    sheet.info |= {"temperature": "300 K", "electrons": "four", "dos": "none", "split": 7}
    assert DosCalculator(model, sheet).get_fermi_level() == expected


def test_a_result_is_kept_until_something_changes(model, sheet, monkeypatch):
    calculator, calls = DosCalculator(model, sheet), []
    predict = calculator._predictor.predict

    def counted(*arguments, **options):
        calls.append(1)
        return predict(*arguments, **options)

    monkeypatch.setattr(calculator._predictor, "predict", counted)
    first = calculator.get_dos()
    calculator.get_fermi_level()
    assert len(calls) == 1
    sheet.positions[0, 2] += 0.3
    assert not np.array_equal(calculator.get_dos(), first)
    sheet.pbc = (True, False, False)
    calculator.get_dos()
    sheet.cell[0] *= 1.1
    calculator.get_dos()
    calculator.get_dos(sheet[:2])
    assert len(calls) == 5


def test_copies_and_pickled_ones_compute_with_models_of_their_own(sheet):
    calculator = DosCalculator(tiny({"C": 4.0}), sheet)
    expected = calculator.get_dos()
    for other in (copy.deepcopy(calculator), pickle.loads(pickle.dumps(calculator))):
        np.testing.assert_array_equal(other.get_dos(), expected)
        other.model.set_weights([0 * weight for weight in other.model.get_weights()])
        assert not other.get_dos().any()
    np.testing.assert_array_equal(calculator.get_dos(), expected)


def test_a_saved_model(model, sheet, tmp_path):
    path = tmp_path / "dos.keras"
    model.save(path)
    calculator = DosCalculator(path, chunk_atoms=3)
    np.testing.assert_allclose(
        calculator.get_dos(sheet), DosCalculator(model).get_dos(sheet), rtol=1e-5
    )


def test_errors_are_one_clear_sentence(model, sheet):
    with pytest.raises(InputError, match="there are no atoms"):
        DosCalculator(model).get_dos()
    with pytest.raises(InputError, match="no atoms"):
        DosCalculator(model).get_dos(Atoms())
    with pytest.raises(InputError, match="no-such-model"):
        DosCalculator("no-such-model")
    for given, kind in (([sheet], "list"), ("POSCAR", "str")):
        with pytest.raises(InputError, match=f"must be an ase.Atoms object, not a {kind}"):
            DosCalculator(model).get_dos(given)
    with pytest.raises(InputError, match="C2Si.*Si"):
        DosCalculator(model).get_dos(Atoms("C2Si", np.eye(3) * 1.5))
    blind = DosCalculator(tiny(None), sheet)
    assert blind.get_dos().shape == (24,)
    assert np.isnan(blind.get_number_of_electrons())
    with pytest.raises(InputError, match="how many electrons"):
        blind.get_fermi_level()
    told = DosCalculator(blind.model, sheet, electrons={"C": 4.0})
    assert told.get_number_of_electrons() == 16
    assert np.isfinite(told.get_fermi_level())
    assert DosCalculator(model, sheet, electrons=3).get_number_of_electrons() == 12
    with pytest.raises(InputError, match="C4 contains C, whose electron count is not given"):
        DosCalculator(model, electrons={"Si": 4}).get_fermi_level(sheet)
    with pytest.raises(InputError, match="electrons must be a positive number"):
        DosCalculator(model, electrons=-4)
    hungry = DosCalculator(tiny({"C": 4000.0}), sheet)
    with pytest.raises(InputError, match="never reaches"):
        hungry.get_band_energy()

"""Damaged and hostile files of density-of-states models: refused, or their answers are finite."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csnn_tf.data.atoms import Structure, StructureSet
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.errors import InputError
from csnn_tf.models.atomic_dos_model import AtomicDosModel
from csnn_tf.models.dos_architectures import DOS_ARCHITECTURES
from csnn_tf.models.kind import is_dos_model
from csnn_tf.models.loading import load_model
from tests.fuzz.cases import JSON, cases, damaged, refused_or_right
from tests.fuzz.test_model_files import config, members, packed, write

DIMER = Structure(
    np.array([[0, 0, 0], [1.3, 0, 0]]), np.array([6, 6]), np.eye(3), False, name="dimer"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The members of a small .keras file of every architecture."""
    found = {}
    for name, kind in DOS_ARCHITECTURES.items():
        changes = {"hidden": [4], "cutoff": 2.0}
        model = kind.from_preset("tiny", ["C"], np.linspace(-30, 1, 8), {"C": 4}, **changes)
        path = tmp_path_factory.mktemp("model") / f"{name}.keras"
        model.save(path)
        found[name] = members(path)
    return found


def check(path):
    is_dos_model(path)
    with refused_or_right(path, "the model gives numbers"):
        model = load_model(path, AtomicDosModel)
        structures = StructureSet.from_structures([DIMER])
        if "C" not in model.elements:
            return
        found = DosPredictor(model, 16).predict(structures)
        assert found.dos.shape == (1, len(model.energies))
        assert np.isfinite(found.dos).all()


ARCHITECTURE = st.sampled_from(sorted(DOS_ARCHITECTURES))


@given(data=st.data(), name=ARCHITECTURE)
@cases(0.2, short=5)
def test_damaged_bytes(files, tmp_path_factory, data, name):
    check(write(tmp_path_factory, data.draw(damaged(packed(files[name])))))


@given(
    data=st.data(), name=ARCHITECTURE, member=st.sampled_from(["config.json", "model.weights.h5"])
)
@cases(0.2, short=5)
def test_damaged_members_of_a_sound_archive(files, tmp_path_factory, data, name, member):
    changed = {**files[name], member: data.draw(damaged(files[name][member]))}
    check(write(tmp_path_factory, packed(changed)))


@given(data=st.data(), name=ARCHITECTURE, value=JSON)
@cases(0.3, short=10)
def test_configurations_with_other_values(files, tmp_path_factory, data, name, value):
    content = json.loads(files[name]["config.json"])
    inner = content["config"]
    inner[data.draw(st.sampled_from(sorted(inner)))] = value
    check(write(tmp_path_factory, packed({**files[name], "config.json": json.dumps(content)})))


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": [10**9, 10**9]},
        {"hidden": [8] * 10**5},
        {"energies": [float(n) for n in range(10**6)]},
    ],
    ids=["a huge layer", "many layers", "many bins"],
)
@pytest.mark.parametrize("name", sorted(DOS_ARCHITECTURES))
def test_hostile_files_are_refused(files, tmp_path_factory, name, changes):
    path = write(tmp_path_factory, packed(config(**changes)(files[name])))
    with pytest.raises(InputError, match=r"damaged\.keras"):
        load_model(path, AtomicDosModel)


@pytest.mark.parametrize("name", sorted(DOS_ARCHITECTURES))
def test_a_huge_cutoff_does_not_fill_the_memory(files, tmp_path_factory, name):
    path = write(tmp_path_factory, packed(config(cutoff=1e30)(files[name])))
    model = load_model(path, AtomicDosModel)
    crystal = Structure(DIMER.positions, DIMER.numbers, 3 * np.eye(3), True, name="crystal")
    with pytest.raises(InputError, match="cutoff"):
        DosPredictor(model, 16).predict(StructureSet.from_structures([crystal]))

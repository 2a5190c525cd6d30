"""Choices of a density-of-states export, in this process."""

import re

import numpy as np
import pytest
import tensorflow as tf

from csnn_tf.ase_interface import DosCalculator
from csnn_tf.data.environments import Environments
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.errors import InputError
from csnn_tf.export import ExportOptions, export_model, serving_of
from csnn_tf.export.warmup import check_examples
from csnn_tf.grid import random_rotations
from csnn_tf.models import DensityOfStates
from tests.export.dos_cases import (
    ENERGIES,
    crystal_request,
    dos_model,
    frames,
    neighbor_request,
    structures,
)
from tests.helpers import compiled, eagerly, relative

pytestmark = eagerly  # default options are traced in test_dos_serving.py
CRYSTALS = crystal_request(frames())


@pytest.fixture(scope="module")
def model():
    return dos_model()


def _run(serving, signature="serving_default", request=CRYSTALS):
    function = serving.signatures()[signature]
    return function(*(tf.constant(request[spec.name]) for spec in function.input_signature))


@compiled
def test_votes_average_over_rotations(model):
    pairs = neighbor_request(model, frames())
    place = {8: 0, 6: 1}
    batch = {
        "centre": pairs["centre"],
        "species": np.array([place[n] for n in pairs["neighbor_numbers"]], np.int32),
        "atoms": np.array([place[n] for n in pairs["numbers"]], np.int32),
    }
    expected = np.mean(
        [
            model.atomic_dos({**batch, "displacements": np.float32(pairs["displacements"] @ r.T)})
            for r in random_rotations(2, np.random.default_rng(20))
        ],
        axis=0,
    )
    serving = serving_of(model, ExportOptions(votes=2))
    assert relative(_run(serving, "neighbors_atomic", pairs)["atomic_dos"], expected) < 1e-5
    found = DosPredictor(model, chunk_atoms=5, votes=2).predict(structures(frames()), atomic=True)
    assert relative(found.atomic_dos, expected) < 1e-5
    calculator = DosCalculator(model, votes=2)
    assert relative(calculator.get_atomic_dos(frames()[0]), expected[:2]) < 1e-5


@compiled
def test_atoms_in_several_steps(model):
    serving = serving_of(model, ExportOptions())
    assert serving._chunk >= 16
    serving._chunk = 3
    expected = DosPredictor(model).predict(structures(frames()), atomic=True).atomic_dos
    assert relative(_run(serving, "atomic")["atomic_dos"], expected) < 1e-5


@compiled
def test_bfloat16_gives_float32(model):
    serving = serving_of(model, ExportOptions(precision="bfloat16"))
    assert {variable.dtype for variable in serving.variables} == {tf.bfloat16, tf.float32}
    found, expected = _run(serving), DosPredictor(model).predict(structures(frames()))
    assert {value.dtype for value in found.values()} == {tf.float32}
    assert 0 < relative(found["dos"], expected.dos) < 0.1


def test_unreached_and_unknown_electrons(model):
    config = model.get_config()
    little = DensityOfStates.from_config({**config, "electrons": {"O": 6.0, "C": 400.0}})
    little.set_weights(model.get_weights())
    found = _run(serving_of(little, ExportOptions()))
    expected = DosPredictor(little).predict(structures(frames()))
    np.testing.assert_array_equal(np.isnan(found["fermi_level"]), np.isnan(expected.fermi_level))
    np.testing.assert_array_equal(np.isnan(found["band_energy"]), [True, True, True, True])
    unknown = DensityOfStates.from_config({**config, "electrons": None})
    assert set(_run(serving_of(unknown, ExportOptions()))) == {"dos", "energies"}


@pytest.mark.slow
def test_limits_are_the_options_and_an_element_may_be_the_only_one():
    model = DensityOfStates.from_preset(
        "tiny", ["C"], ENERGIES, {"C": 4}, hidden=(8,), channels=4, cutoff=4.0, angular="linear"
    )
    carbon = crystal_request([frames()[0], frames()[3]])
    function = _run(serving_of(model, ExportOptions()), "atomic", carbon)
    expected = (
        DosPredictor(model).predict(structures([frames()[0], frames()[3]]), atomic=True).atomic_dos
    )
    np.testing.assert_allclose(function["atomic_dos"], expected, rtol=1e-5, atol=1e-5)
    for limits, message in (
        ({"max_clouds": 1}, "counts: over 1 structures"),
        ({"max_atoms": 9}, "numbers: over 9 atoms"),
        ({"max_points": 50}, "positions: over 50 pairs"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            _run(serving_of(model, ExportOptions(**limits)), request=carbon)


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        ({"max_clouds": 1}, 4),
        ({"max_atoms": 3, "max_points": 4}, 5),
        ({"max_points": 1}, 4),
    ],
)
def test_examples_keep_to_the_limits(model, limits, count):
    serving = serving_of(model, ExportOptions(**limits))
    examples, signatures = serving.examples(), serving.signatures()
    assert len(examples) == count
    assert {request.signature for request in examples} == set(signatures)
    check_examples(signatures, examples)


@pytest.mark.parametrize("file_format", ["onnx", "tflite"])
def test_other_formats_are_refused(model, tmp_path, capfd, file_format):
    model.save(tmp_path / "carbon.keras")
    with pytest.raises(InputError, match="exported for TensorFlow only: its mapping"):
        export_model(tmp_path / "carbon.keras", tmp_path, file_format=file_format)
    assert not (tmp_path / "carbon").exists()
    assert capfd.readouterr().err == ""


def test_an_element_that_is_none_is_refused():
    odd = DensityOfStates.from_preset("tiny", ["Q"], ENERGIES)
    with pytest.raises(InputError, match="'Q' is not a chemical symbol"):
        serving_of(odd, ExportOptions())


def test_a_mapping_to_nearest_vertices_is_exported_to_onnx(tmp_path):
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = dos_model(angular="nearest")
    model.save(tmp_path / "carbon.keras")
    path = export_model(tmp_path / "carbon.keras", tmp_path, file_format="onnx").path
    found = Environments.find(structures(frames()), model.elements, model.cutoff)
    batch = found.of_structures(range(len(frames())))
    session = onnxruntime.InferenceSession(path / "model.onnx", providers=["CPUExecutionProvider"])
    card = (path / "model_card.md").read_text("utf-8").partition("## Limits")[0]
    told = dict(re.findall(r"`(\w+)` (\w+)", card))
    kinds = {"tensor(float)": "float32", "tensor(int32)": "int32"}
    tensors = (*session.get_inputs(), *session.get_outputs())
    assert told == {tensor.name: kinds[tensor.type] for tensor in tensors}
    assert "count from 0 in this order: O, C." in card
    (dos,) = session.run(None, {value.name: batch[value.name] for value in session.get_inputs()})
    expected = DosPredictor(model).predict(structures(frames()), atomic=True).atomic_dos
    assert relative(dos, expected) < 1e-5

"""The published density-of-states model's numbers, with its weights."""

import numpy as np
import pytest

from csnn_tf.convert_dos import load_published_dos_weights
from csnn_tf.electronic import cumulative_dos
from csnn_tf.errors import InputError
from csnn_tf.models import DensityOfStates
from csnn_tf.models.atomic_dos_model import structure_means
from tests.helpers import golden, golden_config, numpy_of, our_vertices, relative

GOLDEN = golden("dos_l2")
WEIGHTS = {k.removeprefix("w/"): v for k, v in GOLDEN.items() if k.startswith("w/")}
ENERGIES = np.arange(31) * 0.1 - 2.0


def published_model():
    config = golden_config("dos_l2")
    return DensityOfStates(
        ["C"],
        ENERGIES[: config["bins"]],
        level=config["level"],
        channels=config["radial_channels"],
        intra_filters=config["graph_dims"],
        intra_layers=config["graph_layers"],
        co_radial_filters=config["radial_dims"],
        co_radial_layers=config["radial_layers"],
        hidden=config["hidden"],
        pooling=config["pool"],
    )


def test_dos_and_cumulative_dos():
    model = published_model()
    load_published_dos_weights(model, WEIGHTS)
    features = np.empty((15, 162, 1, 6), "float32")
    features[:, our_vertices(GOLDEN["vertices"], 2)] = GOLDEN["x"].transpose(0, 2, 1, 3)
    atomic = model.network(features, training=False)
    dos = numpy_of(structure_means(atomic, GOLDEN["atoms_per_structure"]))
    assert relative(dos, GOLDEN["dos"]) < 1e-5
    found = cumulative_dos(ENERGIES, dos, convention="published")
    assert relative(found, GOLDEN["cumulative_dos"]) < 1e-5


@pytest.mark.parametrize("change", ["missing", "unexpected", "shape", "nan"])
def test_weights_that_do_not_fit_are_named_and_set_nothing(change):
    name = "output.dense_layers.1.weight"
    weights = {key: value.copy() for key, value in WEIGHTS.items()}
    if change == "missing":
        del weights[name]
    elif change == "unexpected":
        name = "output.dense_layers.9.weight"
        weights[name] = np.zeros((2, 2), "float32")
    elif change == "shape":
        weights[name] = weights[name][:3]
    else:
        weights[name][0, 0] = np.nan
    model = published_model()
    before = [numpy_of(weight) for weight in model.weights]
    with pytest.raises(InputError, match=name):
        load_published_dos_weights(model, weights)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(numpy_of(weight), value)

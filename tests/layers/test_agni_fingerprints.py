"""AGNI fingerprints, against their formula."""

import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.layers import AgniFingerprints
from tests.helpers import numpy_of

CUTOFF, WIDTHS = 4.0, np.geomspace(0.7, 3.0, 3)


def layer(**changes):
    fields = {"elements": 2, "cutoff": CUTOFF, "smallest": 0.7, "largest": 3.0, **changes}
    return AgniFingerprints(3, **fields)


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 3))
    vectors *= rng.uniform(0.8, 4.5, size=(40, 1)) / np.linalg.norm(vectors, axis=1, keepdims=True)
    centre = np.sort(rng.integers(0, 3, size=40)).astype("int32")
    return vectors.astype("float32"), centre, rng.integers(0, 2, size=40).astype("int32")


def test_the_formula(pairs):
    vectors, centre, species = pairs
    found = numpy_of(layer()(vectors, centre, species, num_atoms=4)).reshape(4, 2, 3, 5)
    for atom in range(3):
        for element in range(2):
            rows = vectors[(centre == atom) & (species == element)].astype(float)
            d = np.linalg.norm(rows, axis=1)
            cut = np.where(d <= CUTOFF, (1 + np.cos(np.pi * d / CUTOFF)) / 2, 0)
            for k, sigma in enumerate(WIDTHS):
                w = np.exp(-(d**2) / (2 * sigma**2)) * cut
                tensor = np.einsum("p,pi,pj->ij", w, rows / sigma, rows / sigma)
                values = np.linalg.eigvalsh(tensor)
                expected = [
                    w.sum(),
                    np.linalg.norm(w @ (rows / sigma)),
                    values.sum(),
                    values[0] * values[1] + values[0] * values[2] + values[1] * values[2],
                    values.prod(),
                ]
                np.testing.assert_allclose(found[atom, element, k], expected, rtol=1e-4, atol=1e-5)
    assert not found[3].any()  # no neighbours


def test_orders_are_parts_of_each_other_and_padding_counts_nowhere(pairs):
    vectors, centre, species = pairs
    whole = numpy_of(layer()(vectors, centre, species, num_atoms=3)).reshape(3, 6, 5)
    for name, count in (("scalar", 1), ("vector", 2)):
        part = layer(invariants=name)(vectors, centre, species, num_atoms=3)
        shape = layer(invariants=name).compute_output_shape((len(vectors), 3))
        assert tuple(part.shape) == (3, *shape[1:]) == (3, 6 * count)
        np.testing.assert_allclose(
            numpy_of(part).reshape(3, 6, count), whole[..., :count], rtol=1e-5, atol=1e-6
        )
    more = [np.concatenate([part, np.zeros_like(part[:5])]) for part in pairs]
    np.testing.assert_allclose(
        numpy_of(layer()(*more, num_atoms=3)).reshape(3, 6, 5), whole, rtol=1e-5, atol=1e-6
    )


def test_configuration_and_bad_calls(pairs):
    vectors, centre, _ = pairs
    config = layer().get_config()
    assert AgniFingerprints.from_config(config).get_config() == config
    with pytest.raises(InputError, match="species"):
        layer()(vectors, centre)
    with pytest.raises(InputError, match="displacements"):
        layer()(vectors[:, :2], centre)
    with pytest.raises(InputError, match="invariants must be one of .*, not 'all'"):
        layer(invariants="all")

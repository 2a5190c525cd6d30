"""SchNet's layers, against their formulas."""

import numpy as np

from csnn_tf.layers import SchNetDescriptor, SchNetInteraction
from tests.helpers import numpy_of, randomise

CUTOFF = 4.0


def softplus(x):
    return np.logaddexp(x, 0) - np.log(2)


def dense(layer, x):
    return x @ numpy_of(layer.kernel) + (numpy_of(layer.bias) if layer.use_bias else 0)


def batch():
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 4, size=(5, 3))
    centre, neighbor = (~np.eye(5, dtype=bool)).nonzero()
    vectors = positions[neighbor] - positions[centre]
    return vectors.astype("float32"), centre.astype("int32"), neighbor.astype("int32")


def test_the_interaction_is_a_sum_over_neighbours():
    _, centre, neighbor = batch()
    rng = np.random.default_rng(1)
    features, expanded = rng.normal(size=(5, 6)), rng.uniform(size=(20, 4))
    cutoff = rng.uniform(size=20)
    block = SchNetInteraction(6)
    inputs = [array.astype("float32") for array in (features, expanded, cutoff)]
    block(*inputs, centre, neighbor)
    randomise(block)
    found = numpy_of(block(*inputs, centre, neighbor))
    total = np.zeros((5, 6))
    for pair, (a, b) in enumerate(zip(centre, neighbor, strict=True)):
        weight = softplus(
            dense(block.filter_out, softplus(dense(block.filter_hidden, expanded[pair])))
        )
        total[a] += dense(block.before, features[b]) * weight * cutoff[pair]
    expected = features + dense(block.out, softplus(dense(block.after, total)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_descriptor_expands_distances_and_ends_at_the_cutoff():
    vectors, centre, neighbor = batch()
    atoms = np.array([0, 1, 0, 1, 1], "int32")
    layer = SchNetDescriptor(6, 1, gaussians=5, elements=2, cutoff=CUTOFF)
    layer(vectors, centre, neighbor, atoms)
    randomise(layer)
    found = numpy_of(layer(vectors, centre, neighbor, atoms))
    d = np.linalg.norm(vectors, axis=1)
    assert (d > CUTOFF).any()
    expanded = np.exp(-((d[:, None] - np.arange(5)) ** 2) / 2)
    cut = np.where(d <= CUTOFF, (1 + np.cos(np.pi * d / CUTOFF)) / 2, 0)
    first = numpy_of(layer.embedding.embeddings)[atoms]
    block = layer.blocks[0]
    expected = block(first, expanded.astype("float32"), cut.astype("float32"), centre, neighbor)
    np.testing.assert_allclose(found, numpy_of(expected), rtol=1e-4, atol=1e-4)
    near = d <= CUTOFF
    nearer = layer(vectors[near], centre[near], neighbor[near], atoms)
    np.testing.assert_allclose(numpy_of(nearer), found, rtol=1e-5, atol=1e-5)


def test_configurations():
    for layer in (SchNetInteraction(7), SchNetDescriptor(6, 2, gaussians=5, cutoff=3.5)):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()

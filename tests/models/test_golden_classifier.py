"""The published implementation's numbers, with its weights: logits, loss and gradients."""

import keras
import numpy as np
import pytest

from csnn_tf.convert import load_published_weights
from tests.helpers import BACKEND, numpy_of, relative, training_step
from tests.published import GOLDEN, INPUTS, WEIGHTS, published_classifier


@pytest.fixture
def model():
    made = published_classifier()
    load_published_weights(made, WEIGHTS)
    return made


def test_evaluation_logits(model):
    assert relative(model.network(INPUTS, training=False), GOLDEN["logits_eval"]) < 1e-5


# Less optimised, a compiler that computes a map anew rounds it differently: what compares two
# copies of a map shows here.
@pytest.mark.parametrize("optimised", [3, 0])
def test_a_training_step(model, optimised):
    if not optimised and BACKEND != "jax":
        pytest.skip("only JAX compiles a step as a whole")
    options = {"xla_backend_optimization_level": optimised}

    def cross_entropy(logits):
        losses = keras.losses.sparse_categorical_crossentropy(GOLDEN["y"], logits, from_logits=True)
        return keras.ops.mean(losses)

    logits, loss, gradients = training_step(model.network, INPUTS, cross_entropy, options)
    assert relative(logits, GOLDEN["logits_train"]) < 1e-5
    assert loss == pytest.approx(float(GOLDEN["loss_train"]), rel=1e-5)

    # The converter assigns the published gradients to a model's weights as if they were weights,
    # which tells the published gradient of each of our weights.
    expected = published_classifier()
    published = {name: np.zeros_like(value) for name, value in WEIGHTS.items()}
    published |= {k.removeprefix("grad/"): v for k, v in GOLDEN.items() if k.startswith("grad/")}
    load_published_weights(expected, published)
    wanted = {weight.path: numpy_of(weight) for weight in expected.network.trainable_weights}
    assert wanted.keys() == gradients.keys()
    largest = max(np.abs(value).max() for value in wanted.values())
    for path, gradient in gradients.items():
        if np.abs(wanted[path]).max() < 1e-6 * largest:
            # A bias before batch normalisation has no effect, so its gradient is rounding only.
            assert path.endswith("bias")
            assert np.abs(gradient).max() < 1e-5 * largest
        else:
            assert relative(gradient, wanted[path]) < 1e-4, path

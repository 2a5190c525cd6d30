"""What a checkpoint keeps of a model and its optimiser."""

import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.training.checkpoint import Checkpoint
from tests.training.test_disk import Ending


def compiled_model(dtype: str = "float32", layers: int = 1) -> keras.Model:
    dense = [keras.layers.Dense(3, dtype=dtype) for _ in range(layers)]
    model = keras.Sequential([keras.Input((3,), dtype=dtype), *dense])
    model.compile(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def checkpoint_of(model: keras.Model, path) -> Checkpoint:
    checkpoint = Checkpoint(path / "checkpoint.npz", Ending())
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(4)
    return checkpoint


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_every_type_comes_back(tmp_path, dtype):
    model = compiled_model(dtype)
    before = [keras.ops.convert_to_numpy(value) for value in model.weights]
    checkpoint = checkpoint_of(model, tmp_path)
    for variable in model.weights:
        variable.assign(variable + 1)
    assert checkpoint.restore(model) == 5
    for variable, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)


@pytest.mark.parametrize("layers", [1, 3])
def test_another_number_of_variables_is_another_model(tmp_path, layers):
    checkpoint = checkpoint_of(compiled_model(layers=2), tmp_path)
    with pytest.raises(InputError, match="is the checkpoint of another model"):
        checkpoint.restore(compiled_model(layers=layers))

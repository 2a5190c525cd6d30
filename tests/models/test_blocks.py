import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.models import DensityOfStates, blocks
from csnn_tf.models.blocks import in_blocks, rows_in_cache
from csnn_tf.models.schnet_dos import SchNetDensityOfStates
from tests.helpers import BACKEND, randomise, relative


@pytest.mark.parametrize(
    ("numbers", "rows"), [(1, 2**22), (2**16, 64), (2**16 + 1, 32), (2**30, 1)]
)
def test_the_largest_map_of_a_block_fits(numbers, rows):
    assert rows_in_cache(numbers) == rows


def test_blocks_are_smaller_where_every_core_has_one(monkeypatch):
    monkeypatch.setattr(blocks, "one_thread_an_operation", lambda: True)
    assert rows_in_cache(2**16) == 32


@pytest.mark.skipif(BACKEND != "tensorflow", reason="for TensorFlow on CPUs")
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("count", [2, 4, 12])
def test_blocks_make_what_the_whole_makes(count, dynamic):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    maps, kinds = rng.normal(size=(count, 3, 2)), rng.normal(size=(count, 5))

    def function(rows):
        tf.debugging.assert_less_equal(tf.shape(rows[0])[0], 4)  # in every call
        return tf.reduce_sum(rows[0], axis=(1, 2))[:, None] * rows[1]

    signature = [tf.TensorSpec([None, *value.shape[1:]], "float64") for value in (maps, kinds)]
    whole = tf.function(
        lambda *rows: in_blocks(function, rows, 4, "float64"),
        input_signature=signature if dynamic else None,
    )
    found = whole(*map(tf.constant, (maps, kinds)))
    np.testing.assert_allclose(found, maps.sum((1, 2))[:, None] * kinds, rtol=1e-12)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="for TensorFlow on CPUs")
@pytest.mark.parametrize(("chunk", "votes"), [(None, 1), (3, 1), (20, 1), (100, 1), (None, 2)])
def test_a_predictor_in_blocks_predicts_what_it_does_without(chunk, votes, monkeypatch):
    structures = builtin_carbon().subset([0, 100, 200])
    model = DensityOfStates.from_preset("tiny", ["C", "H"], structures.energies, {"C": 4.0, "H": 1})
    randomise(model)
    whole = DosPredictor(model, votes=votes)
    assert whole._rows > structures.counts.sum()
    expected = whole.predict(structures, atomic=True).atomic_dos
    monkeypatch.setattr(blocks, "_NUMBERS_IN_CACHE", 2**13)
    predictor = DosPredictor(model, chunk, votes)
    assert predictor._rows < 16
    assert relative(predictor.predict(structures, atomic=True).atomic_dos, expected) < 1e-5


@pytest.mark.skipif(BACKEND != "tensorflow", reason="for TensorFlow on CPUs")
def test_models_that_pass_messages_have_no_blocks():
    model = SchNetDensityOfStates.from_preset("tiny", ["C"], np.linspace(-30, 1, 311))
    assert DosPredictor(model)._rows is None

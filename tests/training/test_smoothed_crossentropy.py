import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.training.smoothed_crossentropy import SmoothedCrossentropy
from tests.helpers import numpy_of

LOGITS = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
LABELS = np.array([1, 0, 2, 0])


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], LABELS.astype("float32")])
def test_equals_kerass_with_one_hot_labels(labels):
    expected = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    loss = SmoothedCrossentropy(0.2)(labels, LOGITS)
    assert float(loss) == pytest.approx(float(expected(np.eye(3)[LABELS], LOGITS)), rel=1e-5)


def test_a_label_that_is_no_class_has_no_loss():
    losses = numpy_of(SmoothedCrossentropy(0.1).call(np.array([-1, 0, 3, 2]), LOGITS))
    assert np.isnan(losses).tolist() == [True, False, True, False]


@pytest.mark.parametrize("smoothing", [2, -1, 1.5, np.nan, "a", None])
def test_smoothing_is_a_share(smoothing):
    with pytest.raises(InputError, match="smoothing must be (a|from)"):
        SmoothedCrossentropy(smoothing)


@pytest.mark.parametrize("rows", [1, 4])
def test_one_hot_labels_are_refused(rows):
    with pytest.raises(InputError, match=r"integer labels \[batch\], not the shape"):
        SmoothedCrossentropy()(np.eye(3)[LABELS[:rows]], LOGITS[:rows])

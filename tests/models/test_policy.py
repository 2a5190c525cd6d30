"""The layers of a model follow its own dtype policy, not the session's."""

import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.models import ConcentricBackbone, PointCloudClassifier
from csnn_tf.models.architectures import ARCHITECTURES, architecture
from csnn_tf.models.dos_architectures import DOS_ARCHITECTURES, dos_architecture
from csnn_tf.models.loading import load_model
from tests.helpers import EVERY, clouds, mixed, numpy_of, randomise, relative, saved_and_loaded

MIXED = "mixed_bfloat16"


def classifier(name, **changes):
    model = architecture(name).from_preset("tiny", 3, **changes)
    randomise(model)
    return model


def density(name, **changes):
    return dos_architecture(name).from_preset("tiny", ["C"], np.arange(8.0), **changes)


def policies(model):
    # Without Functional models, whose own policy means nothing.
    layers = model._flatten_layers()
    return [layer.dtype_policy.name for layer in layers if not hasattr(layer, "operations")]


MADE = [(classifier, name) for name in ARCHITECTURES]
MADE += [(density, name) for name in DOS_ARCHITECTURES]


@pytest.mark.parametrize(("make", "name"), MADE)
def test_the_argument_does_what_the_global_policy_does(make, name):
    expected = policies(mixed(lambda: make(name)))
    assert MIXED in expected
    assert policies(make(name, dtype=MIXED)) == expected
    assert keras.config.dtype_policy().name == "float32"
    whole = policies(make(name))
    assert set(whole) == {"float32"}
    assert policies(mixed(lambda: make(name, dtype="float32"))) == whole


def test_what_a_functional_model_is_told_of_the_outputs():
    points = keras.Input((None, 3))
    assert classifier("csnn", dtype=MIXED)(points).dtype == "float32"
    indices = ("centre", "species", "atoms", "counts")
    batch = {name: keras.Input((), dtype="int32") for name in indices}
    batch["displacements"] = keras.Input((3,))
    assert density("csnn", dtype=MIXED)(batch).dtype == "float32"


@pytest.mark.parametrize(("make", "name"), MADE)
def test_a_file_keeps_the_policy(make, name, tmp_path):
    model = make(name, dtype=MIXED)
    assert policies(saved_and_loaded(model, tmp_path)) == policies(model)
    model = make(name)
    model.save(tmp_path / "model.keras")
    again = mixed(lambda: keras.models.load_model(tmp_path / "model.keras"))
    assert policies(again) == policies(model)


@pytest.mark.parametrize("name", list(ARCHITECTURES)[EVERY])
def test_a_mixed_model_gives_the_same_numbers_in_any_session(name, tmp_path):
    model, points = mixed(lambda: classifier(name)), clouds(2, 40)
    again = saved_and_loaded(model, tmp_path)
    found = [numpy_of(x(points, training=False)) for x in (model, again)]
    np.testing.assert_array_equal(*found)
    whole = classifier(name)
    assert relative(found[0], whole(points, training=False)) > 1e-5  # it is not float32
    assert load_model(tmp_path / "model.keras", type(model)).dtype_policy.name == MIXED


def test_a_backbone_by_itself(tmp_path):
    config = PointCloudClassifier.from_preset("tiny", 3).backbone.get_config()
    backbone = ConcentricBackbone(**{**config, "dtype": MIXED})
    assert MIXED in policies(backbone)
    assert policies(saved_and_loaded(backbone, tmp_path)) == policies(backbone)
    config.pop("dtype")  # as in files from before
    assert set(policies(ConcentricBackbone.from_config(config))) == {"float32"}


def test_a_trained_model_keeps_its_policy():
    with pytest.raises(InputError, match="a trained model, whose fields cannot be changed"):
        PointCloudClassifier.from_preset("modelnet40_small_so3", dtype=MIXED)

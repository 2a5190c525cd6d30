import copy

import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.models import CloudClassifier, PointCloudClassifier
from csnn_tf.models.architectures import ARCHITECTURES, architecture
from csnn_tf.models.transfer import take_weights
from tests.helpers import EVERY, saved_and_loaded

CLASSES = ["cone", "cube", "ring"]


def classifier(name="csnn", classes=CLASSES, **changes):
    return architecture(name).from_preset("tiny", class_names=classes, **changes)


def logits_of(model, points):
    return keras.ops.convert_to_numpy(model(points, training=False))


@pytest.mark.parametrize("name", list(ARCHITECTURES)[EVERY])
def test_classes_keep_their_logits_by_name(name):
    trained = classifier(name)
    points = np.random.default_rng(0).normal(size=(3, 64, 3)).astype("float32")
    expected = logits_of(trained, points)
    same = logits_of(trained.for_classes(CLASSES), points)
    np.testing.assert_array_equal(same, expected)
    other = trained.for_classes(["ring", "bolt", "cone", "nut"])
    assert other.class_names == ("ring", "bolt", "cone", "nut")
    found = logits_of(other, points)
    np.testing.assert_allclose(found[:, [0, 2]], expected[:, [2, 0]], rtol=1e-5, atol=1e-6)
    assert np.abs(found[:, [1, 3]] - expected[:, [1, 1]]).max() > 1e-3
    np.testing.assert_array_equal(logits_of(trained, points), expected)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_statistics_of_normalisation_come_along(name):
    trained = classifier(name)
    for weight in trained.network.non_trainable_variables:
        if "moving_mean" in weight.path:
            weight.assign(np.full(weight.shape, 0.25, "float32"))
    found = trained.for_classes(["bolt"]).network.non_trainable_variables
    means = [weight.numpy() for weight in found if "moving_mean" in weight.path]
    assert means
    assert all((mean == 0.25).all() for mean in means)


def test_training_of_the_new_one_leaves_the_trained_one_as_it_is():
    trained = classifier()
    points = np.random.default_rng(0).normal(size=(4, 64, 3)).astype("float32")
    expected = logits_of(trained, points)
    other = trained.for_classes(CLASSES)
    other.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    other.fit(points, np.array([0, 1, 2, 0]), epochs=2, verbose=0)
    assert np.abs(logits_of(other, points) - expected).max() > 1e-3
    np.testing.assert_array_equal(logits_of(trained, points), expected)


def test_fields_without_weights_may_change():
    trained = classifier()
    other = trained.for_classes(CLASSES, dropout=0.0, spheres=6, tilt=[10, 20, 30])
    assert (other.dropout, other.get_config()["spheres"]) == (0.0, 6)
    kernels = [m.backbone.get_layer("level1_intra0").kernel.numpy() for m in (trained, other)]
    np.testing.assert_array_equal(*kernels)


def test_weights_that_do_not_fit_are_refused_and_nothing_changes():
    trained, wider = classifier(), classifier(hidden=[24])
    before = [weight.numpy().copy() for weight in wider.weights]
    fits_not = r"do not fit .*: where this one has hidden0/kernel \[\d+, 24\], .* \[\d+, 32\]\."
    with pytest.raises(InputError, match=fits_not):
        take_weights(wider, trained)
    for weight, value in zip(wider.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
    with pytest.raises(InputError, match=fits_not):
        trained.for_classes(CLASSES, hidden=[24], spheres=4, dropout=0.3)
    with pytest.raises(
        InputError, match=r"hidden1/kernel \[32, 16\], the trained one has no further"
    ):
        trained.for_classes(CLASSES, hidden=[32, 16])
    with pytest.raises(InputError, match="no_such"):
        trained.for_classes(CLASSES, no_such=1)


def test_a_last_layer_that_does_not_fit_is_refused_and_nothing_changes():
    trained, other = (classifier(hidden=[], descriptor=kind) for kind in ("levels", "last"))
    before = [weight.numpy().copy() for weight in other.weights]
    with pytest.raises(
        InputError, match=r"has logits/kernel \[32, 3\], .* logits/kernel \[48, 3\]"
    ):
        take_weights(other, trained)
    for weight, value in zip(other.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_a_classifier_without_names_gives_all_but_the_last_layer():
    trained = PointCloudClassifier.from_preset("tiny", num_classes=5)
    other = trained.for_classes(["bolt", "nut"])
    assert other.num_classes == 2
    dense = [m.network.get_layer("hidden0").kernel.numpy() for m in (trained, other)]
    np.testing.assert_array_equal(*dense)


@keras.saving.register_keras_serializable(package="tests")
class Own(CloudClassifier):
    """A classifier of one's own, whose last layer has another name."""

    def __init__(self, num_classes=None, *, class_names=None, hidden=(), dropout=0.0, **kwargs):
        super().__init__(num_classes, class_names, hidden, dropout, **kwargs)
        points = keras.Input((None, 3))
        self.backbone = keras.Model(points, keras.layers.GlobalMaxPooling1D()(points))
        last = keras.layers.Dense(self.num_classes, name="classes")
        self.network = keras.Model(points, last(self.backbone(points)))

    def normalized(self, points, mask=None):
        return points

    def features(self, points, mask=None, training=None):
        return points


def test_what_a_classifier_of_ones_own_must_have():
    own = Own(class_names=CLASSES)
    with pytest.raises(InputError, match='of Own, a dense one .* must be called "logits"'):
        own.for_classes(["bolt"])
    with pytest.raises(InputError, match="Own has no presets, which its class attribute `presets`"):
        Own.from_preset("tiny", 3)


class Passing(PointCloudClassifier):
    """Has one field more, another default of one, and passes the rest on."""

    def __init__(self, *args, extra=1.0, neighbors=4, **kwargs):
        super().__init__(*args, neighbors=neighbors, **kwargs)
        self.extra = extra

    def get_config(self):
        return {**super().get_config(), "extra": self.extra}


def test_a_subclass_that_passes_its_arguments_on_keeps_the_fields():
    fields = {"spheres": 2, "tilt": [0.1, 0.2, 0.3], "radius": 2.0, "dropout": 0.5, "extra": 3.0}
    trained = Passing.from_preset("tiny", class_names=CLASSES, **fields)
    expected = {**PointCloudClassifier.presets.get("tiny"), **fields, "neighbors": 4}
    found = trained.for_classes(["bolt", "nut"]).get_config()
    assert {name: found[name] for name in expected} == expected
    assert Passing.default("neighbors") == 4
    assert set(Passing.fields()) == {*PointCloudClassifier.fields(), "extra"}
    with pytest.raises(InputError, match="unknown field 'sphere': did you mean spheres"):
        trained.for_classes(CLASSES, sphere=2)


def fixing(base, **fixed):
    """A subclass that fixes some fields."""

    @keras.saving.register_keras_serializable(package="tests")
    class Fixing(base):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **fixed, **kwargs)

    return Fixing


@pytest.mark.parametrize(
    ("name", "fixed", "free"),
    [
        ("csnn", {"spheres": 2, "hidden": (6,), "pooling": "mean"}, {"tilt": [0.1, 0.2, 0.3]}),
        ("pointnet", {"filters": (6, 8), "dropout": 0.5}, {"local_filters": [5]}),
        ("dgcnn", {"neighbors": 7, "embedding": 9}, {"filters": [4, 8]}),
    ],
)
def test_a_subclass_may_fix_fields(name, fixed, free, tmp_path):
    base = architecture(name)
    same = base.from_preset("tiny", class_names=CLASSES, **fixed, **free)
    fields = {k: v for k, v in {**base.presets.get("tiny"), **free}.items() if k not in fixed}
    own = fixing(base, **fixed)(class_names=CLASSES, **fields)
    copies = saved_and_loaded(own, tmp_path), copy.deepcopy(own), own.for_classes(CLASSES)
    for made in (own, *copies):
        found = made.get_config()
        assert [w.shape for w in made.weights] == [w.shape for w in same.weights]
        assert not found.keys() & fixed.keys()
        assert {key: found[key] for key in free} == free

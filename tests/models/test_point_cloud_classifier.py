import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.grid import icosahedral_rotations, random_rotations
from csnn_tf.layers import NormalizePoints
from csnn_tf.models import PointCloudClassifier
from csnn_tf.models.architectures import ARCHITECTURES, architecture
from csnn_tf.models.loading import load_model
from csnn_tf.testing import assert_invariant
from tests.helpers import (
    EVERY,
    clouds,
    feature_maps,
    inferred,
    long_on_jax,
    mixed,
    numpy_of,
    randomise,
    relative,
    saved_and_loaded,
    tensorflow_only,
)

SMALLEST = {
    "level": 1,
    "spheres": 2,
    "channels": 2,
    "intra_filters": (4, 8),
    "intra_layers": (1, 1),
    "co_radial_filters": (8, 16),
    "co_radial_layers": (1, 1),
    "hidden": (8,),
}


def made(**changes):
    model = PointCloudClassifier(**{"num_classes": 5, **SMALLEST, **changes})
    randomise(model.network)
    return model


def logits(model, inputs, **call):
    result = numpy_of(inferred(model, inputs, **call))
    assert np.isfinite(result).all()
    return result


def test_logits_on_rotated_feature_maps_are_invariant():
    network = made().network
    assert_invariant(lambda maps: inferred(network, maps), feature_maps(1, 2, 2))


def test_logits_of_rotated_clouds_are_invariant():
    model, points = made(), clouds(1, 40).astype("float64")
    rotated = (points @ icosahedral_rotations().swapaxes(1, 2)).astype("float32")
    found = np.concatenate([logits(model, pair) for pair in rotated.reshape(30, 2, 40, 3)])
    assert relative(found, np.repeat(found[:1], 60, axis=0)) < 1e-4
    assert relative(logits(model, clouds(2, 40, seed=1)), found[:2]) > 1e-2


@pytest.mark.parametrize("center", [True, False])
def test_position_counts_only_without_centring(center):
    model, points = made(center=center), clouds(2, 40)
    moved = relative(logits(model, points + 1), logits(model, points))
    assert moved < 1e-4 if center else moved > 1e-2
    assert relative(logits(model, points * 8), logits(model, points)) < 1e-6


@long_on_jax
def test_mixed_precision_keeps_the_digits_of_coordinates():
    model, points = mixed(made), clouds(2, 40) * np.float32([1, 0.5, 0.2])
    expected = logits(model, points)
    far = points + 100  # where bfloat16 knows steps of a half
    for given in (far, {"points": far}):
        assert relative(logits(model, given), expected) < 0.05
        assert relative(model.predict(given, verbose=0), expected) < 0.05


def test_any_number_of_clouds_and_points():
    model = made()
    for batch, count in ((2, 40), (3, 1)):
        assert logits(model, clouds(batch, count)).shape == (batch, 5)
    assert model.compute_output_shape((None, None, 3)) == (None, 5)
    assert model.compute_output_shape({"points": (4, 9, 3), "mask": (4, 9)}) == (4, 5)


def test_a_mask_is_a_shorter_cloud():
    model, points = made(), clouds(2, 40)
    mask = np.arange(40)[None] < np.array([[40], [20]])
    found = logits(model, {"points": points, "mask": mask})
    assert relative(found[:1], logits(model, points)[:1]) < 1e-5
    # The same points twice, at a fixed point_count, are the same as the points.
    assert relative(found[1:], logits(model, np.tile(points[:, :20], (1, 2, 1)))[1:]) < 1e-5
    assert relative(logits(model, {"points": points}), logits(model, points)) < 1e-6


@long_on_jax
@pytest.mark.parametrize("name", list(ARCHITECTURES)[EVERY])
def test_masks_of_keras(name):
    model = architecture(name).from_preset("tiny", num_classes=3)
    points, mask = clouds(2, 40), np.arange(40)[None] < np.array([[40], [20]])
    expected = logits(model, {"points": points, "mask": mask})
    np.testing.assert_array_equal(logits(model, points, mask=mask), expected)
    image = mask.astype("uint8") * 255
    np.testing.assert_array_equal(logits(model, points, mask=image), expected)
    carrying = NormalizePoints()(points, mask=mask)
    for inputs in (carrying, {"points": carrying}):
        found = model(inputs, training=False)  # not as a function, which takes no mask of Keras's
        assert relative(found, expected) < 1e-5
        assert getattr(found, "_keras_mask", None) is None


def test_parts():
    model, points = made(), clouds(2, 40)
    maps = model.spheres(points)
    assert maps.shape == (2, 42, 2, 2)
    assert relative(inferred(model.network, maps), logits(model, points)) < 1e-5
    assert model.descriptor(points).shape == (2, 24)
    probabilities = numpy_of(model.probabilities(points))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(
        probabilities.argmax(axis=1), logits(model, points).argmax(axis=1)
    )


def test_dropout_acts_in_training_only():
    model, points = made(dropout=0.5), clouds(2, 40)
    np.testing.assert_array_equal(logits(model, points), logits(model, points))
    first, second = (numpy_of(model(points, training=True)) for _ in range(2))
    assert not np.allclose(first, second)


def test_all_weights_are_in_the_network():
    model = made()
    assert {id(w) for w in model.trainable_weights} == {
        id(w) for w in model.network.trainable_weights
    }
    names = [weight.path for weight in model.trainable_weights]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "neighbors": 4,
            "threshold": 0.1,
            "radius": 2.0,
            "point_count": None,
            "center": False,
            "kernel_size": 1,
            "pooling": "mean",
            "descriptor": "last",
            "hidden": (),
            "dropout": 0.3,
        },
    ],
    ids=["default", "changed"],
)
def test_saving(changes, tmp_path):
    model = made(**changes)
    assert (
        changes.items()
        <= {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in model.get_config().items()
        }.items()
    )
    again = saved_and_loaded(model, tmp_path)
    assert type(again) is PointCloudClassifier
    assert again.get_config() == model.get_config()
    points = clouds(2, 40)
    np.testing.assert_array_equal(logits(again, points), logits(model, points))
    mask = np.ones((2, 40), bool)
    found = logits(again, {"points": points, "mask": mask})
    assert relative(found, logits(model, points)) < 1e-5


def test_class_names(tmp_path):
    names = ["bed", "chair", "lamp"]
    model = PointCloudClassifier(class_names=names, **SMALLEST)
    assert model.num_classes == 3
    again = saved_and_loaded(model, tmp_path)
    assert again.class_names == model.class_names == tuple(names)


def test_sizes_are_refused_before_anything_is_as_large(monkeypatch):
    monkeypatch.delattr("csnn_tf.layers.points_to_spheres.kernel_widths")
    with pytest.raises(InputError, match="spheres 20000000 and channels 2 make feature maps of"):
        PointCloudClassifier.from_preset("tiny", 3, spheres=2 * 10**7)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_cloud_that_is_not_finite_has_no_answer_however_the_model_runs(bad):
    model = PointCloudClassifier(2, **SMALLEST)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    points = clouds(3, 20)
    expected = model.predict(points, verbose=0)
    mask = np.ones((3, 20), bool)
    points[1, 7, 2], mask[1, 7] = bad, False
    assert np.isnan(model.descriptor(points)).all(axis=1).tolist() == [False, True, False]
    for found in (model.predict(points, verbose=0), numpy_of(model(points))):
        assert np.isnan(found[1]).all()
        np.testing.assert_allclose(found[[0, 2]], expected[[0, 2]], rtol=1e-5)
    assert np.isfinite(model.predict({"points": points, "mask": mask}, verbose=0)).all()
    loss = model.evaluate(points, np.zeros(3, np.int32), verbose=0)
    assert np.isnan(loss)


def test_a_compiled_model_trains_and_loads_again(tmp_path):
    model = PointCloudClassifier(2, **{**SMALLEST, "dropout": 0.0})
    model.compile(
        optimizer=keras.optimizers.Adam(0.02),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    points = clouds(16, 60)
    points[8:] *= [1, 0.3, 0.1]
    labels = np.repeat([0, 1], 8).astype(np.int32)  # JAX warns of int64
    losses = model.fit(points, labels, epochs=8, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    again = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(logits(again, points), logits(model, points))
    assert int(again.optimizer.iterations) == 8
    # The commands take it too, and not what it was compiled with.
    plain = load_model(tmp_path / "model.keras", PointCloudClassifier)
    assert not plain.compiled
    np.testing.assert_array_equal(logits(plain, points), logits(model, points))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": 0}, "num_classes"),
        ({"num_classes": None}, "num_classes"),
        ({"num_classes": 2, "class_names": ["a", "b", "c"]}, "class_names has 3 names for 2"),
        ({"class_names": []}, "class_names has 0 names"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"center": "False"}, "center must be true or false, not 'False'"),
        ({"level": 2.0}, "level must be a whole number from 0 to 7, not 2.0"),
        ({"hidden": (3, 0)}, "hidden must be a positive"),
        ({"spheres": -1}, "spheres must be"),
        ({"radius": -1.0}, "radius"),
    ],
    ids=str,
)
def test_wrong_arguments(changes, message):
    with pytest.raises(InputError, match=message):
        made(**changes)


@pytest.mark.parametrize("shape", [(2, 3), (2, 10, 4)])
def test_wrong_points(shape):
    with pytest.raises(InputError, match=r"expects points \[batch, points, 3\]"):
        made()(np.zeros(shape, "float32"))
    model = made()
    model(np.zeros((2, 10, 3), "float32"))
    with pytest.raises(InputError, match=r"expects points \[batch, points, 3\]"):
        model(np.zeros(shape, "float32"))


@pytest.mark.parametrize("inputs", [np.zeros((2, 0, 3), "float32"), np.zeros((0, 0, 3), "float32")])
def test_clouds_without_points(inputs):
    with pytest.raises(InputError, match="got clouds without points"):
        made()(inputs)


def test_a_mask_beside_the_points_in_a_tuple():
    points, mask = clouds(2, 5), np.ones((2, 5), bool)
    for inputs in ((points, mask), [points, mask], {"points": [points]}):
        with pytest.raises(InputError, match="or a dictionary of points and mask"):
            made()(inputs)


@tensorflow_only
def test_ragged_clouds():
    import tensorflow as tf

    ragged = tf.RaggedTensor.from_row_splits(clouds(1, 7)[0], [0, 3, 7])
    with pytest.raises(InputError, match=r"of points and mask .*, not a RaggedTensor"):
        made()(ragged)


@pytest.mark.parametrize("shape", [(2, 4), (1, 5), (2, 5, 1), (5,)])
def test_masks_of_other_shapes(shape):
    mask, expected = (
        np.ones(shape, bool),
        r"expects a mask \[batch, points\] for points of the shape",
    )
    with pytest.raises(InputError, match=expected):
        made()({"points": clouds(2, 5), "mask": mask})
    with pytest.raises(InputError, match=expected):
        made()(clouds(2, 5), mask=mask)


@pytest.mark.parametrize("names", [("points", "masks"), ("point",), ("mask",)])
def test_inputs_of_other_names(names):
    inputs = dict.fromkeys(names, np.ones((2, 5, 3), "float32"))
    with pytest.raises(InputError, match=f"or points and mask, not {', '.join(names)}"):
        made()._features_of(inputs)


# JAX compiles the published size for half a minute.
@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("small_so3", 1024),
        ("small_sparse", 154),
        ("small_sparse", 1024),
        ("paper_so3", 1024),
        ("paper_z", 1024),
        ("small_z", 1024),
    ][EVERY],
)
def test_trained_models_know_a_cone_in_any_orientation(kind, count):
    model = PointCloudClassifier.from_preset(f"modelnet40_{kind}")
    place = np.arange(count)
    height, angle = 1 - np.sqrt((place + 0.5) / count), 2.399963 * place
    radius = (1 - height) / 2
    cone = np.stack([radius * np.cos(angle), 2 * height, radius * np.sin(angle)], axis=1)
    turned = cone @ random_rotations(3, np.random.default_rng(0)).swapaxes(1, 2)
    found = logits(model, np.concatenate([cone[None], turned]).astype("float32"))
    assert [model.class_names[place] for place in found.argmax(axis=1)] == ["cone"] * 4


@tensorflow_only
def test_keras_exports_a_model_that_was_never_called(tmp_path):
    import tensorflow as tf

    model = PointCloudClassifier.from_preset("tiny", num_classes=3)
    model.export(tmp_path / "served", verbose=False)
    points = clouds(2, 40)
    served = tf.saved_model.load(str(tmp_path / "served"))
    np.testing.assert_allclose(served.serve(points), numpy_of(model(points)), rtol=1e-5, atol=1e-5)

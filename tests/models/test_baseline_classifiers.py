"""PointNet and DGCNN, and the family of classifiers."""

import json
import math
import zipfile

import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.inference import Predictor
from csnn_tf.models import (
    CloudClassifier,
    DgcnnClassifier,
    PointCloudClassifier,
    PointNetClassifier,
    architecture,
)
from csnn_tf.models.architectures import ARCHITECTURES
from csnn_tf.models.loading import load_model, trained_models
from csnn_tf.training.training_network import training_network
from tests.helpers import (
    clouds,
    mixed,
    numpy_of,
    randomise,
    relative,
    saved_and_loaded,
    training_step,
)

BASELINES = [PointNetClassifier, DgcnnClassifier]


@pytest.fixture(scope="module", params=BASELINES, ids=lambda kind: kind.__name__)
def model(request):
    made = request.param.from_preset("tiny", num_classes=5)
    randomise(made.network)
    return made


def logits(model, inputs):
    found = numpy_of(model(inputs, training=False))
    assert np.isfinite(found).all()
    return found


def test_registry():
    assert {name: architecture(name) for name in ARCHITECTURES} == {
        "csnn": PointCloudClassifier,
        "pointnet": PointNetClassifier,
        "dgcnn": DgcnnClassifier,
    }
    for kind in ARCHITECTURES.values():
        assert issubclass(kind, CloudClassifier)
        assert set(kind.presets.names()) == {"paper", "small", "tiny"}
    for bad in ("shellnet", None, ["csnn"]):
        with pytest.raises(InputError, match="architecture must be one of csnn, pointnet, dgcnn"):
            architecture(bad)


def test_the_base_is_no_model():
    with pytest.raises(InputError, match="base of classifiers"):
        CloudClassifier(3, None, (8,), 0.1)


@pytest.mark.parametrize(
    ("kind", "changes", "published"),
    [
        (PointNetClassifier, {}, 3.5e6),
        (PointNetClassifier, {"transforms": False}, 0.8e6),
        (DgcnnClassifier, {}, 1.8e6),
    ],
)
def test_published_numbers_of_weights(kind, changes, published):
    model = kind.from_preset("paper", num_classes=40, **changes)
    count = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert count == pytest.approx(published, rel=0.03)


def test_the_order_of_points_does_not_matter(model):
    points = clouds(2, 40)
    order = np.random.default_rng(1).permutation(40)
    assert relative(logits(model, points[:, order]), logits(model, points)) < 1e-5


def test_place_and_size_do_not_matter_but_rotation_does(model):
    points = clouds(2, 40)
    found = logits(model, points)
    assert relative(logits(model, points * 8 + np.float32([3, 2, 1])), found) < 1e-3
    assert relative(
        logits(model, points @ np.float32([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])), found
    ) > (1e-3)
    assert relative(logits(model, clouds(2, 40, seed=1)), found) > 1e-2


@pytest.mark.parametrize("least", [2, 20], ids=["fewer than neighbours", "more"])
def test_padding_is_no_part_of_the_cloud(model, least):
    points, counts = clouds(2, 40), np.array([40, least])
    mask = np.arange(40)[None] < counts[:, None]
    padded = np.where(mask[..., None], points, np.float32(7))
    found = logits(model, {"points": padded, "mask": mask})
    for row, count in enumerate(counts):
        alone = logits(model, points[row : row + 1, :count])
        assert relative(found[row : row + 1], alone) < 1e-5
    assert relative(logits(model, {"points": points}), logits(model, points)) < 1e-6


@pytest.mark.slow
def test_the_predictor_takes_clouds_of_any_size(model):
    sizes = (50, 1, 33)
    parts = [clouds(1, size, seed=size)[0] for size in sizes]
    together = Predictor(model, batch_size=2).logits(parts)
    alone = np.concatenate([logits(model, part[None]) for part in parts])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


def test_nothing_and_one_point_are_finite(model):
    mask = np.zeros((2, 8), bool)
    mask[1, 0] = True
    logits(model, {"points": clouds(2, 8), "mask": mask})


def test_parts(model):
    points = clouds(2, 40)
    features = model.features(model.normalized(points))
    np.testing.assert_allclose(
        numpy_of(model.network(features, training=False)), logits(model, points), atol=1e-5
    )
    width = {PointNetClassifier: 32, DgcnnClassifier: 64}[type(model)]
    assert model.descriptor(points).shape == (2, width)
    assert model.compute_output_shape({"points": (4, 9, 3), "mask": (4, 9)}) == (4, 5)
    np.testing.assert_allclose(numpy_of(model.probabilities(points)).sum(axis=1), 1, rtol=1e-5)
    assert {id(w) for w in model.trainable_weights} == {
        id(w) for w in model.network.trainable_weights
    }


def test_saved_and_loaded_again(model, tmp_path):
    again = saved_and_loaded(model, tmp_path)
    assert type(again) is type(model)
    assert again.get_config() == model.get_config()
    points = clouds(2, 40)
    np.testing.assert_allclose(logits(again, points), logits(model, points), rtol=1e-6, atol=1e-6)
    path = tmp_path / "model.keras"
    assert isinstance(load_model(path, CloudClassifier), type(model))
    with pytest.raises(InputError, match=f"holds a {type(model).__name__}, not a PointCloud"):
        load_model(path, PointCloudClassifier)
    names = ("bed", "chair")
    named = type(model).from_preset("tiny", class_names=names)
    assert saved_and_loaded(named, tmp_path).class_names == names


def test_gradients_reach_all_weights(model):
    made = type(model).from_preset("tiny", num_classes=5, dropout=0.0)
    randomise(made.network)
    points = clouds(4, 30)

    def loss(outputs):
        return keras.ops.sum(outputs * np.arange(20, dtype="float32").reshape(4, 5) ** 2)

    before = {w.path: numpy_of(w) for w in made.non_trainable_weights}
    _, value, found = training_step(made, points, loss)
    assert math.isfinite(value)
    for path, gradient in found.items():
        assert np.isfinite(gradient).all(), path
        assert np.abs(gradient).max() > 0, path
    for weight in made.non_trainable_weights:
        if "moving" in weight.path:
            assert (numpy_of(weight) != before[weight.path]).any(), weight.path


def test_masks_are_refused_in_training(model):
    inputs = {"points": clouds(2, 8), "mask": np.ones((2, 8), bool)}
    with pytest.raises(InputError, match=f"{type(model).__name__} trains on clouds of one size"):
        model(inputs, training=True)


def test_transforms_begin_as_the_identity_and_are_kept_orthogonal():
    plain, whole = (
        PointNetClassifier.from_preset("tiny", num_classes=3, transforms=transforms)
        for transforms in (False, True)
    )
    values = {weight.path: numpy_of(weight) for weight in whole.weights}
    for weight in plain.weights:
        if "seed" not in weight.path:
            weight.assign(values[weight.path])
    points = clouds(2, 30)
    assert relative(logits(whole, points), logits(plain, points)) < 1e-5

    matrix = next(w for w in whole.trainable_weights if "feature_matrix/bias" in w.path)
    matrix.assign(np.eye(8).reshape(-1))  # the transformation is twice the identity
    layer = whole.backbone.get_layer("feature_transform")
    layer(
        clouds(2, 5)[..., :1] * np.ones(8, "float32"),
        np.tile(numpy_of(matrix), (2, 1)),
        training=True,
    )
    assert float(sum(map(numpy_of, layer.losses))) == pytest.approx(0.001 * 8 * 9)


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_the_regularisation_is_part_of_the_loss(weight):
    model = PointNetClassifier.from_preset("tiny", 3, regularization=weight, dropout=0.0)
    for weights in model.trainable_weights:
        if "feature_matrix/bias" in weights.path:
            weights.assign(np.eye(8).reshape(-1))  # the transformation is twice the identity
        if "logits" in weights.path:
            weights.assign(np.zeros(weights.shape, "float32"))
    network = training_network(model.network, keras.optimizers.Adam(0.01))
    loss = network.train_on_batch(clouds(4, 20), np.array([0, 1, 2, 0], "int32"))[0]
    assert float(loss) == pytest.approx(math.log(3) + weight * 8 * 9, rel=1e-4)


@pytest.mark.parametrize("kind", BASELINES)
def test_mixed_precision(kind):
    model = mixed(lambda: kind.from_preset("tiny", num_classes=3, dropout=0.0))
    whole = kind.from_preset("tiny", num_classes=3, dropout=0.0)
    whole.set_weights(model.get_weights())
    points = clouds(2, 30)
    found = model(points, training=False)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert relative(found, logits(whole, points)) < 0.1


def test_too_many_points_to_compare_are_refused():
    model = DgcnnClassifier.from_preset("tiny", num_classes=3)
    with pytest.raises(InputError, match="1 clouds of 40000 points .* take fewer points"):
        model(np.zeros((1, 40000, 3), "float32"))
    with pytest.raises(InputError, match="take fewer clouds at once, at most 16"):
        model(np.zeros((17, 8192, 3), "float32"))


@pytest.mark.parametrize(
    ("name", "changes", "named"),
    [
        ("pointnet", {"filters": []}, "filters"),
        ("pointnet", {"local_filters": 3}, "local_filters"),
        ("pointnet", {"transforms": 1}, "transforms"),
        ("pointnet", {"regularization": -1.0}, "regularization"),
        ("pointnet", {"dropout": 1.0}, "dropout"),
        ("pointnet", {"filters": [2**20, 2**20]}, "weights"),
        ("pointnet", {"spheres": 4}, "unknown field 'spheres'"),
        ("dgcnn", {"neighbors": 0}, "neighbors"),
        ("dgcnn", {"neighbors": 5000}, "neighbors"),
        ("dgcnn", {"filters": []}, "filters"),
        ("dgcnn", {"embedding": 1.5}, "embedding"),
        ("dgcnn", {"num_classes": 0}, "num_classes"),
        ("dgcnn", {"preset": "huge"}, "preset must be one of paper, small, tiny"),
    ],
    ids=str,
)
def test_wrong_arguments(name, changes, named):
    fields = {"preset": "tiny", "num_classes": 3, **changes}
    with pytest.raises(InputError, match=named):
        architecture(name).from_preset(fields.pop("preset"), **fields)


def test_shipped_archives_are_still_the_class_they_were():
    path = trained_models()["modelnet40_small_so3"]
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    assert config["registered_name"] == "csnn_tf>PointCloudClassifier"
    model = PointCloudClassifier.from_preset("modelnet40_small_so3")
    assert type(model) is PointCloudClassifier
    assert model.num_classes == 40
    with pytest.raises(InputError, match="holds a PointCloudClassifier, not a PointNet"):
        PointNetClassifier.from_preset("modelnet40_small_so3")

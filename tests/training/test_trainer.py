"""Training end to end on a small data set."""

import csv
import json

import keras
import numpy as np
import pytest

from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.inference import Predictor
from csnn_tf.models import PointCloudClassifier
from csnn_tf.models.loading import load_model
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.trainer import preparation, train
from tests.helpers import ONE_LEVEL, compiled, eagerly

pytestmark = eagerly


def config(**changes):
    fields = {"data": "shapes", "preset": "tiny", "num_points": 64, "epochs": 2}
    fields["model"] = {**ONE_LEVEL, "hidden": [16]}
    return TrainingConfig.from_recipe("best", **{**fields, "validation": 0.25, **changes})


@pytest.fixture(scope="module")
def shapes():
    return builtin_shapes("train", 4, num_points=64)


@pytest.fixture(scope="module")
def run(shapes, tmp_path_factory):
    return train(config(), shapes, tmp_path_factory.mktemp("runs") / "run")


def test_run_folder_is_complete(run, shapes):
    assert sorted(path.name for path in run.path.iterdir()) == [
        "best.keras",
        "checkpoint.npz",
        "config.json",
        "history.csv",
        "last.keras",
        "versions.json",
    ]
    stored = json.loads((run.path / "config.json").read_text())
    assert stored["seed"] == 0
    assert stored["classes"] == list(shapes.class_names)
    assert TrainingConfig.of_run(run.path).to_dict().items() <= stored.items()
    with open(run.path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(np.isfinite(float(value)) for row in rows for value in row.values())


def test_saved_model_is_the_classifier_without_the_optimiser(run, shapes):
    model = load_model(run.path, PointCloudClassifier)
    assert model.class_names == shapes.class_names
    weights = sum(int(np.prod(w.shape)) for w in model.weights) * 4
    assert (run.path / "best.keras").stat().st_size < 2 * weights + 200_000


def test_same_seed_gives_the_same_weights_to_the_bit(run, shapes, tmp_path):
    again = train(config(), shapes, tmp_path / "again")
    one, two = (keras.models.load_model(r.last, compile=False) for r in (run, again))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other = train(config(seed=1, epochs=1), shapes, tmp_path / "other")
    different = keras.models.load_model(other.last, compile=False).get_weights()
    assert any((a != b).any() for a, b in zip(one.get_weights(), different, strict=True))


def test_points_are_drawn_once_or_in_every_epoch(tmp_path):
    large = builtin_shapes("train", 2, num_points=300)
    models = {
        name: keras.models.load_model(
            train(config(validation=0.0, resample=anew), given, tmp_path / name).last, compile=False
        ).get_weights()
        for name, given, anew in (
            ("once", large, False),
            ("drawn", large.drawn(64, seed=0), False),
            ("anew", large, True),
            ("anew of 256", large.drawn(256, seed=0), True),
        )
    }

    def same(one, two):
        return all((a == b).all() for a, b in zip(models[one], models[two], strict=True))

    assert same("once", "drawn")
    assert not same("once", "anew")
    assert same("anew", "anew of 256")


def test_points_to_draw_anew_must_be_there(shapes, tmp_path):
    expected = "the largest cloud to train on has 64 points, and num_points is 64"
    with pytest.raises(InputError, match=expected):
        train(config(resample=True), shapes, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_larger_clouds_that_are_held_out_are_nothing_to_draw_from(tmp_path):
    rng, settings = np.random.default_rng(0), config(resample=True)

    def shapes_of(large):
        sizes = [settings.num_points * (2 if name in large else 1) for name in "abcdefgh"]
        clouds = [rng.normal(size=(size, 3)) for size in sizes]
        return ShapeSet(clouds, [0, 1] * 4, list("abcdefgh"), ("x", "y"))

    _, held_out = shapes_of("").split(0.25, settings.seed)
    with pytest.raises(InputError, match="nothing to draw from"):
        train(settings, shapes_of(held_out.names), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_one_shape_a_class_leaves_none_to_hold_out(shapes, tmp_path):
    first = shapes.subset(np.unique(shapes.labels, return_index=True)[1])
    with pytest.raises(InputError, match="no class has two shapes.*: set validation=0"):
        train(config(), first, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@compiled
@pytest.mark.slow
def test_training_learns(shapes, tmp_path):
    two = shapes.subset(np.flatnonzero(np.isin(shapes.labels, (0, 4))))
    fields = {"epochs": 25, "batch_size": 4, "validation": 0.0, "dropout": 0.0}
    run = train(config(**fields, learning_rate=0.01, schedule="constant"), two, tmp_path / "run")
    model = load_model(run.last, PointCloudClassifier)
    accuracy = (Predictor(model).logits(two.clouds).argmax(axis=1) == two.labels).mean()
    assert accuracy >= 0.75


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("radius", [None, 2.5])
def test_training_sees_clouds_as_prediction_does(center, radius):
    """But for the augmentations, none of which is on here."""
    plain = config(rotation="none", scale=(1, 1), shift=0, jitter=0, point_dropout=0)
    model = PointCloudClassifier.from_preset("tiny", num_classes=2, center=center, radius=radius)
    points = np.random.default_rng(0).normal(size=(2, 32, 3)).astype(np.float32) + 0.5
    found = preparation(plain, model)(points, np.array([1, 2], np.uint32))
    expected = model.features(model.normalized(points))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@compiled
@pytest.mark.slow
def test_plateau_schedule_ends_the_run(shapes, tmp_path):
    settings = {"schedule": "plateau", "learning_rate": 1.5e-5, "epochs": 40, "validation": 0.25}
    from csnn_tf.training.schedules import Plateau

    plateau = Plateau(patience=1)
    rates = [1.0]
    for loss in (5.0, 5.0, 5.0, 4.0, 4.0, 4.0):
        rates.append(plateau.update(rates[-1], loss))
    np.testing.assert_allclose(rates, [1, 1, 1, 0.1, 0.1, 0.1, 0.01])
    run = train(config(**settings, shift=0.0), shapes, tmp_path / "run")
    with open(run.path / "history.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) <= 40


def test_callbacks_of_keras(shapes, tmp_path):
    callbacks = [
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}-{val_accuracy:.1f}.keras")),
    ]
    run = train(config(), shapes, tmp_path / "run", callbacks=callbacks)
    files = tmp_path / "log.csv", run.path / "history.csv"
    logged, rows = (path.read_text().splitlines() for path in files)
    assert sorted(logged[0].split(",")) == sorted(rows[0].split(","))
    assert [line.split(",")[0] for line in logged[1:]] == ["0", "1"]  # as Keras counts
    assert {path.name[:2] for path in tmp_path.glob("*.keras")} == {"1-", "2-"}


@compiled
def test_mixed_precision_trains_and_saves(shapes, tmp_path):
    run = train(config(mixed_precision=True, epochs=1), shapes, tmp_path / "run")
    model = load_model(run.best, PointCloudClassifier)
    layers = model._flatten_layers(include_self=True)
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    logits = Predictor(model).logits(shapes.clouds[:2])
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    assert keras.config.dtype_policy().name == "float32"


def test_a_used_folder_is_refused_and_left_alone(run, shapes):
    before = (run.path / "last.keras").read_bytes()
    with pytest.raises(InputError, match="exists already"):
        train(config(), shapes, run.path)
    assert (run.path / "last.keras").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rotation": "y"}, "rotation"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 1.5}, "epochs"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"optimizer": "sgd"}, "optimizer"),
        ({"preset": "huge"}, "preset"),
        ({"model": {"depth": 3}}, "depth"),
        ({"validation": 0.95}, "validation"),
        ({"no_such": 1}, "no_such"),
    ],
)
def test_bad_configuration_names_the_field(changes, named):
    with pytest.raises(InputError, match=named):
        config(**changes)


def test_unknown_recipe():
    with pytest.raises(InputError, match="recipe"):
        TrainingConfig.from_recipe("secret")

"""The built-in shapes: drawn from seeds alone, normalised, varied, and not told by radii."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from csnn_tf.data import shape_mesh
from csnn_tf.data.shapes import _MAKERS, SHAPE_CLASSES, builtin_shapes, make_shape
from csnn_tf.errors import InputError

SCRIPT = Path(__file__).parents[2] / "scripts" / "shapes_difficulty.py"


@pytest.fixture(scope="module")
def train():
    return builtin_shapes("train", 12)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("shapes_difficulty", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_set_is_balanced_named_and_float32(train):
    assert train.class_names == SHAPE_CLASSES
    assert len(set(SHAPE_CLASSES)) == len(SHAPE_CLASSES) >= 12
    assert train.clouds.shape == (12 * len(SHAPE_CLASSES), 1024, 3)
    assert train.clouds.dtype == np.float32
    assert train.labels.dtype == np.int32
    assert np.bincount(train.labels).tolist() == [12] * len(SHAPE_CLASSES)
    assert len(set(train.names)) == len(train.names)
    for name, label in zip(train.names, train.labels, strict=True):
        assert name.startswith(SHAPE_CLASSES[label] + "_train_")


def test_clouds_are_centred_and_of_norm_one(train):
    np.testing.assert_allclose(train.clouds.mean(axis=1, dtype=float), 0, atol=1e-6)
    norms = np.linalg.norm(train.clouds.astype(float), axis=-1)
    np.testing.assert_allclose(norms.max(axis=1), 1, atol=1e-6)


def test_same_arguments_same_shapes(train):
    again = builtin_shapes("train", 12)
    np.testing.assert_array_equal(again.clouds, train.clouds)
    assert again.names == train.names


def test_larger_set_begins_with_the_smaller(train):
    small = builtin_shapes("train", 3)
    count = len(small.labels)
    np.testing.assert_array_equal(small.clouds, train.clouds[:count])
    np.testing.assert_array_equal(small.labels, train.labels[:count])
    assert small.names == train.names[:count]


def test_no_shape_occurs_twice_in_splits_and_seeds(train):
    others = [builtin_shapes("test", 12), builtin_shapes("train", 12, seed=1)]
    clouds = np.concatenate([part.clouds for part in (train, *others)])
    assert len(np.unique(clouds.reshape(len(clouds), -1), axis=0)) == len(clouds)


@pytest.mark.parametrize("name", SHAPE_CLASSES)
def test_number_of_points_does_not_change_the_shape(name):
    few, many = (make_shape(name, np.random.default_rng(5), n) for n in (512, 8192))
    spreads = [np.linalg.svd(cloud, compute_uv=False) / len(cloud) ** 0.5 for cloud in (few, many)]
    # The two scales differ by the luck of the outermost point, so the axes' ratios are compared.
    ratios = [spread / spread[0] for spread in spreads]
    np.testing.assert_allclose(*ratios, atol=0.1)


@pytest.mark.parametrize("name", SHAPE_CLASSES)
def test_points_are_in_random_order(name):
    cloud = make_shape(name, np.random.default_rng(9), 4096).astype(float)
    first, second = cloud[:2048], cloud[2048:]
    deviation = cloud.std(axis=0) * np.sqrt(2 / 2048)
    assert (np.abs(first.mean(axis=0) - second.mean(axis=0)) < 5 * deviation).all()


@pytest.mark.parametrize("name", SHAPE_CLASSES)
def test_shapes_of_a_class_vary(train, name):
    clouds = train.clouds[train.labels == SHAPE_CLASSES.index(name)]
    spread = np.linalg.svd(clouds, compute_uv=False) / 32  # root mean squares along the main axes
    radii = np.quantile(np.linalg.norm(clouds, axis=-1), [0.2, 0.5, 0.8], axis=1).T
    statistics = np.concatenate([spread, radii], axis=1)
    gaps = np.linalg.norm(statistics[:, None] - statistics, axis=-1)
    gaps = gaps[np.triu_indices(len(clouds), 1)]
    # Draws of points on one surface differ by 0.02 to 0.05 in the median.
    assert np.median(gaps) > 0.08
    assert gaps.max() > 0.16


@pytest.mark.parametrize("name", ["bottle", "chair", "lamp", "mug", "stool", "table"])
def test_shapes_stand_upright(name):
    """The mesh stands on a floor: what is lowest in y surrounds or underlies the middle."""
    for seed in range(6):
        corners = _MAKERS[name](np.random.default_rng(seed)).reshape(-1, 3)
        floor = corners[corners[:, 1] < corners[:, 1].min() + 0.05 * np.ptp(corners[:, 1])]
        assert (np.ptp(floor[:, [0, 2]], axis=0) > 0.15).all()
        assert (floor[:, [0, 2]].min(axis=0) < 0.1).all()
        assert (floor[:, [0, 2]].max(axis=0) > -0.1).all()


@pytest.mark.parametrize("name", SHAPE_CLASSES)
def test_meshes_are_finite_and_have_area(name):
    for seed in range(40):
        mesh = _MAKERS[name](np.random.default_rng(seed))
        assert mesh.ndim == 3
        assert mesh.shape[1:] == (3, 3)
        assert np.isfinite(mesh).all()


def area(mesh):
    return (
        np.linalg.norm(np.cross(mesh[:, 1] - mesh[:, 0], mesh[:, 2] - mesh[:, 0]), axis=1).sum() / 2
    )


def test_primitives_have_the_areas_of_the_solids():
    near = pytest.approx
    assert area(shape_mesh.box((1, 2, 3), (1, 2, 3))) == near(22)
    assert area(shape_mesh.cylinder(1, 0, 2, segments=256)) == near(6 * np.pi, rel=1e-3)
    assert area(shape_mesh.cylinder(1, 0, 2, caps=False, segments=256)) == near(4 * np.pi, rel=1e-3)
    assert area(shape_mesh.cylinder(3, 0, 4, 0, caps=False, segments=256)) == near(
        15 * np.pi, rel=1e-3
    )
    assert area(shape_mesh.torus(2, 0.5, sides=64)) == near(4 * np.pi**2, rel=0.01)
    assert area(shape_mesh.strut((0, 0, 0), (1, 2, 2), 0.5**0.5, sides=4)) == near(4 * 3 + 2)
    square = shape_mesh.rectangle(2, 2, 16)
    drilled = shape_mesh.plate(square, 0, 1, shape_mesh.round_hole(square, 0.5))
    assert area(drilled) == near(8 + 2 * (4 - np.pi / 4) + np.pi, rel=0.01)
    turned = shape_mesh.move(drilled, shape_mesh.rotation(2, 0.7), (1, 2, 3))
    assert area(turned) == near(area(drilled))
    assert area(shape_mesh.repeat_around(turned, 5)) == near(5 * area(drilled))


def test_points_fall_on_parts_by_area():
    small, large = (shape_mesh.box((x, 0, 0), (size,) * 3) for x, size in ((0, 1), (9, 2)))
    mesh = np.concatenate([small, large])
    points = shape_mesh.sample_surface(mesh, 20_000, np.random.default_rng(3))
    share = (points[:, 0] < 4).mean()
    assert share == pytest.approx(1 / 5, abs=5 * np.sqrt(0.16 / 20_000))
    on_face = np.isclose(np.abs(points[points[:, 0] < 4]), 0.5).any(axis=1)
    assert on_face.all()


def test_one_point_is_its_own_mean():
    np.testing.assert_array_equal(make_shape("bowl", np.random.default_rng(0), 1), np.zeros((1, 3)))


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        ({"split": "valid"}, "split"),
        ({"split": None}, "split"),
        ({"per_class": 0}, "per_class"),
        ({"per_class": 2.0}, "per_class"),
        ({"per_class": True}, "per_class"),
        ({"num_points": 0}, "num_points"),
        ({"num_points": "many"}, "num_points"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_arguments_of_a_set(arguments, culprit):
    with pytest.raises(InputError, match=culprit):
        builtin_shapes(**{"split": "train", "per_class": 1, "num_points": 8, **arguments})


def test_bad_arguments_of_a_shape():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="class_name.*'sphere'"):
        make_shape("sphere", rng)
    with pytest.raises(InputError, match="class_name"):
        make_shape(["mug"], rng)
    with pytest.raises(InputError, match="rng"):
        make_shape("mug", 7)
    with pytest.raises(InputError, match="num_points"):
        make_shape("mug", rng, 0)


def test_radii_alone_do_not_tell_the_classes(train, script):
    test = builtin_shapes("test", 12)
    features = [script.radii_histograms(part.clouds) for part in (train, test)]
    np.testing.assert_allclose(features[0].sum(axis=1), 1)
    accuracy, confusion = script.linear_accuracy(
        features[0], train.labels, features[1], test.labels
    )
    assert confusion.sum() == len(test.labels)
    assert accuracy == np.trace(confusion) / confusion.sum()
    assert 1.5 / len(SHAPE_CLASSES) < accuracy < 0.65


def test_linear_classifier_learns_what_is_linear(script):
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 40)
    features = np.eye(3)[labels] + 0.1 * rng.normal(size=(120, 3))
    accuracy, _ = script.linear_accuracy(features[:60], labels[:60], features[60:], labels[60:])
    assert accuracy == 1


def test_script_prints_accuracy_and_writes_sheet(script, tmp_path):
    pytest.importorskip("matplotlib", reason="the contact sheet is drawn by matplotlib")
    from click.testing import CliRunner

    sheet = tmp_path / "sheet.png"
    options = ["--per-class", "3", "--test-per-class", "2", "--num-points", "64"]
    result = CliRunner().invoke(script.main, [*options, "--png", str(sheet), "--examples", "1"])
    assert result.exit_code == 0, result.output
    assert "linear classifier on 32 radii bins" in result.output
    assert all(name in result.output for name in SHAPE_CLASSES)
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_a_class_that_is_taken_for_another_as_often_as_for_itself_says_so(script, monkeypatch):
    confusion = np.eye(len(SHAPE_CLASSES), dtype=int) * 2
    confusion[0, 1] = 2
    monkeypatch.setattr(script, "linear_accuracy", lambda *_: (0.9, confusion))
    options = ["--per-class", "1", "--test-per-class", "1", "--num-points", "8"]
    printed = CliRunner().invoke(script.main, options, catch_exceptions=False).output
    rows = {line.split()[0]: line.partition("taken for: ")[2] for line in printed.splitlines()[1:]}
    assert rows[SHAPE_CLASSES[0]] == f"{SHAPE_CLASSES[1]} 2"
    assert rows[SHAPE_CLASSES[1]] == ""

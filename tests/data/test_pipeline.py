"""The training batches: order, seeds, augmentation."""

import keras
import numpy as np
import pytest

from csnn_tf.data.augmenter import Augmenter
from csnn_tf.data.batches import BatchPlan
from csnn_tf.data.mesh import Mesh
from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.pipeline import training_batches
from csnn_tf.data.resampling import padded, resample
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.data.sources import CloudSource, make_source
from csnn_tf.errors import InputError
from csnn_tf.layers import PointsToSpheres


@pytest.fixture
def shapes():
    clouds = np.random.default_rng(0).normal(size=(7, 40, 3)).astype(np.float32)
    return ShapeSet(clouds, [0, 1, 2, 0, 1, 2, 0], list("abcdefg"), ("x", "y", "z"))


def collect(shapes, epochs, first=0, rotation="so3", num_points=40):
    augment, mapping = Augmenter(rotation=rotation), PointsToSpheres(1, 2, 1)
    batches = training_batches(
        make_source(shapes, num_points, 0),
        lambda points, seed: mapping(augment(points, seed)),
        BatchPlan(len(shapes), 3, 5),
        epochs=epochs,
        first_epoch=first,
    )
    return [(np.asarray(maps), np.asarray(labels)) for maps, labels in batches]


def test_plan_is_a_permutation_that_changes_by_epoch():
    plan = BatchPlan(10, 3, 0)
    order, seeds = plan.epoch(0)
    assert order.shape == (3, 3)
    assert plan.steps == 3
    assert len(set(order.ravel())) == 9
    assert len(np.unique(seeds, axis=0)) == 3
    assert (plan.epoch(0)[0] == order).all()
    assert (plan.epoch(1)[0] != order).any()
    assert (BatchPlan(10, 3, 1).epoch(0)[0] != order).any()


def test_plan_with_groups_gives_every_batch_its_share_of_each():
    groups = np.repeat([0, 1, 2], [40, 20, 20])
    plan = BatchPlan(80, 8, 0, tuple(groups))
    for epoch in (0, 1):
        order, _ = plan.epoch(epoch)
        assert len(set(order.ravel())) == 80
        for batch in order:
            assert np.abs(np.bincount(groups[batch]) - [4, 2, 2]).max() <= 1
    assert (plan.epoch(0)[0] != plan.epoch(1)[0]).any()
    with pytest.raises(InputError, match="79 groups"):
        BatchPlan(80, 8, 0, tuple(groups[:-1]))


@pytest.mark.parametrize("size", [0, 11])
def test_plan_refuses_a_batch_size_that_does_not_fit(size):
    with pytest.raises(InputError, match="batch_size"):
        BatchPlan(10, size, 0)


def test_batches_are_a_function_of_seed_and_epoch(shapes):
    whole, later = collect(shapes, 3), collect(shapes, 3, first=1)
    assert len(whole) == 6
    assert whole[0][0].shape == (3, 42, 2, 1)
    for (maps, labels), (again, same) in zip(whole[2:], later, strict=True):
        np.testing.assert_array_equal(maps, again)
        np.testing.assert_array_equal(labels, same)
    assert np.abs(whole[0][0] - whole[2][0]).max() > 1e-3


def test_orders_are_made_when_their_epoch_comes(shapes, monkeypatch):
    made, epoch = [], BatchPlan.epoch
    monkeypatch.setattr(BatchPlan, "epoch", lambda *args: made.append(1) or epoch(*args))
    next(
        iter(
            training_batches(
                CloudSource(shapes, 40), lambda points, seed: points, BatchPlan(7, 2, 0), epochs=99
            )
        )
    )
    assert len(made) < 9


def test_labels_belong_to_their_shapes(shapes):
    clouds = np.eye(3, dtype=np.float32)[shapes.labels][:, None] * np.ones((1, 40, 1), np.float32)
    marked = ShapeSet(clouds, shapes.labels, shapes.names, shapes.class_names)
    source = CloudSource(marked, 40)
    for points, labels in training_batches(
        source, lambda points, seed: points, BatchPlan(7, 2, 0), epochs=2
    ):
        np.testing.assert_array_equal(np.asarray(points)[:, 0].argmax(axis=1), np.asarray(labels))


def test_clouds_of_different_sizes_are_drawn_without_repetition():
    clouds = [np.arange(3 * n, dtype=np.float32).reshape(n, 3) + 1 for n in (5, 9, 2)]
    points, counts = padded(clouds)
    assert points.shape == (3, 9, 3)
    drawn = np.asarray(resample(points, counts, 4, np.array([1, 2], np.uint32)))
    for cloud, rows in zip(clouds, drawn, strict=True):
        found = {tuple(row) for row in rows}
        assert found <= {tuple(row) for row in cloud}
        assert len(found) == min(len(cloud), 4)
    # Two points, four places: each point twice.
    assert np.unique(drawn[2], axis=0, return_counts=True)[1].tolist() == [2, 2]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="meshes in a tf.data graph")
def test_meshes_are_sampled_anew_in_every_epoch():
    meshes = [
        Mesh(np.eye(3, dtype=np.float32) * size, np.array([[0, 1, 2]], dtype=np.int32))
        for size in (1.0, 2.0, 3.0)
    ]
    meshes.append(
        Mesh(
            np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32),
            np.array([[0, 1, 2], [1, 3, 2]], np.int32),
        )
    )
    source = make_source(MeshSet(meshes, [0, 1, 2, 3], list("abcd"), tuple("abcd")), 16, 0)
    plan = BatchPlan(4, 4, 0)
    batches = list(training_batches(source, lambda points, seed: points, plan, epochs=2))
    seen = {}
    for points, labels in batches:
        for cloud, label in zip(points.numpy(), labels.numpy(), strict=True):
            on_plane = cloud[:, 2] if label == 3 else cloud.sum(axis=1) - (label + 1)
            np.testing.assert_allclose(on_plane, 0, atol=1e-5)
            seen.setdefault(int(label), []).append(cloud)
    assert all(np.abs(one - two).max() > 1e-3 for one, two in seen.values())


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="meshes in a tf.data graph")
@pytest.mark.parametrize(("kept", "points"), [(None, 16), (64, 64)])
def test_meshes_are_sampled_once_with_more_points_to_draw_from(kept, points):
    mesh = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], dtype=np.int32))
    source = make_source(MeshSet([mesh], [0], ["a"], ("b",)), 16, 0, kept)
    assert source.stored[0].shape == (1, points, 3)
    order = np.zeros(1, np.int32)
    first, second = (np.asarray(source(order, np.array([seed, 0], np.uint32))) for seed in (1, 2))
    assert first.shape == (1, 16, 3)
    assert (first == second).all() == (points == 16)


def test_augmenter_options():
    points = np.random.default_rng(0).normal(size=(2, 30, 3)).astype(np.float32)
    seed = np.array([3, 4], np.uint32)
    plain = Augmenter(rotation="none", scale=None, shift=0, jitter=0)
    np.testing.assert_array_equal(np.asarray(plain(points, seed)), points)
    upright = Augmenter(rotation="z", upright_axis=2, scale=None, shift=0, jitter=0)
    turned = np.asarray(upright(points, seed))
    np.testing.assert_allclose(turned[..., 2], points[..., 2], atol=1e-6)
    assert np.abs(turned - points).max() > 0.1
    with pytest.raises(InputError, match="rotation"):
        Augmenter(rotation="sideways")
    for scale in (5, "ab", (0.8, 1, 1.2), {0.8: 1, 1.2: 1}):
        with pytest.raises(InputError, match="scale must be two factors"):
            Augmenter(scale=scale)
    assert len(Augmenter(scale=np.array([0.8, 1.2])).layers) == 4

import sys

import numpy as np
import pytest

from csnn_tf.data import Mesh, MeshSet, mesh_dataset, sample_mesh_points
from csnn_tf.errors import InputError
from tests.data.data_files import SQUARE, TETRAHEDRON

tf = pytest.importorskip("tensorflow")

SAMPLER = "tensorflow_graphics.geometry.representation.mesh.sampler"
SEED = tf.constant([1, 2])


@pytest.fixture(autouse=True, params=["tensorflow-graphics", "stand-in"])
def sampler(request, monkeypatch):
    """Each test with tensorflow-graphics, and with what stands in for it."""
    if request.param == "tensorflow-graphics":
        pytest.importorskip(SAMPLER)
    else:
        monkeypatch.setitem(sys.modules, SAMPLER, None)
        package = sys.modules.get(SAMPLER.rpartition(".")[0])
        monkeypatch.delattr(package, "sampler", raising=False)
    return request.param


def batch(*meshes):
    return (
        tf.ragged.stack([tf.constant(mesh.vertices) for mesh in meshes]),
        tf.ragged.stack([tf.constant(mesh.faces) for mesh in meshes]),
    )


def mesh_set(count=5):
    meshes = [(TETRAHEDRON, SQUARE)[number % 2] for number in range(count)]
    labels = [number % 3 for number in range(count)]
    return MeshSet(meshes, labels, [str(number) for number in range(count)], ("a", "b", "c"))


def distance_to_tetrahedron(points):
    """How far points with no negative coordinate are from the tetrahedron's four faces."""
    slant = np.abs(points.sum(axis=-1) - 1)
    return np.minimum(np.abs(points).min(axis=-1), slant)


def test_points_lie_on_the_surfaces():
    points = sample_mesh_points(*batch(TETRAHEDRON, SQUARE), 400, SEED).numpy()
    assert points.shape == (2, 400, 3)
    assert points.dtype == np.float32
    assert (points >= 0).all()
    assert distance_to_tetrahedron(points[0]).max() < 1e-6
    assert points[0].sum(axis=-1).max() < 1 + 1e-6
    assert (points[1, :, 2] == 0).all()
    assert points[1].max() <= 1


def test_points_fall_by_area():
    big_and_small = Mesh(
        np.array([[0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 9], [1, 0, 9], [0, 1, 9]], np.float32),
        np.array([[0, 1, 2], [3, 4, 5]], np.int32),
    )
    points = sample_mesh_points(*batch(big_and_small, SQUARE), 20_000, SEED).numpy()
    share = (points[0, :, 2] > 1).mean()
    assert abs(share - 0.1) < 5 * np.sqrt(0.1 * 0.9 / 20_000)


def test_places_are_uniform_on_every_face():
    # The choice of the face and the place in it must not come from the same random bits.
    points = sample_mesh_points(*batch(SQUARE), 20_000, SEED).numpy()[0]
    counts, _, _ = np.histogram2d(points[:, 0], points[:, 1], bins=8, range=[[0, 1], [0, 1]])
    chi_squared = ((counts - 20_000 / 64) ** 2 / (20_000 / 64)).sum()
    assert chi_squared < 63 + 5 * np.sqrt(2 * 63)


@pytest.mark.parametrize("fill", [0, -1])
def test_padding_is_never_sampled(fill):
    vertices = np.full((2, 9, 3), 50, np.float32)
    vertices[0, :4], vertices[1, :4] = TETRAHEDRON.vertices, SQUARE.vertices
    faces = np.full((2, 9, 3), fill, np.int32)
    faces[0, :4], faces[1, :2] = TETRAHEDRON.faces, SQUARE.faces
    points = sample_mesh_points(vertices, faces, 500, SEED).numpy()
    assert points.max() <= 1 + 1e-6
    assert distance_to_tetrahedron(points[0]).max() < 1e-6


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
@pytest.mark.parametrize("offset", [0, 1])
def test_size_and_place_of_a_mesh_do_not_matter(scale, offset):
    scale, offset = np.float32(scale), np.float32(offset * scale)
    vertices, faces = batch(TETRAHEDRON)
    expected = sample_mesh_points(vertices, faces, 200, SEED).numpy()
    points = sample_mesh_points(vertices * scale + offset, faces, 200, SEED).numpy()
    np.testing.assert_allclose((points - offset) / scale, expected, atol=1e-5)


def test_the_seed_decides_the_points():
    vertices, faces = batch(TETRAHEDRON, TETRAHEDRON)
    points = sample_mesh_points(vertices, faces, 50, SEED).numpy()
    np.testing.assert_array_equal(points, sample_mesh_points(vertices, faces, 50, SEED))
    assert not np.array_equal(points, sample_mesh_points(vertices, faces, 50, SEED + 1))
    assert not np.array_equal(points[0], points[1])


def test_runs_in_a_graph_of_open_sizes():
    function = tf.function(
        lambda v, f: sample_mesh_points(v, f, 30, SEED),
        input_signature=[
            tf.TensorSpec([None, None, 3]),
            tf.TensorSpec([None, None, 3], tf.int32),
        ],
    )
    concrete = function.get_concrete_function()
    assert concrete.output_shapes.as_list() == [None, 30, 3]
    assert not [op.type for op in concrete.graph.get_operations() if "PyFunc" in op.type]
    vertices, faces = (tensor.to_tensor() for tensor in batch(SQUARE, TETRAHEDRON))
    np.testing.assert_allclose(
        function(vertices, faces), sample_mesh_points(vertices, faces, 30, SEED), atol=1e-6
    )


def collect(dataset):
    points, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(points), np.concatenate(labels)


def test_dataset_shapes():
    dataset = mesh_dataset(mesh_set(), 20, batch_size=2, shuffle=False)
    points, labels = dataset.element_spec
    assert points.shape.as_list() == [None, 20, 3]
    assert (points.dtype, labels.dtype) == (tf.float32, tf.int32)
    assert [len(labels) for _, labels in dataset] == [2, 2, 1]
    points, labels = collect(dataset)
    assert labels.tolist() == [0, 1, 2, 0, 1]
    assert distance_to_tetrahedron(points[::2]).max() < 1e-6
    assert (points[1::2, :, 2] == 0).all()


def test_every_pass_draws_other_points():
    dataset = mesh_dataset(mesh_set(), 20, seed=3, shuffle=False)
    (first, labels), (second, same_labels) = collect(dataset), collect(dataset)
    np.testing.assert_array_equal(labels, same_labels)
    assert (first != second).all(axis=2).mean() > 0.5
    assert not np.array_equal(first[0], first[2]), "equal meshes, other points"
    points, _ = collect(dataset.repeat(2))
    assert not np.array_equal(points[:5], points[5:])


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_same_seed_gives_the_same_passes(shuffle):
    one, other = (mesh_dataset(mesh_set(9), 10, seed=4, shuffle=shuffle) for _ in range(2))
    tf.random.uniform(())
    for _ in range(2):
        for left, right in zip(collect(one), collect(other), strict=True):
            np.testing.assert_array_equal(left, right)
    different = mesh_dataset(mesh_set(9), 10, seed=5, shuffle=shuffle)
    assert not np.array_equal(collect(one)[0], collect(different)[0])


def test_shuffling_keeps_labels_with_their_points_and_changes_by_pass():
    meshes = [Mesh(SQUARE.vertices + np.float32(number), SQUARE.faces) for number in range(20)]
    labelled = MeshSet(meshes, range(20), map(str, range(20)), [f"c{i}" for i in range(20)])
    dataset = mesh_dataset(labelled, 5, seed=1)
    orders = []
    for _ in range(2):
        points, labels = collect(dataset)
        assert sorted(labels) == list(range(20))
        np.testing.assert_array_equal(points[:, 0, 2], labels)
        orders.append(labels.tolist())
    assert orders[0] != orders[1]


@pytest.mark.parametrize(
    "arguments",
    [{"num_points": 0}, {"num_points": 2, "batch_size": 0}, {"num_points": 2, "seed": -1}],
)
def test_wrong_arguments(arguments):
    with pytest.raises(InputError, match=list(arguments)[-1]):
        mesh_dataset(mesh_set(), **arguments)


@pytest.mark.parametrize("sampler", ["tensorflow-graphics"], indirect=True)
def test_a_release_without_the_sampler(monkeypatch, sampler):
    monkeypatch.delattr(f"{SAMPLER}.generate_random_face_indices")
    assert sample_mesh_points(*batch(SQUARE), 10, SEED).shape == (1, 10, 3)

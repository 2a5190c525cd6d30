"""Neighbours of atoms as features on concentric spheres."""

import keras
import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.grid import icosahedral_rotations, icosphere, vertex_permutations
from csnn_tf.layers import AgniFingerprints, NeighborsToSpheres, compiled_kernels
from tests.helpers import BACKEND, golden, numpy_of, our_vertices, relative

ONE = np.array([0])


def mapped(layer, displacements, centre=None, species=None, num_atoms=1):
    displacements = np.asarray(displacements, "float32")
    centre = np.zeros(len(displacements), int) if centre is None else centre
    return numpy_of(layer(displacements, centre, species, num_atoms=num_atoms))


def some_neighbors(count=40, seed=0):
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * rng.uniform(1.1, 4.9, (count, 1))


def test_the_published_environments():
    data = golden("atom_environment")
    layer = NeighborsToSpheres(
        int(data["level"]),
        1,
        int(data["radial"]),
        cutoff=float(data["r_cut"]),
        r_min=float(data["r_min"]),
    )
    counts = data["counts"]
    centre = np.repeat(np.arange(len(counts)), counts)
    found = mapped(layer, data["displacements"], centre, num_atoms=len(counts))
    expected = np.zeros_like(found)
    expected[:, our_vertices(data["vertices"], 2), 0] = data["features"][:, 0]
    assert relative(found, expected) < 1e-5


@pytest.mark.parametrize("angular", ["nearest", "linear"])
@pytest.mark.parametrize("radial", ["step", "linear"])
@pytest.mark.parametrize("cutoff_function", ["none", "cosine", "switch"])
@pytest.mark.parametrize(("contribution", "power"), [("1", 0), ("1/d", 1), ("1/d^2", 2)])
def test_features_sum_to_the_contributions(contribution, power, cutoff_function, radial, angular):
    neighbors = some_neighbors()
    layer = NeighborsToSpheres(
        1,
        2,
        4,
        cutoff=5.0,
        contribution=contribution,
        cutoff_function=cutoff_function,
        radial=radial,
        angular=angular,
    )
    distance = np.linalg.norm(neighbors, axis=1)
    expected = distance**-power
    if cutoff_function == "cosine":
        expected = expected * (1 + np.cos(np.pi * distance / 5.0)) / 2
    if cutoff_function == "switch":
        switched = (1 + np.cos(np.pi * (distance - 4.0))) / 2
        expected = expected * np.where(distance > 4.0, switched, 1.0)
    assert mapped(layer, neighbors).sum() == pytest.approx(expected.sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("distance", "channel"),
    [(0.5, 0), (1.2, 0), (1.99, 0), (2.01, 1), (2.0, 0), (4.5, 3), (5.0, 3)],
)
def test_the_radial_channel_of_a_distance(distance, channel):
    layer = NeighborsToSpheres(1, 2, 2, cutoff=5.0)
    vertex = 17
    found = mapped(layer, icosphere(1).vertices[vertex : vertex + 1] * distance)
    expected = np.zeros((1, 42, 2, 2))
    expected[0, vertex, channel // 2, channel % 2] = 1 / distance
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_padding_and_atoms_beyond_the_cutoff_count_nowhere():
    layer = NeighborsToSpheres(0, 1, 3, cutoff=4.0)
    found = mapped(layer, [[0, 0, 0], [0, 0, 4.01], [3, 3, 3]], num_atoms=2)
    assert found.shape == (2, 12, 1, 3)
    assert not found.any()
    assert mapped(layer, [[0, 0, 4.0]]).sum() == pytest.approx(0.25)


@pytest.mark.parametrize("angular", ["nearest", "linear"])
def test_an_atom_may_be_alone(angular):
    layer = NeighborsToSpheres(1, 1, 3, cutoff=4.0, angular=angular)
    assert not mapped(layer, np.zeros((0, 3)), num_atoms=2).any()
    species = np.zeros(0, int)
    with compiled_kernels():
        assert not mapped(layer, np.zeros((0, 3)), species, num_atoms=2).any()


def test_elements_have_channels_of_their_own():
    layer = NeighborsToSpheres(1, 2, 3, elements=2, cutoff=5.0)
    alone = NeighborsToSpheres(1, 2, 3, cutoff=5.0)
    neighbors = some_neighbors()
    species = np.arange(len(neighbors)) % 2
    found = mapped(layer, neighbors, species=species)
    for element in (0, 1):
        expected = mapped(alone, neighbors[species == element])
        np.testing.assert_allclose(found[..., element * 3 : element * 3 + 3], expected, atol=1e-6)


@pytest.mark.parametrize("angular", ["nearest", "linear"])
@pytest.mark.parametrize("radial", ["step", "linear"])
def test_equivariant_to_the_grid_rotations_even_on_mirror_planes(radial, angular):
    # Edge midpoints of the finest grid are as near to two vertices, face centres to three.
    grid = icosphere(1)
    ends = grid.vertices[grid.edges[::7]].mean(axis=1)
    corners = grid.vertices[grid.faces[::9]].mean(axis=1)
    ideal = np.concatenate([ends, corners]) * 1.7
    neighbors = np.concatenate([ideal, some_neighbors(20)])
    matrices = icosahedral_rotations()
    turned = np.einsum("gij,pj->gpi", matrices, neighbors).reshape(-1, 3)
    centre = np.repeat(np.arange(60), len(neighbors))
    layer = NeighborsToSpheres(1, 1, 4, cutoff=5.0, radial=radial, angular=angular)
    found = mapped(layer, turned, centre, num_atoms=60)
    assert not np.allclose(found[0], found[1])
    for output, permutation in zip(found, vertex_permutations(1), strict=True):
        np.testing.assert_allclose(output[permutation], found[0], atol=1e-5)


@pytest.mark.parametrize("cutoff_function", ["cosine", "switch"])
def test_linear_features_that_vanish_at_the_cutoff_are_continuous(cutoff_function):
    layer = NeighborsToSpheres(
        0, 1, 5, cutoff=5.0, radial="linear", cutoff_function=cutoff_function
    )
    steps = np.linspace(0.8, 5.2, 441)
    up = np.tile(icosphere(0).vertices[3], (441, 1))
    found = mapped(layer, up * steps[:, None], np.arange(441), num_atoms=441)
    assert np.abs(np.diff(found, axis=0)).max() < 0.03
    jumping = NeighborsToSpheres(0, 1, 5, cutoff=5.0)
    found = mapped(jumping, up * steps[:, None], np.arange(441), num_atoms=441)
    assert np.abs(np.diff(found, axis=0)).max() > 0.15


@pytest.mark.parametrize("level", [0, 1, 3])
def test_linear_in_the_direction_gives_the_direction_back(level):
    neighbors = some_neighbors(500)
    layer = NeighborsToSpheres(level, 1, 1, contribution="1", angular="linear")
    found = mapped(layer, neighbors, np.arange(500), num_atoms=500)[:, :, 0, 0]
    assert (np.count_nonzero(found, axis=1) <= 3).all()
    assert found.min() >= 0
    along = found @ icosphere(level).vertices
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    direction = neighbors / np.linalg.norm(neighbors, axis=1, keepdims=True)
    np.testing.assert_allclose(along, direction, atol=1e-5)


def test_linear_is_continuous_in_the_direction():
    # A great circle that crosses many triangles, through a vertex and across edges.
    angle = np.linspace(0, 2 * np.pi, 2001)
    first, second = icosphere(2).vertices[[5, 40]]
    second = np.cross(np.cross(first, second), first)
    second /= np.linalg.norm(second)
    circle = 2 * (np.outer(np.cos(angle), first) + np.outer(np.sin(angle), second))
    for angular, jumps in (("linear", False), ("nearest", True)):
        layer = NeighborsToSpheres(2, 1, 1, contribution="1", angular=angular)
        found = mapped(layer, circle, np.arange(2001), num_atoms=2001)
        assert (np.abs(np.diff(found, axis=0)).max() > 0.05) == jumps


def test_the_number_of_atoms_follows_from_the_largest_centre():
    layer = NeighborsToSpheres(0, 1, 2)
    found = layer(np.array([[1.5, 0, 0], [0, 2.5, 0]], "float32"), np.array([0, 2]))
    assert found.shape == (3, 12, 1, 2)


TWO = np.array([[1.5, 0, 0], [0, 2.5, 0]], "float32"), np.array([0, 1])


@pytest.mark.parametrize("training", [None, False, True])
def test_compiled_in_prediction_and_with_jax_always(monkeypatch, training):
    layer, calls = NeighborsToSpheres(0, 1, 2), []
    kernel = layer._kernel()
    monkeypatch.setattr(
        layer, "_kernel", lambda: lambda *given: calls.append(given) or kernel(*given)
    )
    assert layer(*TWO, num_atoms=2, training=training).shape == (2, 12, 1, 2)
    assert len(calls) == (BACKEND == "jax" or not training)


@pytest.mark.parametrize("kind", [int, np.int64, np.array, keras.ops.convert_to_tensor])
def test_the_number_of_atoms_may_be_of_any_kind(kind):
    layer = NeighborsToSpheres(0, 1, 2)
    expected = mapped(layer, *TWO, num_atoms=2)
    with compiled_kernels():
        found = mapped(layer, *TWO, num_atoms=kind(3))
    np.testing.assert_array_equal(found, np.concatenate([expected, np.zeros((1, 12, 1, 2))]))


@pytest.mark.skipif(BACKEND != "jax", reason="other backends take tensors for sizes")
def test_jax_wants_a_number_of_atoms_that_it_knows():
    import jax

    for layer, shape in ((NeighborsToSpheres(0, 1, 2), (12, 1, 2)), (AgniFingerprints(3), (15,))):
        for function in (lambda *given, f=layer: f(*given, num_atoms=3.0), jax.jit(layer)):
            with pytest.raises(InputError, match=r"num_atoms must be a whole number, and inside"):
                function(*TWO)
        known = jax.jit(lambda *given, f=layer: f(*given, num_atoms=2))
        assert known(*TWO).shape == (2, *shape)


def test_layers_share_a_kernel_and_changed_ones_have_another():
    first, second = NeighborsToSpheres(0, 1, 2, cutoff=4.0), NeighborsToSpheres(0, 1, 2, cutoff=4.0)
    assert first._kernel() is second._kernel()
    with compiled_kernels():
        before = mapped(first, *TWO, num_atoms=2)
        first.cutoff = 2.0
        after = mapped(first, *TWO, num_atoms=2)
        assert not after[1].any()
        assert before[1].any()
        expected = mapped(NeighborsToSpheres(0, 1, 2, cutoff=2.0), *TWO, num_atoms=2)
        np.testing.assert_array_equal(after, expected)
        np.testing.assert_array_equal(mapped(second, *TWO, num_atoms=2), before)


@pytest.mark.parametrize("angular", ["nearest", "linear"])
def test_compiled_in_prediction_for_several_sizes(angular):
    layer = NeighborsToSpheres(1, 1, 4, elements=2, cutoff=5.0, radial="linear", angular=angular)
    for count, atoms in ((40, 3), (24, 5)):
        neighbors = some_neighbors(count)
        centre, species = np.arange(count) % atoms, np.arange(count) % 2
        with compiled_kernels(False):
            expected = mapped(layer, neighbors, centre, species, num_atoms=atoms)
        assert expected.shape == (atoms, 42, 1, 8)
        with compiled_kernels():
            found = mapped(
                layer, neighbors, centre, species, num_atoms=keras.ops.convert_to_tensor(atoms)
            )
        assert relative(found, expected) < 1e-6


def test_configuration_round_trip():
    layer = NeighborsToSpheres(
        1,
        2,
        3,
        elements=2,
        cutoff=4.5,
        r_min=0.5,
        contribution="1/d^2",
        cutoff_function="cosine",
        radial="linear",
        angular="linear",
        name="mapping",
    )
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    assert layer.compute_output_shape((5, 3)) == (None, 42, 2, 6)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cutoff": 1.0}, "r_min < cutoff"),
        ({"r_min": -1.0}, "r_min"),
        ({"contribution": "d"}, "contribution"),
        ({"cutoff_function": "sharp"}, "cutoff_function"),
        ({"radial": "cubic"}, "radial"),
        ({"angular": "cubic"}, "angular"),
        ({"level": 9}, "level"),
        ({"spheres": 0}, "spheres"),
        ({"channels": 0}, "channels"),
        ({"elements": 0}, "elements"),
    ],
)
def test_bad_arguments_are_named(changes, named):
    with pytest.raises(InputError, match=named):
        NeighborsToSpheres(**changes)


def test_bad_calls_are_named():
    with pytest.raises(InputError, match="displacements"):
        NeighborsToSpheres(0)(np.zeros((3, 2), "float32"), ONE, num_atoms=1)
    with pytest.raises(InputError, match="species"):
        NeighborsToSpheres(0, elements=2)(np.ones((1, 3), "float32"), ONE, num_atoms=1)
    with pytest.raises(InputError, match="5.14e[+]09 numbers of 2000000 atoms; at most 2.15e[+]09"):
        NeighborsToSpheres(3, channels=4)(np.ones((1, 3), "float32"), ONE, num_atoms=2_000_000)


@pytest.mark.parametrize("layer", [NeighborsToSpheres(0, 1, 2), AgniFingerprints(3)])
def test_numbers_of_atoms_that_are_none_are_refused(layer):
    for number in (2.0, -2, np.float32(2), True, "2", keras.ops.convert_to_tensor(2.0), [2, 3]):
        with pytest.raises(InputError, match=r"num_atoms must be a whole number, .*from 0 on, not"):
            layer(*TWO, num_atoms=number)
    assert layer(TWO[0][:0], TWO[1][:0], num_atoms=0).shape[0] == 0


@pytest.mark.parametrize("layer", [NeighborsToSpheres(0, 1, 2), AgniFingerprints(3)])
@pytest.mark.parametrize("values", [[0], [0, 1, 1], [[0], [1]], 0])
def test_indices_of_other_pairs_are_refused(layer, values):
    """One alone was spread over all pairs, others were an error of the backend."""
    for kind in (np.array, keras.ops.convert_to_tensor):
        with pytest.raises(InputError, match=r"expects centre \[2\], not the shape"):
            layer(TWO[0], kind(values), num_atoms=2)
        with pytest.raises(InputError, match=r"expects species \[2\], not the shape"):
            layer(*TWO, kind(values), num_atoms=2)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="about functions of TensorFlow")
def test_sizes_that_are_not_known_while_compiling():
    import tensorflow as tf

    layer = NeighborsToSpheres(0, 1, 2)
    specs = (tf.TensorSpec([None, 3]), *[tf.TensorSpec([None], "int64")] * 2)
    function = tf.function(
        lambda vectors, centre, species, number: layer(vectors, centre, species, number),
        input_signature=[*specs, tf.TensorSpec([], "int32")],
    )
    found = function(*TWO, np.zeros(2, "int64"), np.int32(2))
    np.testing.assert_array_equal(found, mapped(layer, *TWO, num_atoms=2))

import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.grid import vertex_permutations
from csnn_tf.layers import BatchNormalization, IntraSphereConv, VertexPooling
from csnn_tf.testing import assert_equivariant, assert_invariant
from tests.helpers import feature_maps

MAPS = feature_maps(1, 3, 4)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x,
        lambda x: ops.tanh(x) * 3,
        lambda x: x - ops.mean(x, axis=1, keepdims=True),
        lambda x: x[:, :12],  # another level
        lambda x: ops.sum(x, axis=(2, 3)),  # any axes after the vertices
    ],
)
def test_equivariant_functions_pass(function):
    assert_equivariant(function, MAPS)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.cumsum(x, axis=1),
        lambda x: ops.roll(x, 1, axis=1),
        lambda x: x * ops.reshape(ops.arange(42, dtype="float32"), (42, 1, 1)),
        lambda x: ops.roll(x, 1, axis=1)[:, :12],
        lambda x: ops.concatenate([x[:, :41], 1.001 * x[:, 41:]], axis=1),
    ],
)
def test_others_fail(function):
    with pytest.raises(AssertionError, match=r"deviates by .* under rotation \d+ \(\d+ degrees"):
        assert_equivariant(function, MAPS)


def test_the_message_names_function_deviation_and_rotation():
    def lopsided(x):
        return ops.concatenate([2 * x[:, :1], x[:, 1:]], axis=1)

    with pytest.raises(AssertionError) as caught:
        assert_equivariant(lopsided, MAPS, rotations=[0, 7])
    message = str(caught.value)
    moved = np.abs(MAPS[:, [0, np.argsort(vertex_permutations(1)[7])[0]]]).max()
    assert message.startswith(f"lopsided deviates by {moved:.3g}, ")
    assert "(1e-05 is allowed), under rotation 7 (" in message
    assert_equivariant(lopsided, MAPS, tolerance=1.0)


@pytest.mark.parametrize("tolerance", [float("nan"), -1.0, "a"])
@pytest.mark.parametrize("check", [assert_equivariant, assert_invariant])
def test_tolerances_that_allow_everything_or_nothing_are_refused(check, tolerance):
    with pytest.raises(InputError, match="tolerance must be"):
        check(lambda x: x, MAPS, tolerance=tolerance)


@pytest.mark.parametrize("check", [assert_equivariant, assert_invariant])
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": -1}, "seed must be"),
        ({"seed": 0.5}, "seed must be"),
        ({"rotations": [0.0, 1]}, r"rotations from 0 to 59, at least one, not \[0.0, 1\]"),
        ({"rotations": [True]}, "rotations from 0 to 59"),
    ],
)
def test_seeds_and_rotations_that_are_none_are_refused(check, changes, named):
    with pytest.raises(InputError, match=named):
        check(lambda x: x, (1, 12, 2, 2), **changes)
    with pytest.raises(InputError, match="the shape must be a positive whole number, not -12"):
        check(lambda x: x, (1, -12, 2, 2))


def test_layers_run_in_inference_mode():
    class Noisy(keras.layers.Layer):
        def call(self, x, training=None):
            return x + keras.random.normal(ops.shape(x)) if training else x

    assert_equivariant(Noisy(), MAPS)
    layer = BatchNormalization()
    layer.build(MAPS.shape)
    assert_equivariant(layer, MAPS)
    np.testing.assert_array_equal(layer.get_weights()[2], 0)


def test_a_shape_instead_of_inputs():
    assert_equivariant(IntraSphereConv(4), (2, 42, 3, 5))
    assert_invariant(lambda x: ops.max(x, axis=(1, 2)), (2, 42, 3, 5), seed=3)
    with pytest.raises(AssertionError, match="deviates"):
        assert_equivariant(lambda x: ops.roll(x, 1, axis=1), (1, 12, 1, 1))
    for shape in ([2, 42, 3, 5], tuple(np.array([2, 42, 3, 5]))):
        assert_equivariant(IntraSphereConv(4), shape)


def test_rotations_share_calls():
    calls = []

    def counted(x):
        calls.append(x.shape[0])
        return x

    assert_equivariant(counted, MAPS)
    assert calls == [122]


def test_large_inputs_are_split(monkeypatch):
    monkeypatch.setattr("csnn_tf.testing._AT_ONCE", 7 * MAPS.size)
    assert_equivariant(VertexPooling(), MAPS)
    with pytest.raises(AssertionError, match="rotation"):
        assert_equivariant(lambda x: ops.cumsum(x, axis=1), MAPS)


def test_invariance():
    assert_invariant(lambda x: ops.max(x, axis=(1, 2)), MAPS)
    assert_invariant(lambda x: ops.mean(x, axis=(1, 2, 3)), MAPS)
    with pytest.raises(AssertionError, match="deviates by .* of its largest output"):
        assert_invariant(lambda x: x[:, 0], MAPS)


def test_outputs_that_depend_on_the_batch():
    with pytest.raises(AssertionError, match="deviates by 1"):
        assert_equivariant(lambda x: 0 * x + (np.arange(122) > 1)[:, None, None, None], MAPS)
    with pytest.raises(AssertionError, match=r"gave the shape \(3, 4\) for the input \(122, 42"):
        assert_invariant(lambda x: ops.max(x, axis=(0, 1)), MAPS)
    with pytest.raises(AssertionError, match=r"gave the shape \(1,\)"):
        assert_invariant(ops.max, MAPS)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 0 * x,
        lambda x: 0 * x + ops.arange(4, dtype="float32"),
        lambda x: ops.relu(-1 - x * x),
    ],
    ids=["zeros", "a bias", "dead"],
)
def test_outputs_that_do_not_depend_on_the_inputs(function):
    with pytest.raises(AssertionError, match="same numbers for all inputs, which proves nothing"):
        assert_equivariant(function, MAPS)
    with pytest.raises(AssertionError, match="same numbers for all inputs, which proves nothing"):
        assert_invariant(lambda x: ops.max(function(x), axis=(1, 2)), MAPS)
    for maps in (MAPS, MAPS[:1]):
        with pytest.raises(AssertionError, match="proves nothing"):
            assert_invariant(lambda x: function(ops.max(x, axis=(1, 2))), maps)
        with pytest.raises(AssertionError, match="proves nothing"):
            assert_equivariant(function, maps)
    with pytest.raises(AssertionError, match="proves nothing"):
        assert_invariant(lambda x: ops.ones((x.shape[0], 3)), (1, 42, 3, 5))


@pytest.mark.parametrize("count", [1, 2])
def test_a_mean_may_be_the_same_everywhere(count):
    maps = MAPS[:1] if count == 1 else MAPS
    assert_equivariant(lambda x: 0 * x + ops.mean(x, axis=1, keepdims=True), maps)


def test_numbers_that_are_not_finite():
    with pytest.raises(AssertionError, match="not finite"):
        assert_equivariant(lambda x: x / 0.0, MAPS)


def test_outputs_without_vertices():
    with pytest.raises(AssertionError, match="has no vertex axis"):
        assert_equivariant(lambda x: ops.max(x, axis=1), MAPS)


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (np.ones((2, 42, 3, 4), "float32"), {}, "inputs that the rotations change"),
        (MAPS, {"rotations": [0]}, "inputs that the rotations change"),
        (MAPS, {"rotations": []}, "rotations from 0 to 59"),
        (MAPS, {"rotations": [60]}, "rotations from 0 to 59"),
        (MAPS[:, :41], {}, "42, 162"),
        (np.ones(42, "float32"), {}, "the shape"),
        ((0, 42, 3, 4), {}, "the shape"),
    ],
)
@pytest.mark.parametrize("check", [assert_equivariant, assert_invariant])
def test_checks_that_could_not_fail(check, inputs, options, message):
    with pytest.raises(InputError, match=message):
        check(lambda x: x, inputs, **options)


@pytest.mark.parametrize("check", [assert_equivariant, assert_invariant])
def test_several_tensors_are_refused_by_name(check):
    def both(x):
        return x, ops.tanh(x)

    for function, kind in ((both, "tuple"), (lambda x: {"a": x, "b": x}, "dict")):
        with pytest.raises(InputError, match=f"gave a {kind} of 2 outputs, not one tensor"):
            check(function, MAPS)
    for inputs, kind in (([MAPS, MAPS], "list"), ({"a": MAPS}, "dict")):
        with pytest.raises(InputError, match=f"{check.__name__} expects one .* not a {kind} of"):
            check(ops.tanh, inputs)
    assert_equivariant(ops.tanh, list(MAPS))  # entries of one batch

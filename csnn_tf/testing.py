"""Checks that a layer, model or function of feature maps respects the icosahedral rotations."""

import math
from collections.abc import Callable, Iterator, Sequence
from numbers import Integral
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.checks import check_number, check_seed, check_sizes, whole_number
from csnn_tf.errors import InputError
from csnn_tf.grid import MAX_LEVEL, icosahedral_rotations, num_vertices, vertex_permutations
from csnn_tf.layers.neighbor_sum import level_of

_AT_ONCE = 2**22
"""Numbers in one batch of rotated inputs, unless a single rotation has more."""


def assert_equivariant(
    function: Callable[[Any], Any],
    inputs: ArrayLike | Sequence[int],
    *,
    tolerance: float = 1e-5,
    rotations: Sequence[int] | None = None,
    seed: int = 0,
) -> None:
    """Assert that a function of feature maps commutes with rotations of the icosahedron.

    f(M h) = M f(h)  with  (M h)[j] = h[i]  where M takes vertex i to vertex j   (section III-D)

    The output may be of another level than the input; both follow from the sizes of the vertex
    axes. Keras layers and models are called with `training=False`. Several rotations share a call,
    as clouds of one batch, so the function must treat the entries of a batch independently.

    Args:
        function: Layer, model or function: [batch, vertex, ...] -> [batch, vertex', ...].
        inputs: Feature maps [batch, vertex, ...], usually [batch, vertex, sphere, channel]; or a
            shape, a tuple or list of whole numbers, to be filled with normal numbers.
        tolerance: Largest deviation allowed, as a share of the output's largest size.
        rotations: Indices into `icosahedral_rotations()`; all 60 by default.
        seed: Seed of the numbers drawn for a shape.

    Raises:
        AssertionError: If a rotation's deviation is larger; the message names the worst rotation.
            Or if the outputs do not depend on the inputs, which proves nothing.
        InputError: If the arguments cannot test anything.

    Example:
        >>> assert_equivariant(csnn_tf.layers.IntraSphereConv(4), (2, 42, 3, 5))
    """
    name, features, rotations = _checked(
        "assert_equivariant", function, inputs, tolerance, rotations, seed
    )

    def back(index: int, output: NDArray) -> NDArray:
        level = _level(output.shape)
        if level is None:
            raise AssertionError(
                f"{name} gave the shape {output.shape}, which has no vertex axis at place 1."
            )
        return output[:, vertex_permutations(level)[index]]

    _compare(name, function, features, rotations, back, tolerance, places=2)


def assert_invariant(
    function: Callable[[Any], Any],
    inputs: ArrayLike | Sequence[int],
    *,
    tolerance: float = 1e-5,
    rotations: Sequence[int] | None = None,
    seed: int = 0,
) -> None:
    """Assert that rotations of the icosahedron do not change a function of feature maps.

    f(M h) = f(h)

    Args:
        function: Layer, model or function: [batch, vertex, ...] -> [batch, ...] without vertices,
            such as logits or a descriptor.
        inputs: See `assert_equivariant`.
        tolerance: See `assert_equivariant`.
        rotations: See `assert_equivariant`.
        seed: See `assert_equivariant`.

    Raises:
        AssertionError: If a rotation's deviation is larger; the message names the worst rotation.
            Or if the outputs do not depend on the inputs, which proves nothing.
        InputError: If the arguments cannot test anything.

    Example:
        >>> assert_invariant(lambda h: keras.ops.max(h, axis=(1, 2)), (2, 42, 3, 5))
    """
    name, features, rotations = _checked(
        "assert_invariant", function, inputs, tolerance, rotations, seed
    )
    _compare(name, function, features, rotations, lambda _, output: output, tolerance, places=1)


def _checked(
    owner: str, function: Any, inputs: Any, tolerance: float, rotations: Any, seed: int
) -> tuple[str, NDArray, list[int]]:
    """The function's name, the feature maps and the rotations' indices."""
    check_number("tolerance", tolerance, 0)
    name = getattr(function, "name", None) or getattr(function, "__name__", None)
    if isinstance(inputs, tuple | list) and all(isinstance(size, Integral) for size in inputs):
        sizes = check_sizes("the shape", inputs)
        inputs = np.random.default_rng(check_seed(seed)).normal(size=sizes).astype("float32")
    if isinstance(inputs, dict) or (isinstance(inputs, tuple | list) and any(map(_maps, inputs))):
        raise InputError(
            f"{owner} expects one tensor [batch, vertex, ...], not a {type(inputs).__name__} of "
            f"{len(inputs)}: check by each input, with a function that holds the others."
        )
    features = keras.ops.convert_to_numpy(inputs)
    if features.ndim < 2 or not features.size:
        raise InputError(f"{owner} expects [batch, vertex, ...], not the shape {features.shape}.")
    permutations = vertex_permutations(level_of(features.shape[1], owner))
    given = list(range(60) if rotations is None else rotations)
    rotations = [whole_number(index) for index in given]
    if not rotations or any(index not in range(60) for index in rotations):
        raise InputError(f"{owner} expects rotations from 0 to 59, at least one, not {given}.")
    if all(np.array_equal(features[:, permutations[index]], features) for index in rotations):
        raise InputError(f"{owner} needs inputs that the rotations change.")
    return str(name or type(function).__name__), features, rotations


def _maps(value: Any) -> bool:
    """Whether it is a tensor of feature maps, and not those of one entry of a batch."""
    shape = tuple(getattr(value, "shape", ()))
    return _level(shape) is not None and _level((1, *shape)) is None


def _compare(
    name: str,
    function: Callable[[Any], Any],
    features: NDArray,
    rotations: list[int],
    back: Callable[[int, NDArray], NDArray],
    tolerance: float,
    places: int,
) -> None:
    """Rotate the inputs, rotate the outputs back, and compare with the unrotated output.

    An output that varies over its first axes, as many as `places`, depends on the inputs.
    """
    deviations, largest = [], 0.0
    for part, batch in _batches(features, rotations):
        outputs = _output(name, function, batch)
        if len(outputs) != len(batch):
            raise AssertionError(
                f"{name} gave the shape {outputs.shape} for the input {batch.shape}."
            )
        largest = max(largest, np.abs(outputs).max(initial=0.0))
        expected, *outputs = outputs.reshape(len(part) + 1, len(features), *outputs.shape[1:])
        for index, output in zip(part, outputs, strict=True):
            deviations.append(np.abs(back(index, output) - expected).max(initial=0.0))
    worst = int(np.argmax(deviations))
    if deviations[worst] > tolerance * largest:
        raise AssertionError(
            f"{name} deviates by {deviations[worst]:.3g}, {deviations[worst] / largest:.3g} of its "
            f"largest output ({tolerance:g} is allowed), under {_described(rotations[worst])}."
        )
    rows = expected.reshape(math.prod(expected.shape[:places]), -1)
    if (rows == rows[0]).all() and (_output(name, function, _others(features)) == expected).all():
        raise AssertionError(
            f"{name} gave the same numbers for all inputs, which proves nothing: are its weights "
            "zero, or its units dead?"
        )


def _others(features: NDArray) -> NDArray:
    """Other numbers of the same range, which a function of it can take."""
    drawn = np.random.default_rng(0).uniform(features.min(), features.max(), features.shape)
    return drawn.astype(features.dtype)


def _batches(features: NDArray, rotations: list[int]) -> Iterator[tuple[list[int], NDArray]]:
    """Unrotated and rotated feature maps one after the other, as many rotations as fit."""
    inverse = np.argsort(vertex_permutations(_level(features.shape)), axis=1)
    count = max(1, _AT_ONCE // features.size)
    for start in range(0, len(rotations), count):
        part = rotations[start : start + count]
        batch = np.stack([features, *(features[:, inverse[index]] for index in part)])
        yield part, batch.reshape(-1, *features.shape[1:])


def _output(name: str, function: Callable[[Any], Any], features: NDArray) -> NDArray:
    """The function's output in inference mode, [batch, ...] float64."""
    features = keras.ops.convert_to_tensor(features)
    if isinstance(function, keras.layers.Layer):
        output = function(features, training=False)
    else:
        output = function(features)
    if isinstance(output, tuple | list | dict):
        raise InputError(
            f"{name} gave a {type(output).__name__} of {len(output)} outputs, not one tensor: "
            "check each by a function that gives it alone."
        )
    output = np.atleast_1d(np.asarray(keras.ops.convert_to_numpy(output), dtype="float64"))
    if not np.isfinite(output).all():
        raise AssertionError(f"{name} gave numbers that are not finite.")
    return output


def _level(shape: tuple[int, ...]) -> int | None:
    """The level that axis 1 enumerates, or None."""
    levels = range(MAX_LEVEL + 1)
    return next((n for n in levels if len(shape) > 1 and num_vertices(n) == shape[1]), None)


def _described(index: int) -> str:
    from scipy.spatial.transform import Rotation

    matrix = icosahedral_rotations()[index].copy()  # older SciPy wants to write to it
    turn = Rotation.from_matrix(matrix).as_rotvec(degrees=True)
    angle = np.linalg.norm(turn)
    if angle < 1:
        return f"rotation {index} (the identity: the place in the batch, or chance, decides)"
    axis = ", ".join(f"{value:.2f}" for value in turn / angle)
    return f"rotation {index} ({angle:.0f} degrees about [{axis}])"

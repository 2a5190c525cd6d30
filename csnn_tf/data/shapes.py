"""Built-in point clouds of sixteen kinds of everyday and machine parts; they need no files."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from csnn_tf.checks import check_positive, check_seed
from csnn_tf.data import shape_furniture, shape_household, shape_mechanical, shape_vehicles
from csnn_tf.data.shape_mesh import Triangles, sample_surface
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.errors import InputError

_MAKERS: dict[str, Callable[[np.random.Generator], Triangles]] = {
    "airplane": shape_vehicles.airplane,
    "bolt": shape_mechanical.bolt,
    "bookshelf": shape_furniture.bookshelf,
    "bottle": shape_household.bottle,
    "bowl": shape_household.bowl,
    "bracket": shape_mechanical.bracket,
    "car": shape_vehicles.car,
    "chair": shape_furniture.chair,
    "gear": shape_mechanical.gear,
    "ladder": shape_furniture.ladder,
    "lamp": shape_household.lamp,
    "mug": shape_household.mug,
    "pipe_elbow": shape_mechanical.pipe_elbow,
    "stool": shape_furniture.stool,
    "table": shape_furniture.table,
    "wheel": shape_mechanical.wheel,
}

SHAPE_CLASSES: tuple[str, ...] = tuple(_MAKERS)
"""Names of the built-in classes; a class's label is its place here."""

_SPLITS = {"train": 0, "test": 1}


def make_shape(
    class_name: str, rng: np.random.Generator, num_points: int = 1024
) -> NDArray[np.float32]:
    """Draws one shape of a class and points on its surface.

    The points are uniform by area, in random order, upright along +y, centred on their mean and
    scaled to a largest norm of 1. The surface is drawn before the points, so it does not depend on
    `num_points`.

    Args:
        class_name: One of `SHAPE_CLASSES`.
        rng: Source of all randomness.
        num_points: Number of points N.

    Returns:
        float32 [N, 3].

    Raises:
        InputError: if the class is unknown, `rng` is no generator or `num_points` is below 1.

    Example:
        >>> make_shape("mug", np.random.default_rng(7), 256).shape
        (256, 3)
    """
    maker = _MAKERS.get(class_name) if isinstance(class_name, str) else None
    if maker is None:
        raise InputError(f"class_name must be one of {', '.join(_MAKERS)}, not {class_name!r}.")
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng must be a numpy.random.Generator, not {type(rng).__name__}.")
    num_points = check_positive("num_points", num_points)
    points = sample_surface(maker(rng), num_points, rng)
    points -= points.mean(axis=0)
    largest = np.linalg.norm(points, axis=1).max()
    if largest > 0:  # a single point is its own mean
        points /= largest
    return points.astype(np.float32)


def builtin_shapes(split: str, per_class: int, num_points: int = 1024, seed: int = 0) -> ShapeSet:
    """Draws a balanced set of the built-in shapes.

    Shape k of a class depends on (seed, split, class, k) alone, and the set runs through all
    classes for k = 0, then for k = 1, and so on. A set is therefore the beginning of every larger
    one of the same split, seed and number of points.

    Args:
        split: 'train' or 'test'; the two draw from separate random streams.
        per_class: Number of shapes of every class.
        num_points: Number of points N of a shape.
        seed: the same seed draws the same set.

    Returns:
        A `ShapeSet` of S = `per_class` x 16 shapes with clouds float32 [S, N, 3].

    Raises:
        InputError: if the split is unknown or a number is no integer or too small.

    Example:
        >>> builtin_shapes("train", per_class=2, num_points=64).clouds.shape
        (32, 64, 3)
    """
    if not isinstance(split, str) or split not in _SPLITS:
        raise InputError(f"split must be 'train' or 'test', not {split!r}.")
    per_class, num_points = (
        check_positive("per_class", per_class),
        check_positive("num_points", num_points),
    )
    seed = check_seed(seed)
    classes = len(SHAPE_CLASSES)
    clouds = np.empty((per_class * classes, num_points, 3), dtype=np.float32)
    names = []
    for index in range(len(clouds)):
        k, label = divmod(index, classes)
        name = SHAPE_CLASSES[label]
        # The name's checksum, not its place: a new class must not change the shapes of the others.
        stream = (seed, _SPLITS[split], zlib.crc32(name.encode()), k)
        clouds[index] = make_shape(name, np.random.default_rng(stream), num_points)
        names.append(f"{name}_{split}_{k:04d}")
    labels = np.tile(np.arange(classes, dtype=np.int32), per_class)
    return ShapeSet(clouds=clouds, labels=labels, names=names, class_names=SHAPE_CLASSES)

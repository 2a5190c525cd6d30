"""Points drawn on meshes inside a tf.data graph, anew in each epoch.

This module imports TensorFlow, and tensorflow-graphics, where it is installed, on first use.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import tensorflow as tf

from csnn_tf.checks import check_positive, check_seed
from csnn_tf.data.mesh_set import MeshSet


@tf.autograph.experimental.do_not_convert  # no control flow here to convert, much to look through
def sample_mesh_points(
    vertices: tf.Tensor | tf.RaggedTensor,
    faces: tf.Tensor | tf.RaggedTensor,
    num_points: int,
    seed: tf.Tensor,
) -> tf.Tensor:
    """Draws points on the surfaces of a batch of meshes, uniformly by area.

    With a face (a, b, c) drawn by its area, and u, w uniform on [0, 1), a point is
    a + √u (1 - w) (b - a) + √u w (c - a).

    Example:
        >>> vertices = tf.constant([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
        >>> faces = tf.constant([[[0, 1, 2]]])
        >>> sample_mesh_points(vertices, faces, 1024, seed=tf.constant([0, 1])).shape
        TensorShape([1, 1024, 3])

    Args:
        vertices: float32 [B, V, 3], padded with anything, or ragged [B, (v), 3].
        faces: whole numbers [B, F, 3], padded with zeros or with negative numbers, or ragged
            [B, (f), 3]. Each mesh must have a face with an area.
        num_points: N.
        seed: two whole numbers [2]; the same two draw the same points.

    Returns:
        float32 [B, N, 3], in the units of the vertices.

    Source:
        Osada et al., Shape distributions, ACM Transactions on Graphics 21(4), 2002.
    """
    sampler = _sampler()
    vertices, faces = (
        tensor.to_tensor() if isinstance(tensor, tf.RaggedTensor) else tf.convert_to_tensor(tensor)
        for tensor in (vertices, faces)
    )
    corners = tf.gather(vertices, tf.maximum(faces, 0), batch_dims=1)  # [B, F, 3 corners, 3]
    # Areas in units of the longest edge: squares of very small or large lengths leave float32.
    edges = corners - corners[:, :, :1]
    edges /= tf.reduce_max(tf.abs(edges), axis=(1, 2, 3), keepdims=True)
    areas = sampler.triangle_area(edges[:, :, 0], edges[:, :, 1], edges[:, :, 2])
    # The sampler's own function for the whole task draws the faces and the places in them from the
    # same random bits, which makes the two depend on each other: a seed for each, then.
    face_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
    chosen = sampler.generate_random_face_indices(num_points, areas, seed=face_seed, stateless=True)
    weights = sampler.generate_random_barycentric_coordinates(
        tf.shape(chosen), dtype=vertices.dtype, seed=place_seed, stateless=True
    )
    # As a step from the first corner: no digits are lost where a mesh lies far from the origin.
    corners = tf.gather(corners, chosen, batch_dims=1)  # [B, N, 3 corners, 3]
    steps = weights[..., 1:, None] * (corners[:, :, 1:] - corners[:, :, :1])
    points = corners[:, :, 0] + tf.reduce_sum(steps, axis=2)
    return tf.ensure_shape(points, [None, num_points, 3])


class StoredMeshes:
    """Meshes as tensors, end to end, without padding: a large one makes no other larger.

    Args:
        mesh_set: S meshes; their arrays are held once more.
    """

    def __init__(self, mesh_set: MeshSet) -> None:
        arrays = zip(*mesh_set.meshes, strict=True)
        self._parts = [
            (tf.constant(np.concatenate(part)), tf.constant(np.cumsum([0, *map(len, part)])))
            for part in arrays
        ]

    def points(self, index: tf.Tensor, num_points: int, seed: tf.Tensor) -> tf.Tensor:
        """Points [num_points, 3] drawn on the mesh of an index; see `sample_mesh_points`."""
        vertices, faces = (
            values[starts[index] : starts[index + 1]][None] for values, starts in self._parts
        )
        return sample_mesh_points(vertices, faces, num_points, seed)[0]


def mesh_dataset(
    mesh_set: MeshSet,
    num_points: int,
    seed: int = 0,
    shuffle: bool = True,
    batch_size: int = 32,
) -> tf.data.Dataset:
    """Batches of points drawn on meshes; every pass over the data set draws other points.

    Args:
        mesh_set: S meshes; their arrays are held once more, as tensors.
        num_points: N, points a shape.
        seed: data sets made with the same seed give the same points, pass for pass (and, if
            `shuffle`, the same orders).
        shuffle: whether each pass has an order of its own.
        batch_size: B; the last batch may be smaller.

    Returns:
        Batches (points float32 [B, N, 3] in the units of the meshes, labels int32 [B]).

    Raises:
        InputError: a number is out of range.
    """
    num_points, batch_size = (
        check_positive("num_points", num_points),
        check_positive("batch_size", batch_size),
    )
    seed = check_seed(seed)
    meshes = StoredMeshes(mesh_set)
    labels = tf.constant(mesh_set.labels)

    def sample(index: tf.Tensor, draw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return meshes.points(index, num_points, tf.stack([draw, index])), labels[index]

    indices = tf.data.Dataset.range(len(mesh_set))
    if shuffle:
        indices = indices.shuffle(len(mesh_set), seed=seed, reshuffle_each_iteration=True)
    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    dataset = tf.data.Dataset.zip((indices, draws))
    dataset = dataset.map(sample, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _sampler() -> ModuleType:
    """tensorflow-graphics' sampler, or ours where no release that has it is installed."""
    try:
        from tensorflow_graphics.geometry.representation.mesh import sampler

        _ = sampler.generate_random_face_indices
    except (ImportError, AttributeError):
        from csnn_tf.data import triangle_sampler as sampler
    return sampler

"""Stand-in for the parts of tensorflow-graphics' mesh sampler that are used here.

Its one release that has them, 2021.12.3, is for Python 3.11. The functions have its names and
arguments, are always stateless, and `csnn_tf.data.mesh_sampling` says what they are for. This
module imports TensorFlow.
"""

from __future__ import annotations

import tensorflow as tf


def triangle_area(v0: tf.Tensor, v1: tf.Tensor, v2: tf.Tensor) -> tf.Tensor:
    """Areas |(v1 - v0) x (v2 - v0)| / 2, [...], of triangles of corners [..., 3]."""
    return tf.norm(tf.linalg.cross(v1 - v0, v2 - v0), axis=-1) / 2


def generate_random_face_indices(
    num_points: int, face_weights: tf.Tensor, *, seed: tf.Tensor, stateless: bool
) -> tf.Tensor:
    """Faces [B, num_points], int32, drawn by their weights [B, F]; none of weight zero."""
    ends = tf.cumsum(face_weights, axis=-1)
    drawn = tf.random.stateless_uniform(
        [tf.shape(ends)[0], num_points], seed, dtype=face_weights.dtype
    )
    # To the right of what it equals, so that faces without an area are passed over.
    chosen = tf.searchsorted(ends, drawn * ends[:, -1:], side="right")
    # A product just below the total may be rounded to it: the last face with an area, then.
    last = tf.searchsorted(ends, ends[:, -1:], side="left")
    return tf.minimum(chosen, last)


def generate_random_barycentric_coordinates(
    sample_shape: tf.Tensor, dtype: tf.DType, *, seed: tf.Tensor, stateless: bool
) -> tf.Tensor:
    """Weights [*sample_shape, 3] of the corners, for places uniform on a triangle."""
    shape = tf.concat([sample_shape, [2]], axis=0)
    u, w = tf.unstack(tf.random.stateless_uniform(shape, seed, dtype=dtype), axis=-1)
    root = tf.sqrt(u)
    return tf.stack([1 - root, root * (1 - w), root * w], axis=-1)

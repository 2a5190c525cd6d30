"""Where the points of a training batch come from: clouds in memory, or meshes sampled anew."""

from contextlib import nullcontext
from typing import Protocol

import keras
import numpy as np

from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.resampling import padded, resample
from csnn_tf.data.shape_set import ShapeSet


class Source(Protocol):
    """Gives the points of a batch, in tensor operations; on JAX a `CloudSource`."""

    labels: np.ndarray

    def __call__(self, order, seed):
        """Points [batch, num_points, 3] of the shapes at `order` [batch], drawn with `seed` [2]."""


class CloudSource:
    """Points of clouds: all of them, or a random choice where the number differs.

    Args:
        shapes: The clouds.
        num_points: Points of each in a batch.
    """

    def __init__(self, shapes: ShapeSet, num_points: int) -> None:
        points, counts = padded(shapes.clouds)
        self.labels, self.num_points = shapes.labels, num_points
        self.draw = bool((counts != num_points).any())
        # On TensorFlow the arrays stay with the host: an accelerator gets batches.
        with keras.device("cpu:0") if _on_tensorflow() else nullcontext():
            self.stored = tuple(map(keras.ops.convert_to_tensor, (points, counts)))

    def __call__(self, order, seed):
        """See `Source`."""
        return self.gather(self.stored, order, seed)

    def gather(self, stored, order, seed):
        """The same, of stored clouds that are an argument: JAX compiles what it closes over in."""
        points, counts = stored
        points = keras.ops.take(points, order, axis=0)
        if not self.draw:
            return points
        return resample(points, keras.ops.take(counts, order, axis=0), self.num_points, seed)


class MeshSource:
    """Points drawn on the surfaces of meshes, anew in every batch (TensorFlow only).

    Args:
        meshes: The meshes.
        num_points: Points of each in a batch.
    """

    def __init__(self, meshes: MeshSet, num_points: int) -> None:
        from csnn_tf.data.mesh_sampling import StoredMeshes

        self.labels, self.num_points = meshes.labels, num_points
        self.meshes = StoredMeshes(meshes)

    def __call__(self, order, seed):
        """See `Source`."""
        import tensorflow as tf

        def points(place):
            return self.meshes.points(order[place], self.num_points, seeds[place])

        # One by one: side by side, all would be filled up to the largest.
        count = tf.shape(order)[0]
        seeds = tf.random.split(tf.bitcast(seed, tf.int32), count)
        spec = tf.TensorSpec([self.num_points, 3])
        return tf.map_fn(points, tf.range(count), fn_output_signature=spec)


def make_source(
    shapes: ShapeSet | MeshSet, num_points: int, seed: int, kept: int | None = None
) -> Source:
    """The source of a data set.

    Meshes are sampled anew in every batch on TensorFlow; elsewhere once, `kept` points.

    Args:
        shapes: The data set.
        num_points: Points of each shape in a batch.
        seed: Of what is drawn once.
        kept: Points of a shape to draw those of a batch from, `num_points` by default.
    """
    kept = num_points if kept is None else kept
    if isinstance(shapes, MeshSet):
        if _on_tensorflow():
            return MeshSource(shapes, num_points)
        shapes = shapes.to_shape_set(kept, seed)
    return CloudSource(shapes.drawn(kept, seed), num_points)


def _on_tensorflow() -> bool:
    return keras.backend.backend() == "tensorflow"

"""Drawing a fixed number of points from clouds of any size."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from csnn_tf.layers.seeds import StatelessSeed


def padded(clouds: Sequence[np.ndarray] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clouds as one array.

    Args:
        clouds: S clouds [n_i, 3].

    Returns:
        [S, largest n, 3] float32, zeros after each cloud's points, and the n_i, [S] int32.
    """
    counts = np.array([len(cloud) for cloud in clouds], dtype=np.int32)
    if isinstance(clouds, np.ndarray):
        return clouds.astype(np.float32, copy=False), counts
    points = np.zeros((len(clouds), counts.max(initial=1), 3), dtype=np.float32)
    for row, cloud in zip(points, clouds, strict=True):
        row[: len(cloud)] = cloud
    return points, counts


def resample(points, counts, num_points: int, seed):
    """Draw points of each cloud at random, without repetition as long as there are enough.

    Args:
        points: [batch, largest, 3].
        counts: [batch] int32, how many rows of each cloud are points.
        num_points: How many to draw.
        seed: Two whole numbers.

    Returns:
        [batch, num_points, 3]. A cloud of fewer points repeats all of them evenly.
    """
    batch, largest = ops.shape(points)[0], ops.shape(points)[1]
    generator = StatelessSeed(ops.cast(seed, "uint32") ^ np.uint32(0x9E3779B9))
    keys = keras.random.uniform((batch, largest), dtype="float32", seed=generator)
    row = ops.expand_dims(ops.arange(largest, dtype="int32"), 0)
    counts = ops.expand_dims(ops.cast(counts, "int32"), 1)
    order = ops.cast(ops.argsort(ops.where(row < counts, keys, 2.0), axis=1), "int32")
    turn = ops.mod(ops.expand_dims(ops.arange(num_points, dtype="int32"), 0), counts)
    index = ops.take_along_axis(order, turn, axis=1)
    return ops.take_along_axis(points, ops.expand_dims(index, -1), axis=1)

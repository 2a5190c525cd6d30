"""The vertices nearest to directions, in tensor operations that compile."""

from keras import ops

from csnn_tf.grid import nearest_table
from csnn_tf.layers.whole import whole


def nearest_vertices(directions, level: int, neighbors: int = 3):
    """The vertices of an icosphere nearest to each direction, nearest first; exact.

    Constant time per direction: its cell of a cube map gives the few vertices that can be the
    answer (see `csnn_tf.grid.NearestTable`), and only those are compared.

    Args:
        directions: [..., 3] float32 unit vectors. A zero vector gives some vertices, all at
            squared distance 1.
        level: Level of the icosphere, 0 to 7.
        neighbors: k, 1 to 12.

    Returns:
        Two tensors [..., k]: int32 vertex indices, and the squared Euclidean distances between the
        direction and the vertex (dimensionless, both on the unit sphere).
    """
    table = nearest_table(level, neighbors)
    cell = _cell(directions, table.resolution)
    differences = ops.take(table.directions, cell, axis=0) - directions[..., None, :]
    distances = ops.sum(ops.square(differences), axis=-1)
    negative, place = ops.top_k(-distances, neighbors)
    indices = ops.take_along_axis(ops.take(whole(table.candidates), cell, axis=0), place, axis=-1)
    return indices, -negative


def _cell(directions, resolution: int):
    """Index of the cube-map cell that each direction falls into."""
    x, y, z = (directions[..., axis] for axis in range(3))
    sizes = [ops.abs(value) for value in (x, y, z)]
    x_is_major = ops.logical_and(sizes[0] >= sizes[1], sizes[0] >= sizes[2])
    y_is_major = ops.logical_and(ops.logical_not(x_is_major), sizes[1] >= sizes[2])

    def pick(of_x, of_y, of_z):
        return ops.where(x_is_major, of_x, ops.where(y_is_major, of_y, of_z))

    major = pick(x, y, z)
    # A zero vector has no direction: any cell will do.
    size = ops.where(major == 0, 1.0, ops.abs(major))

    def cells(value):
        scaled = (value / size + 1) * (resolution / 2)
        return ops.clip(ops.cast(ops.floor(scaled), "int32"), 0, resolution - 1)

    face = pick(*map(whole, (0, 2, 4))) + ops.cast(major < 0, "int32")
    return (face * resolution + cells(pick(y, z, x))) * resolution + cells(pick(z, x, y))

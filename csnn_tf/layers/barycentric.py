"""Directions shared among the three vertices about them."""

from keras import ops

from csnn_tf.grid import corner_table
from csnn_tf.layers.nearest_vertices import nearest_vertices
from csnn_tf.layers.whole import whole


def barycentric(directions, level: int):
    """Corners of the triangle that each direction lies in, and its weights there.

    The weights w are those with sum_i w_i v_i along the direction, scaled to sum 1: linear within
    a triangle, continuous from one to the next, and 1 at a vertex.

    Args:
        directions: [n, 3] float32 unit vectors; a zero vector gets zero weights.
        level: Level of the icosphere, 0 to 7.

    Returns:
        Two tensors [n, 3]: int32 vertex indices and float32 weights.
    """
    table = corner_table(level)
    # Triangles of the icosphere are acute, so the nearest vertex is one of the corners.
    nearest, _ = nearest_vertices(directions, level, neighbors=1)
    nearest = nearest[:, 0]
    inverses = ops.take(table.inverses, nearest, axis=0)
    weights = ops.sum(inverses * directions[:, None, None, :], axis=-1)
    # Without `initial`, Keras refuses the minimum of nothing eagerly: an atom may be alone.
    smallest = ops.min(weights, axis=-1, initial=float("inf"))
    inside = ops.argmax(smallest, axis=-1)[:, None, None]
    weights = ops.take_along_axis(weights, inside, axis=1)[:, 0]
    corners = ops.take(whole(table.corners), nearest, axis=0)
    corners = ops.take_along_axis(corners, inside, axis=1)[:, 0]
    weights = ops.maximum(weights, 0.0)  # Rounding, on edges.
    total = ops.sum(weights, axis=-1, keepdims=True)
    return corners, weights / ops.where(total > 0, total, 1.0)

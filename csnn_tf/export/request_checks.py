"""Checks of a request inside the exported graph: a bad one is an error that names the input.

They run before anything of the size of the request is allocated.
"""

from typing import Any

import tensorflow as tf

LARGEST_COORDINATE = 1e30
"""Coordinates beyond this could overflow float32 when a cloud is centred."""


def checked_clouds(points, *, max_points: int, max_clouds: int, lengths=None) -> tuple[Any, Any]:
    """Points [batch, points, 3] and which of them count, or an error at run time.

    Args:
        points: [batch, points, 3] float32, as the request gives it.
        max_points: Rows allowed over all clouds.
        max_clouds: Clouds allowed.
        lengths: [batch] whole numbers, how many rows of each cloud are points; None for all.

    Returns:
        The points and a mask [batch, points].
    """
    # Static shapes let TensorFlow leave out ordinary rank checks; this operation stays, and both
    # its name and its message end up in the server's answer.
    points = tf.ensure_shape(points, [None, None, 3], name="points_must_be_batch_points_3")
    clouds, longest = tf.unstack(tf.shape(points, tf.int64)[:2])
    checks = [
        require(longest > 0, "points: a cloud has no points"),
        *_within(clouds, longest, max_points, max_clouds),
    ]
    # The size too: the mask is made of it.
    points, longest = after(points, *checks), after(longest, *checks)
    if lengths is None:
        lengths = tf.fill([clouds], longest)
    else:
        lengths = _checked_lengths(lengths, clouds, longest)
    mask = tf.sequence_mask(lengths, longest)
    return _finite_points(points, mask), mask


def padded_clouds(points, row_lengths, *, max_points: int, max_clouds: int) -> tuple[Any, Any]:
    """Clouds given one after the other as [batch, points, 3] and a mask, or an error at run time.

    Args:
        points: [rows, 3] float32, all clouds' points.
        row_lengths: [batch] whole numbers, how many rows belong to each cloud.
        max_points: Rows allowed, after padding to the longest cloud.
        max_clouds: Clouds allowed.
    """
    points = tf.ensure_shape(points, [None, 3], name="points_must_be_rows_3")
    rows = tf.shape(points, tf.int64)[0]
    lengths = vector(row_lengths, "row_lengths")
    lengths = after(
        lengths,
        require(
            tf.reduce_all((lengths > 0) & (lengths <= rows)),
            "points: a cloud has no points, or row_lengths does not fit points",
        ),
        require(tf.size(lengths, tf.int64) <= max_clouds, f"points: over {max_clouds} clouds"),
    )
    # Only now, so that the sum of absurd lengths cannot wrap around.
    clouds, longest = tf.size(lengths, tf.int64), tf.reduce_max(tf.concat([lengths, [1]], 0))
    checks = [
        require(
            tf.reduce_sum(lengths) == rows,
            "points: row_lengths must add up to its rows",
            rows,
        ),
        *_within(clouds, longest, max_points, max_clouds),
    ]
    points, longest = after(points, *checks), after(longest, *checks)
    mask = tf.sequence_mask(lengths, longest)
    places = tf.where(mask)
    padded = tf.scatter_nd(places, points, tf.stack([clouds, longest, 3]))
    return _finite_points(padded, mask), mask


def _checked_lengths(lengths, clouds, longest):
    lengths = vector(lengths, "lengths")
    return after(
        lengths,
        require(
            tf.size(lengths, tf.int64) == clouds, "lengths: must have one entry for each cloud"
        ),
        require(
            tf.reduce_all((lengths > 0) & (lengths <= longest)),
            "points: a cloud has no points, or lengths exceeds its rows",
        ),
    )


def _within(clouds, longest, max_points: int, max_clouds: int) -> list[Any]:
    return [
        require(clouds <= max_clouds, f"points: over {max_clouds} clouds", clouds),
        require(
            clouds * longest <= max_points,
            f"points: over {max_points} rows, padding included",
            clouds * longest,
        ),
    ]


def _finite_points(points, mask):
    # False for NaN too.
    allowed = tf.reduce_all(tf.abs(points) <= LARGEST_COORDINATE, axis=-1) | ~mask
    return after(
        points,
        require(
            tf.reduce_all(allowed),
            f"points: coordinates must be finite and at most {LARGEST_COORDINATE:g} in size",
        ),
    )


def vector(values, name: str):
    """Whole numbers [n] of any type as int64, or an error at run time that names the input."""
    return tf.cast(tf.ensure_shape(values, [None], name=f"{name}_must_be_batch"), tf.int64)


def require(condition, message: str, *values):
    """An operation that fails at run time, with a message and values, unless a condition holds."""
    return tf.debugging.Assert(condition, [message, *values])


def after(tensor, *operations):
    """The tensor, once the operations have run."""
    with tf.control_dependencies(operations):
        return tf.identity(tensor)

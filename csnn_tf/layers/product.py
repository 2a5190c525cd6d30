"""Product of a feature map with a weight matrix."""

from collections.abc import Callable
from typing import Any

from keras import ops


def product(x, matrix, then: Callable[[Any], Any] | None = None):
    """x [batch, vertex, sphere, C] times a matrix [C, F], as one product of matrices.

    As a product of batches its gradient would make a [C, F] matrix for every vertex of every
    shape, to be summed afterwards.

    Args:
        x: The feature map.
        matrix: The weights.
        then: What to do with the rows [.., F] before they are a feature map again: TensorFlow
            joins a bias and ReLU with the product only where nothing stands between them.
    """
    _, vertices, spheres, channels = x.shape
    rows = ops.matmul(ops.reshape(x, (-1, channels)), matrix)
    if then is not None:
        rows = then(rows)
    return ops.reshape(rows, (-1, vertices, spheres, matrix.shape[-1]))

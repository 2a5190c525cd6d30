"""Product of a feature map with a weight matrix."""

from keras import ops


def product(x, matrix):
    """x [batch, vertex, sphere, C] times a matrix [C, F], as one product of matrices.

    As a product of batches its gradient would make a [C, F] matrix for every vertex of every
    shape, to be summed afterwards.
    """
    _, vertices, spheres, channels = x.shape
    rows = ops.matmul(ops.reshape(x, (-1, channels)), matrix)
    return ops.reshape(rows, (-1, vertices, spheres, matrix.shape[-1]))

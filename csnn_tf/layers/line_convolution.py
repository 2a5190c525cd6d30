"""Convolution over lines of spheres: the product behind equation 5, and its gradient."""

import keras
from keras import ops

from csnn_tf.layers.own_gradient import own_gradient
from csnn_tf.processor import tensorflow_on_cpu

_FEW_SPHERES = 3
_NOMINAL_BATCH = 8
_WIDE = 128


def convolve_lines(lines, kernel):
    """Convolve lines with a kernel; what lies beyond their ends counts as zeros.

    y[n, 0, i] = sum over k of x[n, 0, i + k - K // 2] W[k]

    On JAX the gradient of W is a product of matrices, of all windows with the gradient of y. As the
    convolution that JAX would make of it, with the lines for channels, it took half of a training
    step of the published model on an H200, in bfloat16. On CPUs TensorFlow's own is the fastest in
    float32; in bfloat16 that of wide layers takes 1.3 to 2.3 times as long as the product.

    Args:
        lines: x, [line, 1, sphere, C]. The axis of length 1 is the one that TensorFlow would put
            in and take out again.
        kernel: W, [K, C, F], K odd.

    Returns:
        [line, 1, sphere, F].
    """
    if isinstance(lines, keras.KerasTensor) or not _gradient_is_product(lines, kernel):
        return _convolved(lines, kernel)
    # A tensor; `ops.convert_to_tensor` leaves TensorFlow's variables what they are.
    return _with_gradient(lines, ops.reshape(kernel, kernel.shape))


def _gradient_is_product(lines, kernel) -> bool:
    if keras.backend.backend() == "jax":
        return True
    narrow = keras.backend.standardize_dtype(lines.dtype) == "bfloat16"
    return narrow and kernel.shape[-1] >= _WIDE and tensorflow_on_cpu()


def form_of_product(vertices: int, spheres: int, filters: int, size: int) -> str | None:
    """The product of matrices to compute a convolution by, or None for many spheres.

    A convolution's blocks cannot make much of a few spheres. "dense": a whole line times
    `dense_matrix`, of which with 1 or 2 spheres and a kernel of 3 nothing is zero, and with 3 two
    ninths. "windows": `windows` times the kernel, where that matrix would be larger than the
    copies of the input (of a batch of 8).

    Args:
        vertices, spheres: Of the input.
        filters: F.
        size: K.
    """
    if spheres > _FEW_SPHERES:
        return None
    if spheres == 1:
        return "dense"
    wide = spheres * filters > _NOMINAL_BATCH * size * vertices
    return "windows" if wide else "dense"


def dense_matrix(kernel, spheres: int):
    """The convolution of a line of few spheres as one matrix.

    Block [i, o] is W[i - o + K // 2], or zeros where the kernel does not reach from i to o.

    Args:
        kernel: W, [K, C, F], K odd.
        spheres: R.

    Returns:
        [R * C, R * F].
    """
    size, half = kernel.shape[0], kernel.shape[0] // 2
    kernel = ops.convert_to_tensor(kernel)
    apart = [[i - o + half for o in range(spheres)] for i in range(spheres)]
    zeros = ops.zeros_like(kernel[0])
    blocks = [[kernel[k] if 0 <= k < size else zeros for k in row] for row in apart]
    return ops.concatenate([ops.concatenate(row, axis=1) for row in blocks], axis=0)


def _convolved(lines, kernel):
    if lines.shape[0] == 0:  # of which oneDNN makes lines with as many channels as before
        return ops.matmul(lines, kernel[kernel.shape[0] // 2])
    return ops.conv(lines, kernel[None], padding="same", data_format="channels_last")


@own_gradient
def _with_gradient(lines, kernel):
    def gradient(upstream):
        size, channels, filters = kernel.shape
        back = _convolved(upstream, ops.swapaxes(ops.flip(kernel, 0), 1, 2))
        rows = ops.reshape(windows(lines, size), (-1, size * channels))
        product = ops.matmul(ops.transpose(rows), ops.reshape(upstream, (-1, filters)))
        return back, ops.reshape(product, kernel.shape)

    return _convolved(lines, kernel), gradient


def windows(x, size: int):
    """What a kernel of `size` spheres lies on at every sphere, with zeros beyond the ends.

    Args:
        x: [.., .., sphere, C].
        size: K, odd.

    Returns:
        [.., .., sphere, K * C].
    """
    half, spheres = size // 2, x.shape[2]
    padded = ops.pad(x, ((0, 0), (0, 0), (half, half), (0, 0)))
    return ops.concatenate([padded[:, :, k : k + spheres] for k in range(size)], axis=-1)

"""Convolution over lines of spheres: the product behind equation 5, and its gradient."""

import keras
from keras import ops


def convolve_lines(lines, kernel):
    """Convolve lines with a kernel; what lies beyond their ends counts as zeros.

    y[n, 0, i] = sum over k of x[n, 0, i + k - K // 2] W[k]

    On JAX the gradient of W is a product of matrices, of all windows with the gradient of y. As the
    convolution that JAX would make of it, with the lines for channels, it took half of a training
    step of the published model on an H200, in bfloat16; on CPUs TensorFlow's own is the fastest.

    Args:
        lines: x, [line, 1, sphere, C]. The axis of length 1 is the one that TensorFlow would put
            in and take out again.
        kernel: W, [K, C, F], K odd.

    Returns:
        [line, 1, sphere, F].
    """
    if keras.backend.backend() != "jax" or isinstance(lines, keras.KerasTensor):
        return _convolved(lines, kernel)
    return _with_gradient(lines, ops.convert_to_tensor(kernel))


def _convolved(lines, kernel):
    return ops.conv(lines, kernel[None], padding="same", data_format="channels_last")


@ops.custom_gradient
def _with_gradient(lines, kernel):
    def gradient(upstream):
        size, channels, filters = kernel.shape
        back = _convolved(upstream, ops.swapaxes(ops.flip(kernel, 0), 1, 2))
        rows = ops.reshape(_windows(lines, size), (-1, size * channels))
        product = ops.matmul(ops.transpose(rows), ops.reshape(upstream, (-1, filters)))
        return back, ops.reshape(product, kernel.shape)

    return _convolved(lines, kernel), gradient


def _windows(lines, size: int):
    """[line, 1, sphere, size * C]: what the kernel lies on at every sphere."""
    half, spheres = size // 2, lines.shape[2]
    padded = ops.pad(lines, ((0, 0), (0, 0), (half, half), (0, 0)))
    return ops.concatenate([padded[:, :, k : k + spheres] for k in range(size)], axis=-1)

"""The largest of many places, with a gradient that no compiler can lose."""

from keras import ops

from csnn_tf.layers.compiled import kernel
from csnn_tf.layers.own_gradient import own_gradient


@own_gradient
def largest(x):
    """y[b, c] = max over places p of x[b, p, c]; the gradient goes to the first of the largest.

    The usual gradient goes to where x equals y. A compiler may compute x anew for that comparison,
    in other steps and so with another rounding; then nothing equals y, and the gradient is lost
    without a word. XLA on CPUs does so with the published network at its lowest optimisation level.

    Args:
        x: [batch, place, C].

    Returns:
        [batch, C].
    """

    def gradient(*args, upstream=None):
        return _to_winners(x, args[0] if upstream is None else upstream)

    # With an initial value Keras takes an empty batch too.
    return ops.max(x, axis=1, initial=float("-inf")), gradient


@kernel
def _to_winners(x, g):
    winner = ops.cast(ops.argmax(x, axis=1), "int32")
    place = ops.arange(ops.shape(x)[1], dtype="int32")[:, None]
    return ops.where(place == winner[:, None], g[:, None], ops.zeros((), g.dtype))

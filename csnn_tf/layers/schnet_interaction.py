"""SchNet's interaction block."""

import math
from functools import partial
from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_positive


def shifted_softplus(x):
    """ln(exp(x) / 2 + 1 / 2): smooth, and zero at zero."""
    return ops.softplus(x) - math.log(2.0)


@keras.saving.register_keras_serializable(package="csnn_tf")
class SchNetInteraction(keras.layers.Layer):
    """Message passing by a continuous-filter convolution, and a residual connection.

    x_a <- x_a + V2 ssp(V1 sum over neighbours b of (U x_b) * W(d_ab) f(d_ab))

    where the filter W is a network of two dense layers with shifted softplus on the distance's
    Gaussian expansion, and f the smooth cutoff.

    Args:
        filters: F, width of the atoms' features and of the filter.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        features: [A, F].
        expanded: [pairs, G], the expansion of each pair's distance.
        cutoff: [pairs], f(d), zero for padding.
        centre, neighbor: [pairs], indices of the pair's two atoms.

    Output: [A, F].

    Source: Schütt et al., "SchNet", NeurIPS 2017, section 4.
    """

    def __init__(self, filters: int = 128, **kwargs: Any) -> None:
        super().__init__(**kwargs, autocast=False)
        self.filters = check_positive("filters", filters)
        dense = partial(keras.layers.Dense, dtype=self.dtype_policy)
        self.filter_hidden = dense(self.filters, activation=shifted_softplus, name="filter_hidden")
        self.filter_out = dense(self.filters, activation=shifted_softplus, name="filter_out")
        self.before = dense(self.filters, use_bias=False, name="before")
        self.after = dense(self.filters, activation=shifted_softplus, name="after")
        self.out = dense(self.filters, name="out")

    def build(
        self,
        features_shape: tuple[int | None, ...],
        expanded_shape: tuple[int | None, ...],
        cutoff_shape: tuple[int | None, ...] | None = None,
        centre_shape: tuple[int | None, ...] | None = None,
        neighbor_shape: tuple[int | None, ...] | None = None,
    ) -> None:
        """Make the weights."""
        self.filter_hidden.build((None, expanded_shape[-1]))
        for layer in (self.filter_out, self.before, self.after, self.out):
            layer.build((None, self.filters))

    def call(self, features, expanded, cutoff, centre, neighbor):
        """Features after one exchange of messages."""
        features, cutoff = (ops.cast(x, self.compute_dtype) for x in (features, cutoff))
        centre, neighbor = (ops.cast(x, "int32") for x in (centre, neighbor))
        weight = self.filter_out(self.filter_hidden(expanded)) * cutoff[:, None]
        messages = ops.take(self.before(features), neighbor, axis=0) * weight
        total = ops.segment_sum(messages, centre, num_segments=ops.shape(features)[0])
        return features + self.out(self.after(total))

    def compute_output_shape(
        self, features_shape: tuple[int | None, ...], *_: Any, **__: Any
    ) -> tuple[int | None, ...]:
        """Same as the features'."""
        return features_shape

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        return {**config, "filters": self.filters}

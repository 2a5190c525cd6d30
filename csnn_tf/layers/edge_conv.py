"""Convolution over the edges to the nearest points in feature space."""

from functools import cache, partial
from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number, check_positive
from csnn_tf.layers.checks import check_mask
from csnn_tf.layers.compiled import kernel
from csnn_tf.layers.point_dense import leaky

_FAR = -1e30
_ABSENT = -1e29
_GROUP = 8  # columns; with 16 the search takes as long


@keras.saving.register_keras_serializable(package="csnn_tf")
class EdgeConv(keras.layers.Layer):
    """Largest activated feature over the edges of every point to its k nearest points.

    y_i = max over j in N(i) of LeakyReLU(BN(x_i W1 + (x_j - x_i) W2))

    N(i) holds the k points with the nearest features, point i among them, or all points of a cloud
    that has fewer. No tensor over edges is made: the expression is a_i + b_j with
    a = x (W1 - W2) and b = x W2, normalisation and activation are monotonic, so the largest (or,
    where BN's gain is negative, the least) b_j decides; and since the features of the edges are
    linear in the points', so are the batch's means, and its variances are w^T C w with the
    covariance C [2 C, 2 C] of (x_i, x_j - x_i) over all edges.

    Args:
        filters: F, width of the output.
        neighbors: k.
        slope: Slope of the activation below zero, at least 0.
        momentum, epsilon: See `csnn_tf.layers.BatchNormalization`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: features [batch, points, C] and presence [batch, points], 1 for a point and 0 for
        padding, which is nobody's neighbour. While training there must be no padding.
    Output: [batch, points, F]; rows of padding hold anything.

    Raises:
        InputError: If a number is out of range.

    Source: Wang et al., "Dynamic graph CNN for learning on point clouds", ACM TOG 2019, section 3.
    """

    def __init__(
        self,
        filters: int,
        neighbors: int = 20,
        *,
        slope: float = 0.2,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        **kwargs: Any,
    ) -> None:
        # Distances are computed in float32 whatever the policy: fewer digits know no neighbours.
        super().__init__(**kwargs, autocast=False)
        self.filters = check_positive("filters", filters)
        self.neighbors = check_positive("neighbors", neighbors)
        # A falling activation would have the least edge win.
        self.slope = check_number("slope", slope, 0)
        self.momentum = check_number("momentum", momentum, 0, 1)
        self.epsilon = check_number("epsilon", epsilon, 0)

    def build(self, features_shape: tuple[int | None, ...], *_: Any, **__: Any) -> None:
        """Make W1, W2 and the normalisation's variables."""
        width = features_shape[-1]
        self.input_spec = keras.InputSpec(ndim=3, axes={-1: width})
        # Keras heeds the layer's autocast only within other layers; alone it would cast them.
        weight = partial(self.add_weight, autocast=False)
        shape = (self.filters,)
        self.kernel = weight((2 * width, *shape), initializer="glorot_uniform", name="kernel")
        self.gamma = weight(shape, initializer="ones", name="gamma")
        self.beta = weight(shape, initializer="zeros", name="beta")
        self.moving_mean = weight(shape, initializer="zeros", trainable=False, name="moving_mean")
        self.moving_variance = weight(
            shape, initializer="ones", trainable=False, name="moving_variance"
        )

    def call(self, features, presence, training: bool | None = None):
        """Apply it."""
        check_mask(presence, features.shape, type(self).__name__)
        batch, points, width = *ops.shape(features)[:2], features.shape[-1]
        columns = _columns(nearest_points(features, presence, self.neighbors))
        weights = ops.cast(self.kernel, "float32")
        first, second = weights[:width], weights[width:]
        if training and self.trainable:
            mean, variance = _edge_statistics(features, columns, first, second)
            for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                kept = ops.cast(average, "float32") * self.momentum + value * (1 - self.momentum)
                average.assign(ops.stop_gradient(kept))
        else:
            averages = self.moving_mean, self.moving_variance
            mean, variance = (ops.cast(average, "float32") for average in averages)
        gain = ops.cast(self.gamma, "float32") / ops.sqrt(variance + self.epsilon)
        shift = ops.cast(self.beta, "float32") - mean * gain
        # The gain goes into the weights, and with it its sign: then the largest always wins.
        joined = ops.concatenate([(first - second) * gain, second * gain], axis=1)
        # x W1 + (x_j - x) W2 = c W1 + (x - c)(W1 - W2) + (x_j - c) W2 for any c: from the cloud's
        # mean, because far from the origin the last two would cancel but for their rounding.
        centre = _centre(features, presence)
        shift = shift + ops.matmul(centre[:, 0], first) * gain
        flat = ops.reshape(ops.subtract(features, centre), (-1, width))
        both = ops.matmul(ops.cast(flat, self.compute_dtype), ops.cast(joined, self.compute_dtype))
        own, other = both[:, : self.filters], both[:, self.filters :]
        lanes = ops.arange(self.filters, dtype="int32")
        largest = _largest_of(self.neighbors)(other, lanes, *columns)
        outputs = ops.reshape(own + largest, (batch, points, self.filters))
        return leaky(outputs + ops.cast(shift, own.dtype)[:, None], self.slope)

    def compute_output_shape(
        self, features_shape: tuple[int | None, ...], *_: Any, **__: Any
    ) -> tuple[int | None, ...]:
        """[batch, points, F]."""
        return (*features_shape[:-1], self.filters)

    def compute_output_spec(self, features, presence, training: bool | None = None):
        """Shape and dtype of the output."""
        return keras.KerasTensor(self.compute_output_shape(features.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        names = ("filters", "neighbors", "slope", "momentum", "epsilon")
        return {**config, **{name: getattr(self, name) for name in names}}


def nearest_points(features, presence, neighbors: int):
    """The nearest points of every point, itself among them.

    Args:
        features: [batch, points, C].
        presence: [batch, points], 1 for a point and 0 for padding.
        neighbors: k.

    Returns:
        [batch, points, k] int32. Where a cloud has fewer than k points, the point itself fills up.
    """
    # Distances are the same from anywhere; from far away their digits drown in those of squares.
    x = ops.stop_gradient(ops.cast(ops.subtract(features, _centre(features, presence)), "float32"))
    squares = ops.sum(ops.square(x), axis=-1)
    # Minus the squared distance, but for the point's own square, which is the same in its row.
    nearness = 2 * ops.matmul(x, ops.transpose(x, (0, 2, 1))) - squares[:, None]
    nearness = ops.where(ops.cast(presence, "bool")[:, None], nearness, _FAR)
    count = features.shape[1]
    if count is None or count < neighbors:
        nearness = ops.pad(nearness, ((0, 0), (0, 0), (0, neighbors)), constant_values=_FAR)
    values, found = _largest_in_rows(nearness, neighbors)
    own = ops.arange(ops.shape(features)[1], dtype="int32")[:, None]
    return ops.where(values > _ABSENT, found, own)


def _centre(features, presence):
    """Mean [batch, 1, C] float32 of each cloud's points; nothing that it is used for depends on it.

    So it needs no gradient.
    """
    present = ops.expand_dims(ops.cast(presence, "bool"), -1)
    x = ops.where(present, ops.cast(features, "float32"), 0.0)
    count = ops.maximum(ops.sum(ops.cast(present, "float32"), axis=1, keepdims=True), 1.0)
    return ops.stop_gradient(ops.sum(x, axis=1, keepdims=True) / count)


def _largest_in_rows(x, count: int):
    """Values and places [.., count] of the largest in each row of x [.., n], in any order.

    They lie in the `count` groups of neighbouring columns whose own largest values are the largest.
    Looking at those first takes two thirds of the time of `ops.top_k` over 1024 columns.
    """
    width = x.shape[-1]
    if width is None or width % _GROUP or width < 4 * _GROUP * count:
        values, places = ops.top_k(x, count, sorted=False)
        return values, ops.cast(places, "int32")
    groups = width // _GROUP
    grouped = ops.reshape(x, (-1, groups, _GROUP))
    _, chosen = ops.top_k(ops.max(grouped, axis=-1), count, sorted=False)
    chosen = ops.cast(chosen, "int32")
    first = ops.arange(ops.shape(grouped)[0], dtype="int32")[:, None] * groups
    members = ops.take(ops.reshape(grouped, (-1, _GROUP)), first + chosen, axis=0)
    values, places = ops.top_k(ops.reshape(members, (-1, count * _GROUP)), count, sorted=False)
    places = ops.cast(places, "int32")
    group = ops.take_along_axis(chosen, places // _GROUP, axis=1)
    shape = (*ops.shape(x)[:-1], count)
    return ops.reshape(values, shape), ops.reshape(group * _GROUP + places % _GROUP, shape)


def _columns(near):
    """The k columns [batch points] of near [batch, points, k], as rows of all clouds' points."""
    batch, points, count = *ops.shape(near)[:2], near.shape[-1]
    rows = near + (ops.arange(batch, dtype="int32") * points)[:, None, None]
    rows = ops.reshape(rows, (-1, count))
    return [rows[:, place] for place in range(count)]


@cache
def _mean_of(count: int):
    """Mean of `count` rows of values [rows, F], given as columns of row numbers [n]: [n, F]."""

    @kernel
    def mean(values, *columns):
        total = ops.take(values, columns[0], axis=0)
        for column in columns[1:]:
            total = total + ops.take(values, column, axis=0)
        return total / count

    return mean


@cache
def _largest_of(count: int):
    """Largest of `count` rows of values, feature by feature.

    The function that it gives takes values [rows, F], 0, 1, 2, ... [F] and `count` columns of row
    numbers [n], and returns [n, F]. The gradient goes to the row that won.
    """

    # One kernel for each count: TensorFlow retraces a function for other shapes only.
    @kernel
    def largest(values, lanes, *columns):
        x = ops.stop_gradient(values)
        best = ops.take(x, columns[0], axis=0)
        winner = ops.broadcast_to(columns[0][:, None], ops.shape(best))
        for column in columns[1:]:
            value = ops.take(x, column, axis=0)
            winner = ops.where(value > best, column[:, None], winner)
            best = ops.maximum(value, best)
        place = winner * ops.shape(values)[1] + lanes
        return ops.take(ops.reshape(values, (-1,)), place, axis=0)

    return largest


def _edge_statistics(features, columns, first, second):
    """Mean and variance [F] of x_i W1 + (x_j - x_i) W2 over all edges.

    Args:
        features: [batch, points, C].
        columns: The k nearest points of each, as `_columns` gives them; the point itself that fills
            up where there are fewer points is no edge.
        first, second: W1 and W2, [C, F].
    """
    x = ops.cast(features, "float32")
    flat = ops.reshape(x - ops.mean(x, axis=(0, 1)), (-1, x.shape[-1]))
    rows = ops.shape(flat)[0]
    edges = ops.cast(ops.minimum(ops.shape(x)[1], len(columns)), "float32")  # of each point
    filled = len(columns) - edges
    beside = _mean_of(len(columns))(flat, *columns)
    beside = beside + (beside - flat) * (filled / edges)
    total = ops.cast(rows, "float32")
    # The share of the edges that arrive at each point, in units of a point's own.
    ends = ops.concatenate(columns)
    arriving = ops.segment_sum(ops.ones_like(ends, dtype="float32"), ends, num_segments=rows)
    weighted = flat * ((arriving - filled) / edges)[:, None]

    offset = ops.mean(beside, axis=0)  # mean of x_j, that of x_i being zero now
    own = ops.matmul(ops.transpose(flat), flat) / total
    cross = ops.matmul(ops.transpose(flat), beside) / total
    other = ops.matmul(ops.transpose(weighted), flat) / total
    across = cross - own
    apart = other - cross - ops.transpose(cross) + own - ops.outer(offset, offset)

    variance = ops.sum(first * ops.matmul(own, first), axis=0)
    variance = variance + 2 * ops.sum(first * ops.matmul(across, second), axis=0)
    variance = variance + ops.sum(second * ops.matmul(apart, second), axis=0)
    centre = ops.mean(ops.cast(features, "float32"), axis=(0, 1))
    mean = ops.matmul(centre[None], first)[0] + ops.matmul(offset[None], second)[0]
    return mean, ops.maximum(variance, 0.0)

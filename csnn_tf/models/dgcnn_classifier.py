"""Baseline of Table I: DGCNN."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_positive, check_sizes
from csnn_tf.errors import InputError
from csnn_tf.layers import BatchNormalization, NormalizePoints
from csnn_tf.layers.edge_conv import EdgeConv
from csnn_tf.layers.point_dense import PointDense
from csnn_tf.layers.point_pooling import PointPooling
from csnn_tf.models.cloud_classifier import CloudClassifier
from csnn_tf.models.limits import check_weights
from csnn_tf.models.policy import dtype_policy
from csnn_tf.named import NamedConfigurations

_SLOPE = 0.2
_MOST_DISTANCES = 2**30


@keras.saving.register_keras_serializable(package="csnn_tf")
class DgcnnClassifier(CloudClassifier):
    """Point clouds -> convolutions over edges to the nearest points -> logits.

    Clouds are centred and scaled to the unit ball. Every `EdgeConv` finds the nearest points anew,
    in the features that the one before gave; their outputs, side by side, go through one dense
    layer shared by all points, whose largest and mean features are the descriptor. Batch
    normalisation and leaky ReLU (slope 0.2) follow every layer but the last; dropout follows the
    hidden layers. The published preset has 1.8 million weights.

    Args:
        num_classes, class_names: See `CloudClassifier`, as for input and output.
        neighbors: k, nearest points of a point, itself included.
        filters: Widths of the convolutions.
        embedding: Width of the layer after them; the descriptor has twice as many numbers.
        hidden: Widths of the hidden dense layers.
        dropout: Share of the hidden layers' outputs dropped while training.
        **kwargs: Arguments of `keras.Model`.

    Clouds of different sizes, with a mask, are for prediction: in training they would disturb the
    statistics of batch normalisation. Memory grows with the square of the number of points.

    Raises:
        InputError: If the arguments do not fit together, a mask is given in training, or a batch
            has too many points to compare all with each other.

    Example:
        >>> model = DgcnnClassifier.from_preset("tiny", num_classes=5)
        >>> model(keras.random.normal((2, 100, 3))).shape
        TensorShape([2, 5])

    Source: Wang et al., "Dynamic graph CNN for learning on point clouds", ACM TOG 2019, section
    5.1; Table I of the CSNN paper.
    """

    presets = NamedConfigurations("csnn_tf.models", "dgcnn_presets.json", "preset")

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        class_names: Sequence[str] | None = None,
        neighbors: int = 20,
        filters: Sequence[int] = (64, 64, 128, 256),
        embedding: int = 1024,
        hidden: Sequence[int] = (512, 256),
        dropout: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, class_names, hidden, dropout, **kwargs)
        self.neighbors = check_positive("neighbors", neighbors)
        if self.neighbors > 1024:
            raise InputError(f"neighbors must be at most 1024, not {neighbors}.")
        self.filters = check_sizes("filters", filters)
        if not self.filters:
            raise InputError("filters must name the width of at least one layer.")
        self.embedding = check_positive("embedding", embedding)
        check_weights((6, *(2 * width for width in self.filters)))
        check_weights((sum(self.filters), 2 * self.embedding, *self.hidden, self.num_classes))
        with dtype_policy(self.dtype_policy):
            self.normalize = NormalizePoints(name="normalize")
            points = keras.Input((None, 4), name="points")
            self.backbone = keras.Model(points, self._descriptor(points), name="backbone")
            self.network = keras.Model(points, self._head(self.backbone(points)), name="network")
        self.build((None, None, 3))

    def _descriptor(self, points):
        x, presence, found = points[..., :3], points[..., 3], []
        for place, width in enumerate(self.filters):
            # The first sees coordinates, which do not survive fewer digits.
            dtype = None if place else "float32"
            convolve = EdgeConv(
                width, self.neighbors, slope=_SLOPE, name=f"edge{place}", dtype=dtype
            )
            x = convolve(x, presence)
            found.append(x)
        if len(found) > 1:
            x = keras.layers.Concatenate(name="all_edges")(found)
        x = PointDense(self.embedding, _SLOPE, name="embedding")(x)
        return PointPooling(name="descriptor")(x, presence)

    def _head(self, x):
        layers = keras.layers
        for place, width in enumerate(self.hidden):
            x = layers.Dense(width, use_bias=False, name=f"hidden{place}")(x)
            x = BatchNormalization(name=f"hidden{place}_norm")(x)
            x = layers.LeakyReLU(_SLOPE, name=f"hidden{place}_relu")(x)
            x = layers.Dropout(self.dropout, name=f"hidden{place}_dropout")(x)
        return layers.Dense(self.num_classes, dtype="float32", name="logits")(x)

    def normalized(self, points: Any, mask: Any = None) -> Any:
        """Points moved to their centroid and scaled to the unit ball."""
        return self.normalize(points, mask=mask)

    def most_at_once(self, points: int) -> int:
        """Clouds of so many points that can be in a batch: 4 GB of distances are the most."""
        return _MOST_DISTANCES // points**2

    def features(self, points: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Coordinates and presence, [batch, points, 4]: 1 in the rows that hold a point, else 0.

        Raises:
            InputError: If a mask is given in training, or there are too many points.
        """
        if mask is not None and training:
            raise InputError("DgcnnClassifier trains on clouds of one size, without a mask.")
        batch, count = points.shape[:2]
        most = self.most_at_once(count or 1)
        if (batch or 1) > most:
            raise InputError(
                f"DgcnnClassifier compares all points of a cloud with each other: {batch or 1} "
                f"clouds of {count} points at once are too many, take fewer "
                f"{f'clouds at once, at most {most}' if most else 'points'}."
            )
        points = ops.cast(points, "float32")
        presence = ops.ones_like(points[..., :1])
        if mask is not None:
            presence = ops.cast(ops.cast(mask, "bool"), "float32")[..., None]
        return ops.concatenate([points, presence], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = {
            **super().get_config(),
            "neighbors": self.neighbors,
            "filters": list(self.filters),
            "embedding": self.embedding,
        }
        return self._but_fixed(config)

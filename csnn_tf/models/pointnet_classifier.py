"""Baseline of Table I: PointNet."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_bool, check_number, check_sizes
from csnn_tf.errors import InputError
from csnn_tf.layers import BatchNormalization, GlobalMaxPooling, NormalizePoints
from csnn_tf.layers.learned_transform import LearnedTransform
from csnn_tf.layers.point_dense import PointDense
from csnn_tf.models.cloud_classifier import CloudClassifier
from csnn_tf.models.limits import check_weights
from csnn_tf.models.policy import dtype_policy
from csnn_tf.named import NamedConfigurations


@keras.saving.register_keras_serializable(package="csnn_tf")
class PointNetClassifier(CloudClassifier):
    """Point clouds -> the same dense layers for every point -> largest features -> logits.

    Clouds are centred and scaled to the unit ball. Two transformation networks (T-Nets), built
    like the main one, give matrices that turn the points and then their features. Batch
    normalisation and ReLU follow every layer but those that give matrices and logits; dropout
    comes before the logits. The published preset has 3.5 million weights, without T-Nets 0.8.

    Args:
        num_classes, class_names: See `CloudClassifier`, as for input and output.
        local_filters: Widths of the layers before the second T-Net.
        filters: Widths of the layers after it; the last is the descriptor's.
        transforms: Whether there are T-Nets.
        transform_filters, transform_hidden: Widths of the T-Nets' layers of points and of clouds.
        regularization: Weight of the loss that keeps the second T-Net's matrices orthogonal.
        hidden: Widths of the hidden dense layers.
        dropout: Share of inputs dropped before the logits while training.
        **kwargs: Arguments of `keras.Model`.

    Clouds of different sizes, with a mask, are for prediction: in training they would disturb the
    statistics of batch normalisation.

    Raises:
        InputError: If the arguments do not fit together, or a mask is given in training.

    Example:
        >>> model = PointNetClassifier.from_preset("tiny", num_classes=5)
        >>> model(keras.random.normal((2, 100, 3))).shape
        TensorShape([2, 5])

    Source: Qi et al., "PointNet: deep learning on point sets for 3D classification and
    segmentation", CVPR 2017, section 4 and supplement C; Table I of the CSNN paper.
    """

    presets = NamedConfigurations("csnn_tf.models", "pointnet_presets.json", "preset")

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        class_names: Sequence[str] | None = None,
        local_filters: Sequence[int] = (64, 64),
        filters: Sequence[int] = (64, 128, 1024),
        transforms: bool = True,
        transform_filters: Sequence[int] = (64, 128, 1024),
        transform_hidden: Sequence[int] = (512, 256),
        regularization: float = 0.001,
        hidden: Sequence[int] = (512, 256),
        dropout: float = 0.3,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, class_names, hidden, dropout, **kwargs)
        widths = {
            "local_filters": local_filters,
            "filters": filters,
            "transform_filters": transform_filters,
            "transform_hidden": transform_hidden,
        }
        self._widths = {name: check_sizes(name, values) for name, values in widths.items()}
        for name in ("local_filters", "filters", "transform_filters"):
            if not self._widths[name]:
                raise InputError(f"{name} must name the width of at least one layer.")
        self.transforms = check_bool("transforms", transforms)
        self.regularization = check_number("regularization", regularization)
        if self.regularization < 0:
            raise InputError(f"regularization must be at least 0, not {regularization!r}.")
        self._check_sizes()
        with dtype_policy(self.dtype_policy):
            self.normalize = NormalizePoints(name="normalize")
            points = keras.Input((None, 3), name="points")
            self.backbone = keras.Model(points, self._descriptor(points), name="backbone")
            self.network = keras.Model(points, self._head(self.backbone(points)), name="network")
        self.build((None, None, 3))

    def _check_sizes(self) -> None:
        local, filters, first, last = self._widths.values()
        check_weights((3, *local, *filters, *self.hidden, self.num_classes))
        if self.transforms:
            for width in (3, local[-1]):
                check_weights((width, *first, *last, width * width))

    def _descriptor(self, points):
        local, filters, *_ = self._widths.values()
        x = points
        if self.transforms:
            x = self._transform(x, "input", 0.0)
        for place, width in enumerate(local):
            x = PointDense(width, name=f"local{place}", dtype=_dtype(place))(x)
        if self.transforms:
            x = self._transform(x, "feature", self.regularization)
        for place, width in enumerate(filters):
            x = PointDense(width, name=f"point{place}")(x)
        return GlobalMaxPooling(name="largest")(x)

    def _transform(self, points, name: str, regularization: float):
        """Points or features times the matrix that a T-Net gives."""
        layers, (_, _, filters, hidden) = keras.layers, self._widths.values()
        x = points
        dtype = _dtype(0) if name == "input" else None
        for place, width in enumerate(filters):
            given = None if place else dtype
            x = PointDense(width, name=f"{name}_point{place}", dtype=given)(x)
        x = GlobalMaxPooling(name=f"{name}_largest")(x)
        for place, width in enumerate(hidden):
            x = _normalised(x, width, f"{name}_hidden{place}")
        # From zero: the transformation begins as the identity.
        matrix = layers.Dense(
            points.shape[-1] ** 2, kernel_initializer="zeros", name=f"{name}_matrix"
        )(x)
        transform = LearnedTransform(regularization, name=f"{name}_transform", dtype=dtype)
        return transform(points, matrix)

    def _head(self, x):
        for place, width in enumerate(self.hidden):
            x = _normalised(x, width, f"hidden{place}")
        x = keras.layers.Dropout(self.dropout, name="logits_dropout")(x)
        return keras.layers.Dense(self.num_classes, dtype="float32", name="logits")(x)

    def normalized(self, points: Any, mask: Any = None) -> Any:
        """Points moved to their centroid and scaled to the unit ball."""
        return self.normalize(points, mask=mask)

    def features(self, points: Any, mask: Any = None, training: bool | None = None) -> Any:
        """The points; rows that hold none become a copy of one, which changes no maximum.

        Raises:
            InputError: If a mask is given in training.
        """
        if mask is None:
            return points
        if training:
            raise InputError("PointNetClassifier trains on clouds of one size, without a mask.")
        mask = ops.cast(mask, "bool")
        first = ops.cast(ops.argmax(ops.cast(mask, "int32"), axis=1), "int32")
        copy = ops.take_along_axis(points, first[:, None, None], axis=1)
        return ops.where(mask[..., None], points, copy)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = {
            **super().get_config(),
            **{name: list(widths) for name, widths in self._widths.items()},
            "transforms": self.transforms,
            "regularization": self.regularization,
        }
        return self._but_fixed(config)


def _dtype(place: int) -> str | None:
    """Of the layer at a place: the first sees coordinates, which do not survive fewer digits."""
    return None if place else "float32"


def _normalised(x, width: int, name: str):
    """A dense layer, batch normalisation and ReLU."""
    x = keras.layers.Dense(width, use_bias=False, name=name)(x)
    x = BatchNormalization(name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)

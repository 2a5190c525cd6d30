"""The paper's classifier of raw point clouds."""

from collections.abc import Sequence
from typing import Any

import keras

from csnn_tf.checks import check_bool
from csnn_tf.layers import BatchNormalization, NormalizePoints, PointsToSpheres
from csnn_tf.models.backbone import ConcentricBackbone
from csnn_tf.models.cloud_classifier import CloudClassifier
from csnn_tf.models.limits import check_weights
from csnn_tf.models.policy import dtype_policy
from csnn_tf.models.presets import PRESETS


@keras.saving.register_keras_serializable(package="csnn_tf")
class PointCloudClassifier(CloudClassifier):
    """Point clouds -> concentric spheres -> backbone -> dense head -> logits.

    The head is dense, batch normalisation and ReLU for each hidden layer, then a dense layer to
    the classes; dropout comes before each dense layer. Two parts can be used by themselves:
    `to_spheres` (`PointsToSpheres`) and `network`, the Keras model from feature maps to logits,
    which contains all weights. `descriptor` is invariant to the 60 rotations of the (tilted) grid,
    up to rounding, but for points that `PointsToSpheres` has no unique vertices for.

    Args:
        num_classes: Number of classes; may be left out when `class_names` is given.
        class_names: Names of the classes in the order of the logits.
        level, spheres, channels, neighbors, threshold, radius, point_count, tilt: See
            `PointsToSpheres`.
        center: Whether clouds are moved to their centroid first. `to_spheres` by itself does not.
            Without it mind that data sets and files move clouds whose place float32 would spoil
            (`csnn_tf.data.coordinates`).
        intra_filters, intra_layers, co_radial_filters, co_radial_layers, kernel_size, pooling,
            descriptor: See `ConcentricBackbone`.
        hidden: Widths of the hidden dense layers.
        dropout: Share of inputs dropped before each dense layer while training.
        **kwargs: Arguments of `keras.Model`.

    Input: points [batch, points, 3], both sizes free; or {"points": ..., "mask": [batch, points]}
        for clouds of different sizes, true where a row holds a point.
    Output: logits [batch, num_classes], float32.

    Raises:
        InputError: If the arguments do not fit together.

    Example:
        >>> model = PointCloudClassifier.from_preset("tiny", num_classes=5)
        >>> model(keras.random.normal((2, 100, 3))).shape
        TensorShape([2, 5])

    Source: section IV-A and figure 4 of the CSNN paper.
    """

    presets = PRESETS

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        class_names: Sequence[str] | None = None,
        level: int = 4,
        spheres: int = 20,
        channels: int = 8,
        neighbors: int = 3,
        threshold: float = 0.01,
        radius: float | None = None,
        point_count: int | None = 1024,
        tilt: Sequence[float] | None = None,
        center: bool = True,
        intra_filters: Sequence[int] = (32, 64, 128, 256, 512),
        intra_layers: Sequence[int] = (2, 2, 2, 2, 1),
        co_radial_filters: Sequence[int] = (64, 128, 256, 512, 1024),
        co_radial_layers: Sequence[int] = (2, 2, 2, 1, 1),
        kernel_size: int = 3,
        pooling: str = "max",
        descriptor: str = "levels",
        hidden: Sequence[int] = (512, 256),
        dropout: float = 0.14,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, class_names, hidden, dropout, **kwargs)
        centred = check_bool("center", center)
        with dtype_policy(self.dtype_policy):
            self.center = NormalizePoints(scale=False, name="center") if centred else None
            # First, as it bounds the sizes.
            self.backbone = ConcentricBackbone(
                level=level,
                spheres=spheres,
                channels=channels,
                intra_filters=intra_filters,
                intra_layers=intra_layers,
                co_radial_filters=co_radial_filters,
                co_radial_layers=co_radial_layers,
                kernel_size=kernel_size,
                pooling=pooling,
                descriptor=descriptor,
                name="backbone",
            )
            self.to_spheres = PointsToSpheres(
                level,
                spheres,
                channels,
                neighbors=neighbors,
                threshold=threshold,
                radius=radius,
                point_count=point_count,
                tilt=tilt,
                name="to_spheres",
            )
            check_weights((self.backbone.output_shape[-1], *self.hidden, self.num_classes))
            spheres_in = keras.Input(self.backbone.input_shape[1:], name="spheres")
            outputs = self._head(self.backbone(spheres_in))
            self.network = keras.Model(spheres_in, outputs, name="network")
        self.build((None, None, 3))

    def _head(self, x):
        layers = keras.layers
        for place, width in enumerate(self.hidden):
            x = layers.Dropout(self.dropout, name=f"hidden{place}_dropout")(x)
            x = layers.Dense(width, name=f"hidden{place}")(x)
            x = BatchNormalization(name=f"hidden{place}_norm")(x)
            x = layers.ReLU(name=f"hidden{place}_relu")(x)
        x = layers.Dropout(self.dropout, name="logits_dropout")(x)
        return layers.Dense(self.num_classes, dtype="float32", name="logits")(x)

    @property
    def centred(self) -> bool:
        """Whether clouds are moved to their centroid first: where they lie does not count then."""
        return self.center is not None

    @property
    def unit_ball(self) -> bool:
        """Whether training scales clouds first: not where `radius` fixes the unit of length."""
        return self.to_spheres.radius is None

    def normalized(self, points: Any, mask: Any = None) -> Any:
        """Points moved to their centroid; `to_spheres` scales them."""
        return points if self.center is None else self.center(points, mask=mask)

    def features(self, points: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Feature maps [batch, vertex, sphere, channel] of centred points."""
        return self.to_spheres(points, mask=mask)

    def spheres(self, inputs):
        """Feature maps [batch, vertex, sphere, channel] of point clouds (see the class's input)."""
        return self._features_of(inputs)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        mapping, hierarchy = self.to_spheres.get_config(), self.backbone.get_config()
        known = {**hierarchy, **mapping, "center": self.center is not None}
        return {**self._kept(known), **super().get_config()}

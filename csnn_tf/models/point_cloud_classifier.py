"""Classifier of raw point clouds."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import keras
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.layers import BatchNormalization, NormalizePoints, PointsToSpheres
from csnn_tf.layers.checks import check_number, check_points, check_positive, check_sizes
from csnn_tf.models.backbone import ConcentricBackbone, check_weights
from csnn_tf.models.loading import load_model, trained_models
from csnn_tf.models.presets import preset


@keras.saving.register_keras_serializable(package="csnn_tf")
class PointCloudClassifier(keras.Model):
    """Point clouds -> concentric spheres -> backbone -> dense head -> logits.

    The head is dense, batch normalisation and ReLU for each hidden layer, then a dense layer to
    the classes; dropout comes before each dense layer. Two parts can be used by themselves:
    `to_spheres` (`PointsToSpheres`) and `network`, the Keras model from feature maps to logits,
    which contains all weights.

    Args:
        num_classes: Number of classes; may be left out when `class_names` is given.
        class_names: Names of the classes in the order of the logits.
        level, spheres, channels, neighbors, threshold, radius, point_count: See `PointsToSpheres`.
        center: Whether clouds are moved to their centroid first. `to_spheres` by itself does not.
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
        super().__init__(**kwargs)
        self.num_classes, self.class_names = _classes(num_classes, class_names)
        self.dropout = check_number("dropout", dropout)
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout must be at least 0 and below 1, not {dropout!r}.")
        self.hidden = check_sizes("hidden", hidden)
        self.center = NormalizePoints(scale=False, name="center") if center else None
        self.to_spheres = PointsToSpheres(
            level,
            spheres,
            channels,
            neighbors=neighbors,
            threshold=threshold,
            radius=radius,
            point_count=point_count,
            name="to_spheres",
        )
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

    @classmethod
    def from_preset(
        cls, name: str, num_classes: int | None = None, **changes: Any
    ) -> "PointCloudClassifier":
        """Make an untrained classifier from a preset, or load a trained one.

        Args:
            name: A preset ("paper", "small", "tiny"), which can be changed field by field, or the
                name of a trained model of the package (`csnn_tf.models.loading.trained_models()`),
                which is taken as it is.
            num_classes: Number of classes of an untrained classifier.
            **changes: Constructor arguments that replace the preset's.

        Raises:
            InputError: If the preset or a field is unknown, the fields do not fit together, or a
                trained model is to be changed.
        """
        if name in trained_models():
            if num_classes is not None or changes:
                raise InputError(f"{name} is a trained model, whose fields cannot be changed.")
            return load_model(name, cls)
        check_fields(changes)
        return cls(num_classes, **preset(name, **changes))

    def build(self, input_shape: Any) -> None:
        """Check the input's shape; the weights exist since construction."""
        shape = input_shape["points"] if isinstance(input_shape, dict) else input_shape
        check_points(shape, type(self).__name__)
        self.built = True

    def call(self, inputs, training: bool | None = None):
        """Logits of point clouds."""
        return self.network(self.spheres(inputs), training=training)

    def spheres(self, inputs):
        """Feature maps [batch, vertex, sphere, channel] of point clouds (see the class's input)."""
        points, mask = inputs, None
        if isinstance(inputs, dict):
            points, mask = inputs["points"], inputs.get("mask")
        if self.center is not None:
            points = self.center(points, mask=mask)
        return self.to_spheres(points, mask=mask)

    def descriptor(self, inputs):
        """Rotation-invariant descriptors [batch, D] of point clouds, without the head."""
        return self.backbone(self.spheres(inputs), training=False)

    def probabilities(self, inputs):
        """Class probabilities [batch, num_classes] of point clouds."""
        return ops.softmax(self(inputs, training=False), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """[batch, num_classes]."""
        shape = input_shape["points"] if isinstance(input_shape, dict) else input_shape
        return (shape[0], self.num_classes)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        mapping, hierarchy = self.to_spheres.get_config(), self.backbone.get_config()
        fields = {name: mapping[name] for name in _MAPPING_FIELDS}
        fields |= {name: hierarchy[name] for name in _BACKBONE_FIELDS}
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "class_names": None if self.class_names is None else list(self.class_names),
            **fields,
            "center": self.center is not None,
            "hidden": list(self.hidden),
            "dropout": self.dropout,
        }


_MAPPING_FIELDS = (
    "level",
    "spheres",
    "channels",
    "neighbors",
    "threshold",
    "radius",
    "point_count",
)
_BACKBONE_FIELDS = (
    "intra_filters",
    "intra_layers",
    "co_radial_filters",
    "co_radial_layers",
    "kernel_size",
    "pooling",
    "descriptor",
)


def classifier_fields() -> tuple[str, ...]:
    """Names of the classifier's fields that presets and users may set."""
    parameters = inspect.signature(PointCloudClassifier.__init__).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def check_fields(changes: dict[str, Any]) -> None:
    """Raise `InputError` if a name is not a field of the classifier."""
    for name in changes:
        if name not in classifier_fields():
            raise InputError(
                f"unknown field {name!r}: the classifier has {', '.join(classifier_fields())}."
            )


def _classes(number: int | None, names: Sequence[str] | None) -> tuple[int, tuple[str, ...] | None]:
    if names is None:
        return check_positive("num_classes", number), None
    if isinstance(names, str | dict) or not isinstance(names, Iterable):
        raise InputError(f"class_names must be a list of names, not {names!r:.60}.")
    names = tuple(str(name) for name in names)
    if not names or (number is not None and number != len(names)):
        raise InputError(f"class_names has {len(names)} names for {number} classes.")
    return len(names), names

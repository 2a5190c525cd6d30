"""What all classifiers of raw point clouds share: classes, presets, masks, probabilities."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import keras
from keras import ops

from csnn_tf.checks import check_number, check_positive, check_sizes
from csnn_tf.errors import InputError
from csnn_tf.layers.checks import check_mask, check_points, is_array
from csnn_tf.layers.normalize_points import masked
from csnn_tf.models.frozen import freeze, frozen_places, made_with_frozen, with_frozen
from csnn_tf.models.preset_fields import PresetFields, given
from csnn_tf.models.transfer import last_layer, take_weights
from csnn_tf.models.unquantised import Unquantised
from csnn_tf.named import NamedConfigurations


@keras.saving.register_keras_serializable(package="csnn_tf")
class CloudClassifier(Unquantised, PresetFields, keras.Model):
    """Base of the models from point clouds to the logits of classes.

    A subclass makes `backbone`, from what `features` gives to one vector a cloud, and `network`,
    from the same to the logits, which holds all weights and is what is trained. The last layer of
    `network` is a dense one called "logits", which `for_classes` asks for; `from_preset` asks for
    `presets`. What comes before them, `normalized` and `features`, has no weights: training does it
    in the input pipeline.

    Args:
        num_classes: Number of classes; may be left out when `class_names` is given.
        class_names: Names of the classes in the order of the logits.
        hidden: Widths of the hidden dense layers of the head.
        dropout: Share of inputs dropped in the head while training.
        **kwargs: Arguments of `keras.Model`. A subclass makes its layers inside `dtype_policy` of
            `csnn_tf.models.policy`, so that they follow `dtype`, which a file holds too.

    Input: points [batch, points, 3], both sizes free; or {"points": ..., "mask": [batch, points]}
        for clouds of different sizes, true where a row holds a point.
    Output: logits [batch, num_classes], float32; NaN for a cloud with a coordinate that is not
        finite.

    Raises:
        InputError: If the arguments do not fit together.
    """

    noun = "classifier"
    task: ClassVar[str] = "a classifier of point clouds"
    """What it is, in the words of messages."""
    presets: ClassVar[NamedConfigurations]
    """Where `from_preset` finds its names."""
    backbone: keras.Model
    network: keras.Model

    def __init__(
        self,
        num_classes: int | None,
        class_names: Sequence[str] | None,
        hidden: Sequence[int],
        dropout: float,
        **kwargs: Any,
    ) -> None:
        # Coordinates do not survive fewer digits than float32 has, whatever the dtype policy.
        super().__init__(**kwargs, autocast=False)
        self.supports_masking = True
        if type(self) is CloudClassifier:  # a model file may name any registered class
            raise InputError("a CloudClassifier is the base of classifiers and none itself.")
        self.num_classes, self.class_names = _classes(num_classes, class_names)
        self.dropout = check_number("dropout", dropout)
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout must be at least 0 and below 1, not {dropout!r}.")
        self.hidden = check_sizes("hidden", hidden)

    @classmethod
    def from_preset(
        cls,
        preset: str,
        /,
        num_classes: int | None = None,
        *,
        dtype: Any = None,
        name: str | None = None,
        **changes: Any,
    ) -> Self:
        """Make an untrained classifier from a preset, or load a trained one.

        Args:
            preset: A preset ("paper", "small", "tiny"), which can be changed field by field, or the
                name of a trained model of the package (`csnn_tf.models.loading.trained_models()`),
                which is taken as it is.
            num_classes: Number of classes of an untrained classifier.
            dtype: Its dtype policy, such as "mixed_bfloat16"; None for the global one.
            name: Keras's name of an untrained model; two of a class in one functional model need
                names of their own.
            **changes: Fields of the model, see `fields()`, that replace the preset's. What else
                `keras.Model` takes, such as `trainable`, is set afterwards.

        Raises:
            InputError: If the preset or a field is unknown, the fields do not fit together, or a
                trained model is to be changed.
        """
        trained = cls.trained(preset, num_classes, dtype, name, changes or None)
        if trained is not None:
            return trained
        cls.check_fields(changes)
        fields = cls.preset_fields(preset, changes)
        return cls(num_classes, **fields, **given(dtype=dtype, name=name))

    def for_classes(self, class_names: Sequence[str], **changes: Any) -> Self:
        """A classifier of other classes that begins with this one's weights.

        Classes that both know, by name, keep their weights in the last layer; those of new classes
        are drawn anew. Frozen layers stay frozen, but for the last one. It computes in the global
        dtype policy, as any new classifier.

        Args:
            class_names: Names of the classes in the order of the logits.
            **changes: Constructor arguments that replace this one's, as far as the weights fit: for
                example dropout, spheres or tilt.

        Raises:
            InputError: If a field is unknown or its value does not fit the weights.

        Example:
            >>> trained = PointCloudClassifier.from_preset("modelnet40_small_so3")
            >>> trained.for_classes(["bolt", "nut"]).num_classes
            2
        """
        self.check_fields(changes)
        config = self.get_config()
        fields = {name: config[name] for name in self.kept_fields() if name != "class_names"}
        made = type(self)(class_names=class_names, **{**fields, **changes})
        take_weights(made, self)
        freeze(made, frozen_places(self, but=last_layer(self)))
        return made

    @property
    def centred(self) -> bool:
        """Whether clouds are moved to their centroid first: where they lie does not count then."""
        return True

    @property
    def unit_ball(self) -> bool:
        """Whether training scales clouds to the unit ball before it augments them."""
        return True

    def most_at_once(self, points: int) -> int | None:
        """Clouds of so many points that can be in a batch; None if only memory says."""
        return None

    def normalized(self, points: Any, mask: Any = None) -> Any:
        """Points [batch, points, 3] moved and scaled as the model takes them."""
        raise NotImplementedError

    def features(self, points: Any, mask: Any = None, training: bool | None = None) -> Any:
        """What `network` takes, of normalised points [batch, points, 3] and their mask."""
        raise NotImplementedError

    def build(self, input_shape: Any) -> None:
        """Check the input's shape; the weights exist since construction."""
        shape = input_shape["points"] if isinstance(input_shape, dict) else input_shape
        check_points(shape, type(self).__name__)
        self.built = True

    def call(self, inputs, training: bool | None = None, mask=None):
        """Logits of point clouds; a mask beside the inputs, such as Keras's own, counts too."""
        points, mask = self._points_of(inputs, mask)
        features = self.features(self.normalized(points, mask), mask, training)
        return _of_finite(points, mask, self.network(features, training=training))

    def compute_mask(self, inputs, previous_mask=None):
        """None: the mask is about points, and logits have no point axis."""
        return None

    def descriptor(self, inputs):
        """Descriptors [batch, D] of point clouds, without the head; NaN where the logits are."""
        points, mask = self._points_of(inputs)
        features = self.features(self.normalized(points, mask), mask)
        return _of_finite(points, mask, self.backbone(features, training=False))

    def probabilities(self, inputs):
        """Class probabilities [batch, num_classes] of point clouds."""
        return ops.softmax(self(inputs, training=False), axis=-1)

    def _features_of(self, inputs):
        points, mask = self._points_of(inputs)
        return self.features(self.normalized(points, mask), mask)

    def _points_of(self, inputs, mask=None):
        """Points and mask of inputs, checked."""
        points = inputs
        if isinstance(inputs, dict):
            if set(inputs) - {"mask"} != {"points"}:
                raise InputError(
                    f"{type(self).__name__} takes points, or points and mask, not "
                    f"{', '.join(map(str, inputs))}."
                )
            mask = mask.get("points") if isinstance(mask, dict) else mask  # Keras's, of each entry
            points, mask = inputs["points"], inputs.get("mask", mask)
        owner = type(self).__name__
        if not is_array(points):
            raise InputError(
                f"{owner} expects points [batch, points, 3], or a dictionary of points and mask "
                f"for clouds of different sizes, not a {type(points).__name__}."
            )
        check_points(points.shape, owner)
        if points.shape[1] == 0:
            raise InputError(f"{owner} got clouds without points.")
        if mask is not None:
            check_mask(mask, points.shape, owner)
        return points, mask

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """[batch, num_classes]."""
        shape = input_shape["points"] if isinstance(input_shape, dict) else input_shape
        return (shape[0], self.num_classes)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> keras.KerasTensor:
        """Shape and dtype of the output, float32 whatever the policy."""
        spec = super().compute_output_spec(*args, **kwargs)
        return keras.KerasTensor(spec.shape, "float32")

    def export(self, *args: Any, **kwargs: Any) -> Any:
        """Keras's own export; see `csnn_tf.export` for one that serves raw points and names.

        The arguments are those of `keras.Model.export`.
        """
        self(keras.Input((None, 3)))  # Keras asks for a call before
        return super().export(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, and which layers are frozen."""
        config = {
            **super().get_config(),
            "num_classes": self.num_classes,
            "class_names": None if self.class_names is None else list(self.class_names),
            "hidden": list(self.hidden),
            "dropout": self.dropout,
        }
        return with_frozen(self._but_fixed(config), self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Make a classifier from `get_config`'s dictionary, which says what is frozen too."""
        make = super().from_config
        return made_with_frozen(lambda fields: make(fields, custom_objects), config)


def _of_finite(points: Any, mask: Any, values: Any) -> Any:
    """Values [batch, n], NaN for clouds that are not finite.

    TensorFlow's ReLU makes zeros of NaN: the answer would look like one.
    """
    finite = ops.all(ops.isfinite(masked(ops.cast(points, "float32"), mask)), axis=(1, 2))
    return ops.where(finite[:, None], values, float("nan"))


def _classes(number: int | None, names: Sequence[str] | None) -> tuple[int, tuple[str, ...] | None]:
    if names is None:
        return check_positive("num_classes", number), None
    if isinstance(names, str | dict) or not isinstance(names, Iterable):
        raise InputError(f"class_names must be a list of names, not {names!r:.60}.")
    names = tuple(str(name) for name in names)
    if not names or (number is not None and number != len(names)):
        raise InputError(f"class_names has {len(names)} names for {number} classes.")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"class_names must be all different: {twice!r} comes twice.")
    return len(names), names

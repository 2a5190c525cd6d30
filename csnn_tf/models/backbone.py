"""The hierarchy of convolutions that turns a feature map into a descriptor."""

from collections.abc import Sequence
from typing import Any

import keras

from csnn_tf.checks import check_bool, check_choice, check_positive, check_sizes
from csnn_tf.errors import InputError
from csnn_tf.grid import num_vertices
from csnn_tf.grid.icosphere import check_level
from csnn_tf.layers import (
    BatchNormalization,
    CoRadialConv,
    GlobalMaxPooling,
    IntraSphereConv,
    VertexPooling,
)
from csnn_tf.layers.feature_map_conv import only_norms_read
from csnn_tf.models.frozen import made_with_frozen, with_frozen
from csnn_tf.models.limits import MOST_LAYERS, check_weights
from csnn_tf.models.policy import dtype_policy
from csnn_tf.models.unquantised import Unquantised

# The published model has maps of 400,000 numbers.
_MOST_NUMBERS = 2**26


@keras.saving.register_keras_serializable(package="csnn_tf")
class ConcentricBackbone(Unquantised, keras.Model):
    """Feature map on concentric spheres -> rotation-invariant descriptor (figures 1 and 4).

    At every level, from fine to coarse: graph convolutions within the spheres (equation 4), then
    co-radial convolutions (equation 5), each followed by batch normalisation and ReLU, a graph
    convolution also by a residual sum where its input and output are equally wide; then pooling to
    the next level. The descriptor concatenates the largest (or mean) value over vertices and
    spheres at every level.

    Args:
        level: Level of the finest icosphere.
        spheres: R, number of spheres.
        channels: C, channels of the input.
        intra_filters: Widths of the graph convolutions of each level, fine to coarse; its length
            is the number of levels, at most level + 1.
        intra_layers: Number of graph convolutions at each level.
        co_radial_filters: Widths of the co-radial convolutions of each level.
        co_radial_layers: Number of co-radial convolutions at each level.
        kernel_size: Spheres in a co-radial window.
        pooling: "max" or "mean": between levels and in the descriptor.
        descriptor: "levels" concatenates all levels' descriptors, "last" keeps the coarsest's.
        early_reduction: Take the descriptor's maximum or mean over vertices before the last
            co-radial convolution instead of after it (the published density-of-states model).
        **kwargs: Arguments of `keras.Model`.

    Input: [batch, vertex, R, C].
    Output: [batch, D], D the sum of `co_radial_filters` (their last with descriptor="last").

    Raises:
        InputError: If the arguments do not fit together.

    Example:
        >>> backbone = ConcentricBackbone(
        ...     level=2, spheres=4, channels=2, intra_filters=(8, 16), intra_layers=(1, 1),
        ...     co_radial_filters=(16, 32), co_radial_layers=(1, 1))
        >>> backbone.output_shape
        (None, 48)

    Source: section III and figures 1 and 4 of the CSNN paper.
    """

    def __init__(
        self,
        *,
        level: int,
        spheres: int,
        channels: int,
        intra_filters: Sequence[int],
        intra_layers: Sequence[int],
        co_radial_filters: Sequence[int],
        co_radial_layers: Sequence[int],
        kernel_size: int = 3,
        pooling: str = "max",
        descriptor: str = "levels",
        early_reduction: bool = False,
        **kwargs: Any,
    ) -> None:
        check_level(level)
        per_level = {
            "intra_filters": intra_filters,
            "intra_layers": intra_layers,
            "co_radial_filters": co_radial_filters,
            "co_radial_layers": co_radial_layers,
        }
        per_level = {name: check_sizes(name, values) for name, values in per_level.items()}
        sizes = {len(values) for values in per_level.values()}
        if len(sizes) != 1 or not 1 <= max(sizes) <= level + 1:
            raise InputError(
                f"intra_filters, intra_layers, co_radial_filters and co_radial_layers need one "
                f"entry for each of 1 to {level + 1} levels, not {per_level}."
            )
        check_choice("pooling", pooling, ("max", "mean"))
        check_choice("descriptor", descriptor, ("levels", "last"))
        self._arguments = {
            "level": level,
            "spheres": check_positive("spheres", spheres),
            "channels": check_positive("channels", channels),
            **per_level,
            "kernel_size": check_positive("kernel_size", kernel_size),
            "pooling": pooling,
            "descriptor": descriptor,
            "early_reduction": check_bool("early_reduction", early_reduction),
        }
        numbers = num_vertices(level) * self._arguments["spheres"] * self._arguments["channels"]
        if numbers > _MOST_NUMBERS:
            raise InputError(
                f"level {level}, spheres {spheres} and channels {channels} make feature maps of "
                f"{numbers:.3g} numbers; at most {_MOST_NUMBERS:.3g} are taken."
            )
        check_weights(_widths(channels, self._arguments["kernel_size"], **per_level))
        with dtype_policy(kwargs.pop("dtype", None)):
            inputs = keras.Input((num_vertices(level), spheres, channels), name="spheres")
            super().__init__(inputs=inputs, outputs=_graph(inputs, **self._arguments), **kwargs)

    def call(self, inputs, training: bool | None = None, mask=None, **kwargs: Any):
        """Descriptors of feature maps."""
        with only_norms_read():
            return super().call(inputs, training=training, mask=mask, **kwargs)

    @property
    def largest_map(self) -> int:
        """Numbers in the largest feature map of one cloud or atom."""
        # Keras reads all properties when it loads a file, and `get_config` imports TensorFlow.
        has = self._arguments
        width = max(has["channels"], has["intra_filters"][0], has["co_radial_filters"][0])
        return num_vertices(has["level"]) * has["spheres"] * width

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, and which layers are frozen."""
        arguments = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self._arguments.items()
        }
        common = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }
        return with_frozen({**arguments, **common}, self)

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "ConcentricBackbone":
        """Make a backbone from `get_config`'s dictionary, which says what is frozen too."""
        return made_with_frozen(lambda fields: cls(**fields), config)


def _widths(
    channels, kernel_size, *, intra_filters, intra_layers, co_radial_filters, co_radial_layers
):
    """Widths of all layers from fine to coarse; a co-radial window counts as more of them."""
    if max(*intra_layers, *co_radial_layers) > MOST_LAYERS:
        raise InputError(f"a level may have at most {MOST_LAYERS} layers of a kind.")
    widths = [channels]
    for place, width in enumerate(intra_filters):
        widths += [width] * intra_layers[place]
        widths += [co_radial_filters[place] * kernel_size] * co_radial_layers[place]
    return widths


def _graph(
    inputs,
    *,
    level,
    intra_filters,
    intra_layers,
    co_radial_filters,
    co_radial_layers,
    kernel_size,
    pooling,
    descriptor,
    early_reduction,
    **_,
):
    """The functional graph from feature map to descriptor."""
    x, descriptors = inputs, []
    count = len(intra_filters)
    for place in range(count):
        here = level - place
        for layer in range(intra_layers[place]):
            name = f"level{here}_intra{layer}"
            y = _normalised(IntraSphereConv(intra_filters[place], name=name), x)
            if x.shape[-1] == y.shape[-1]:
                y = keras.layers.Add(name=f"{name}_sum")([x, y])
            x = y
        for layer in range(co_radial_layers[place]):
            name = f"level{here}_co_radial{layer}"
            last = place == count - 1 and layer == co_radial_layers[place] - 1
            if last and early_reduction:
                x = _over_vertices(x, pooling, f"level{here}_vertices")
            x = _normalised(CoRadialConv(co_radial_filters[place], kernel_size, name=name), x)
        fine = x
        if place < count - 1:
            x = VertexPooling(pooling, name=f"level{here}_pooling")(x)
        if descriptor == "levels" or place == count - 1:
            # Pooling leaves out no vertex, so its largest value is the level's, in a smaller map.
            source = x if pooling == "max" else fine
            descriptors.append(_reduce(source, pooling, f"level{here}_descriptor"))
    if len(descriptors) == 1:
        return descriptors[0]
    return keras.layers.Concatenate(name="descriptor")(descriptors)


def _normalised(convolution, x):
    """A convolution of x, batch normalisation with the published constants, then ReLU."""
    norm = BatchNormalization(activation="relu", name=f"{convolution.name}_norm")
    convolution.normalised_by(norm)
    return norm(convolution(x))


def _over_vertices(x, pooling: str, name: str):
    """Maximum or mean over vertices, which stay as an axis of size 1."""
    kind = keras.layers.MaxPooling2D if pooling == "max" else keras.layers.AveragePooling2D
    return kind((x.shape[1], 1), data_format="channels_last", name=name)(x)


def _reduce(x, pooling: str, name: str):
    """Maximum or mean over vertices and spheres."""
    if pooling == "max":
        return GlobalMaxPooling(name=name)(x)
    return keras.layers.GlobalAveragePooling2D(data_format="channels_last", name=name)(x)

"""Mapping of atoms' neighbourhoods to concentric spheres."""

import math
from functools import cache
from typing import Any

import keras
from keras import ops

from csnn_tf.checks import check_number, check_positive, whole_number
from csnn_tf.errors import InputError
from csnn_tf.grid import num_vertices
from csnn_tf.grid.icosphere import check_level
from csnn_tf.layers.barycentric import barycentric
from csnn_tf.layers.checks import checked_atoms
from csnn_tf.layers.compiled import kernel
from csnn_tf.layers.nearest_vertices import nearest_vertices
from csnn_tf.layers.normalize_points import norm

CONTRIBUTIONS = ("1", "1/d", "1/d^2")
CUTOFFS = ("none", "cosine", "switch")
RADIAL = ("step", "linear")
ANGULAR = ("nearest", "linear")

_FIELDS = (
    *("level", "spheres", "channels", "elements", "cutoff", "r_min"),
    *("contribution", "cutoff_function", "radial", "angular"),
)

# Directions, distances and cutoffs of ideal crystals fall on borders exactly, and rounding (which a
# rotation of the crystal changes) must not decide their side. So these are far above rounding and
# far below anything physical.
_TIE = 2e-6
"""Vertices whose squared distances from a direction differ by less are equally near."""
_ROUNDING = 1e-5
"""A border between channels, in channels, and the cutoff, in Å, lie this much further out."""
_MOST_NUMBERS = 2**31 - 1  # that places of 32 bits tell apart
_SWITCH = 1.0
"""Å before the cutoff, over which the cutoff function "switch" falls from 1 to 0."""


@keras.saving.register_keras_serializable(package="csnn_tf")
class NeighborsToSpheres(keras.layers.Layer):
    """Neighbours of every atom as features on concentric icospheres about it.

    f_a(u, k, s) = sum of c(d) over the neighbours of atom a at distance d <= cutoff, of element s,
                   whose nearest vertex is u and whose radial channel is k
    k = ceil((d - r_min) K / (cutoff - r_min)) - 1, limited to 0 .. K - 1,  K = spheres * channels

    with c(d) = 1/d. A direction as near to two or three vertices is shared among them, which keeps
    the map equivariant to the 60 icosahedral rotations on ideal crystals too, whose neighbours lie
    on the grid's mirror planes.

    Args:
        level: Level of the icosphere, 0 to 7.
        spheres: R, radial channels on the spatial axis.
        channels: C, radial channels in each sphere, which become input channels.
        elements: S, number of elements; each has channels of its own.
        cutoff: Largest distance, Å.
        r_min: Distance where the first radial channel begins, Å; nearer neighbours count in it.
        contribution: c(d): "1", "1/d" (1/Å) or "1/d^2" (1/Å^2).
        cutoff_function: What c(d) is multiplied by: "none" by 1, for all neighbours (published);
            "cosine" by (1 + cos(pi d / cutoff)) / 2; "switch" by (1 + cos(pi x)) / 2 with
            x = d - cutoff + 1 Å limited to 0 .. 1, so by 1 but for the last Å. With either of the
            latter a neighbour which crosses the cutoff does not make the features jump.
        radial: "step" puts a neighbour into one radial channel (published), "linear" divides it
            between the two whose centres are nearest, which makes features continuous in d.
        angular: "nearest" puts a neighbour on the vertex nearest to its direction (published),
            "linear" divides it among the three vertices about it by barycentric weights, which
            makes features continuous in the direction.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        displacements: [pairs, 3], Å, from the centre atom to its neighbour. Zero vectors are
            padding and count nowhere.
        centre: [pairs], index of the centre atom, 0 to num_atoms - 1.
        species: [pairs], index of the neighbour's element, 0 to S - 1; may be left out for S = 1.
        num_atoms: Number of centre atoms, a number or a scalar tensor; without it, the largest
            index in `centre` plus one. Inside `jax.jit` it must be given, as a whole number.
        training: Inside `compiled_kernels` on TensorFlow, the mapping is compiled unless this is
            true: every size is compiled anew, and batches of training come in many. With JAX it is
            compiled in either case.

    Output: [atoms, vertex, R, S * C]; an atom without neighbours gives zeros. Computed in float32
        whatever the dtype policy.

    Raises:
        InputError: If an argument of the constructor is out of range, `displacements` is not
            [pairs, 3], or the atoms are far too many. The numbers in `centre` and `species` are
            not looked at: one out of range counts at another atom or vertex, or nowhere, or is an
            error of TensorFlow on CPUs.

    Example:
        >>> layer = NeighborsToSpheres(level=2, channels=8)
        >>> layer(np.array([[1.4, 0, 0], [-1.4, 0, 0]]), np.array([0, 1]), num_atoms=2).shape
        TensorShape([2, 162, 1, 8])

    Source: section IV-B of the CSNN paper.
    """

    def __init__(
        self,
        level: int = 3,
        spheres: int = 1,
        channels: int = 32,
        *,
        elements: int = 1,
        cutoff: float = 7.0,
        r_min: float = 1.0,
        contribution: str = "1/d",
        cutoff_function: str = "none",
        radial: str = "step",
        angular: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, autocast=False)
        self.level = check_level(level)
        self.spheres = check_positive("spheres", spheres)
        self.channels = check_positive("channels", channels)
        self.elements = check_positive("elements", elements)
        cutoff, r_min = check_number("cutoff", cutoff), check_number("r_min", r_min)
        if not 0 <= r_min < cutoff:
            raise InputError(f"expected 0 <= r_min < cutoff (in Å), not {r_min!r} and {cutoff!r}.")
        for name, value, known in (
            ("contribution", contribution, CONTRIBUTIONS),
            ("cutoff_function", cutoff_function, CUTOFFS),
            ("radial", radial, RADIAL),
            ("angular", angular, ANGULAR),
        ):
            if value not in known:
                raise InputError(f"{name} must be one of {', '.join(known)}, not {value!r}.")
        self.cutoff, self.r_min = cutoff, r_min
        self.contribution, self.cutoff_function = contribution, cutoff_function
        self.radial, self.angular = radial, angular

    def call(self, displacements, centre, species=None, num_atoms=None, training=None):
        """Map neighbours to feature maps."""
        owner = type(self).__name__
        num_atoms = checked_atoms(displacements, centre, species, num_atoms, self.elements, owner)
        known = whole_number(num_atoms) or 0
        numbers = known * math.prod(self.compute_output_shape()[1:])
        if numbers > _MOST_NUMBERS:
            raise InputError(
                f"{owner} makes {numbers:.3g} numbers of {known} atoms; at most "
                f"{_MOST_NUMBERS:.3g} are taken: map fewer atoms at once."
            )
        on_jax = keras.backend.backend() == "jax"
        features = self._sum_over_pairs if training and not on_jax else self._kernel()
        elements = () if species is None else (species,)
        features = features(ops.cast(displacements, "float32"), centre, num_atoms, *elements)
        return ops.cast(features, self.compute_dtype)

    def _fields(self):
        return {name: getattr(self, name) for name in _FIELDS}

    def _kernel(self):
        return _kernel_of(**self._fields())

    def _sum_over_pairs(self, displacements, centre, num_atoms, species=None):
        """The features, float32."""
        distance = norm(displacements)
        safe = ops.where(distance > 0, distance, 1.0)
        direction = displacements / safe[:, None]
        if self.angular == "linear":
            vertex, share = barycentric(direction, self.level)
        else:
            vertex, square = nearest_vertices(direction, self.level, neighbors=3)
            share = ops.cast(square <= square[:, :1] + _TIE, "float32")
            share = share / ops.sum(share, axis=1, keepdims=True)
        share = share * self._contribution(distance, safe)[:, None]

        vertices, width = num_vertices(self.level), self.elements * self.channels
        row = ops.cast(centre, "int32")[:, None] * vertices + vertex
        element = 0 if species is None else ops.cast(species, "int32") * self.channels
        parts = []
        for channel, part in self._radial(distance):
            column = channel // self.channels * width + element + channel % self.channels
            index = row * (self.spheres * width) + column[:, None]
            parts.append((share * part[:, None], index))
        values, index = (
            ops.concatenate([ops.reshape(part[side], (-1,)) for part in parts]) for side in (0, 1)
        )
        cells = num_atoms * (vertices * self.spheres * width)
        features = ops.segment_sum(values, index, num_segments=cells)
        return ops.reshape(features, (-1, vertices, self.spheres, width))

    def _contribution(self, distance, safe):
        """c(d), zero for padding and beyond the cutoff."""
        power = CONTRIBUTIONS.index(self.contribution)
        value = 1 / safe**power if power else ops.ones_like(safe)
        if self.cutoff_function != "none":
            width = self.cutoff if self.cutoff_function == "cosine" else _SWITCH
            phase = ops.clip((distance - self.cutoff) / width + 1, 0, 1)
            value = value * (1 + ops.cos(math.pi * phase)) / 2
        counts = ops.logical_and(distance > 0, distance <= self.cutoff + _ROUNDING)
        return ops.where(counts, value, 0.0)

    def _radial(self, distance):
        """Radial channels [pairs] int32 and the share [pairs] of each."""
        count = self.spheres * self.channels
        place = (distance - self.r_min) * (count / (self.cutoff - self.r_min))

        def limited(channel):
            return ops.clip(ops.cast(channel, "int32"), 0, count - 1)

        if self.radial == "step":
            channel = limited(ops.ceil(place - _ROUNDING) - 1)
            return [(channel, ops.ones_like(distance))]
        lower = ops.floor(place - 0.5)
        upper_share = place - 0.5 - lower
        return [(limited(lower), 1 - upper_share), (limited(lower + 1), upper_share)]

    def compute_output_shape(self, *_: Any, **__: Any) -> tuple[int | None, ...]:
        """[atoms, vertex, R, S * C]; the number of atoms does not follow from shapes.

        Keras asks for it without any shape in a summary, as the layer was not built from shapes.
        """
        return (None, num_vertices(self.level), self.spheres, self.elements * self.channels)

    def compute_output_spec(
        self, displacements, centre, species=None, num_atoms=None, training=None
    ):
        """Shape and dtype of the feature map."""
        shape = list(self.compute_output_shape())
        shape[0] = num_atoms if isinstance(num_atoms, int) else None
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        return {**config, **self._fields()}


@cache
def _kernel_of(**fields: Any):
    """The sum over pairs, one for all layers of a configuration.

    Compiled, the vertices' candidates never become an array.
    """
    return kernel(NeighborsToSpheres(**fields, name="kernel")._sum_over_pairs)

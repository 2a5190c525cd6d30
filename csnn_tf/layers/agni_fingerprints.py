"""AGNI fingerprints of atoms' neighbourhoods."""

from typing import Any

import keras
import numpy as np
from keras import ops

from csnn_tf.checks import check_number, check_positive
from csnn_tf.errors import InputError
from csnn_tf.layers.checks import checked_atoms
from csnn_tf.layers.normalize_points import norm
from csnn_tf.layers.smooth_cutoff import smooth_cutoff

INVARIANTS = ("scalar", "vector", "tensor")
_ROW, _COLUMN = (0, 0, 0, 1, 1, 2), (0, 1, 2, 1, 2, 2)


@keras.saving.register_keras_serializable(package="csnn_tf")
class AgniFingerprints(keras.layers.Layer):
    """Hand-crafted, rotation-invariant features of every atom's neighbours.

    With w_k(d) = exp(-d^2 / (2 sigma_k^2)) (1 + cos(pi d / cutoff)) / 2, for the neighbours of atom
    a at r, |r| = d, of each element by itself:

    S_k = sum w_k(d),   V_k = sum r / sigma_k w_k(d),   T_k = sum r r^T / sigma_k^2 w_k(d)

    The features are S_k, |V_k|, and of T_k the trace, the sum of the principal minors and the
    determinant. The constant before each sum that the literature has is left out: whoever
    standardises the features, as a network's input needs, divides by it anyway.

    Args:
        gaussians: K, number of widths sigma_k, which grow geometrically.
        elements: S, number of elements; each has features of its own.
        cutoff: Largest distance, Å.
        smallest, largest: First and last width, Å; None for the cutoff.
        invariants: "scalar" for S_k alone, "vector" for |V_k| too, "tensor" for all.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        displacements, centre, species, num_atoms: As of `NeighborsToSpheres`.

    Output: [atoms, S * K * n] with n = 1, 2 or 5 by `invariants`; an atom without neighbours gives
        zeros. Computed in float32 whatever the dtype policy.

    Raises:
        InputError: If an argument is out of range.

    Example:
        >>> layer = AgniFingerprints(gaussians=8)
        >>> layer(np.array([[1.4, 0, 0], [-1.4, 0, 0]]), np.array([0, 1]), num_atoms=2).shape
        TensorShape([2, 40])

    Source: Botu and Ramprasad, Phys. Rev. B 92, 094306 (2015); vector and tensor features for
        electronic structure: Chandrasekaran et al., npj Comput. Mater. 5, 22 (2019).
    """

    def __init__(
        self,
        gaussians: int = 16,
        *,
        elements: int = 1,
        cutoff: float = 7.0,
        smallest: float = 0.5,
        largest: float | None = None,
        invariants: str = "tensor",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, autocast=False)
        self.gaussians = check_positive("gaussians", gaussians)
        self.elements = check_positive("elements", elements)
        self.cutoff = check_number("cutoff", cutoff)
        self.smallest = check_number("smallest", smallest)
        self.largest = self.cutoff if largest is None else check_number("largest", largest)
        if not (self.cutoff > 0 and 0 < self.smallest < self.largest):
            raise InputError(
                "expected a positive cutoff and 0 < smallest < largest (in Å), not "
                f"{cutoff!r}, {smallest!r} and {largest!r}."
            )
        if invariants not in INVARIANTS:
            raise InputError(
                f"invariants must be one of {', '.join(INVARIANTS)}, not {invariants!r:.60}."
            )
        self.invariants = invariants

    @property
    def numbers_per_pair(self) -> int:
        """Components of the sums, of one neighbour."""
        return self.gaussians * (1, 4, 10)[INVARIANTS.index(self.invariants)]

    def call(self, displacements, centre, species=None, num_atoms=None):
        """Fingerprints of all atoms."""
        owner = type(self).__name__
        num_atoms = checked_atoms(displacements, centre, species, num_atoms, self.elements, owner)
        centre = ops.cast(centre, "int32")
        vectors = ops.cast(displacements, "float32")
        distance = norm(vectors)
        widths = np.geomspace(self.smallest, self.largest, self.gaussians).astype("float32")
        weight = ops.exp(-0.5 * ops.square(distance[:, None] / widths))
        weight = weight * smooth_cutoff(distance, self.cutoff)[:, None]

        degree = INVARIANTS.index(self.invariants)
        terms = [weight[:, :, None]]
        scaled = vectors[:, None, :] / widths[:, None]
        if degree > 0:
            terms.append(scaled * weight[:, :, None])
        if degree > 1:
            # By slices: a gather has no fast gradient, and none is needed.
            axes = [scaled[:, :, axis] for axis in range(3)]
            products = [axes[i] * axes[j] for i, j in zip(_ROW, _COLUMN, strict=True)]
            terms.append(ops.stack(products, axis=-1) * weight[:, :, None])
        segment = centre * self.elements
        if self.elements > 1:
            segment = segment + ops.cast(species, "int32")
        width = self.numbers_per_pair
        values = ops.reshape(ops.concatenate(terms, axis=-1), (-1, width))
        sums = ops.segment_sum(values, segment, num_segments=num_atoms * self.elements)
        sums = ops.reshape(sums, (-1, self.gaussians, width // self.gaussians))
        features = ops.reshape(_invariants(sums, degree), (-1, self._width()))
        return ops.cast(features, self.compute_dtype)

    def _width(self) -> int:
        return self.elements * self.gaussians * (1, 2, 5)[INVARIANTS.index(self.invariants)]

    def compute_output_shape(self, *_: Any, **__: Any) -> tuple[int | None, int]:
        """[atoms, S * K * n]; the number of atoms does not follow from shapes.

        Keras asks for it without any shape in a summary, as the layer was not built from shapes.
        """
        return (None, self._width())

    def compute_output_spec(self, displacements, centre, species=None, num_atoms=None):
        """Shape and dtype of the features."""
        atoms = num_atoms if isinstance(num_atoms, int) else None
        return keras.KerasTensor((atoms, self._width()), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        return {
            **config,
            "gaussians": self.gaussians,
            "elements": self.elements,
            "cutoff": self.cutoff,
            "smallest": self.smallest,
            "largest": self.largest,
            "invariants": self.invariants,
        }


def _invariants(sums, degree: int):
    """Invariants [n, K, 1, 2 or 5] of the sums [n, K, 1, 4 or 10]."""
    found = [sums[..., 0]]
    if degree > 0:
        found.append(norm(sums[..., 1:4]))
    if degree > 1:
        xx, xy, xz, yy, yz, zz = (sums[..., 4 + place] for place in range(6))
        minors = (yy * zz - yz * yz, xx * zz - xz * xz, xx * yy - xy * xy)
        # Not x + y + z: TensorFlow makes one operation of it, AddN, which begins with the summand
        # whose memory is free, and that changes from run to run.
        found.append(ops.sum(ops.stack([xx, yy, zz], axis=-1), axis=-1))
        found.append(ops.sum(ops.stack(minors, axis=-1), axis=-1))
        found.append(xx * minors[0] - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz))
    return ops.stack(found, axis=-1)

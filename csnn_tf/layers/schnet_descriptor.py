"""SchNet's features of atoms."""

from typing import Any

import keras
import numpy as np
from keras import ops

from csnn_tf.checks import check_number, check_positive
from csnn_tf.errors import InputError
from csnn_tf.layers.normalize_points import norm
from csnn_tf.layers.schnet_interaction import SchNetInteraction
from csnn_tf.layers.smooth_cutoff import smooth_cutoff


@keras.saving.register_keras_serializable(package="csnn_tf")
class SchNetDescriptor(keras.layers.Layer):
    """An embedding of every atom's element, then interaction blocks on distances alone.

    Distances d are expanded in exp(-(d - mu_g)^2 / (2 w^2)), G centres mu_g from 0 to the cutoff
    that are w apart.

    Args:
        filters: F, width of the features.
        interactions: Number of `SchNetInteraction` blocks.
        gaussians: G, number of Gaussians.
        elements: Number of elements.
        cutoff: Largest distance of a neighbour, Å; blocks together reach as many times further.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        displacements: [pairs, 3], Å, from the centre atom to its neighbour; zeros are padding.
        centre, neighbor: [pairs], indices of the two atoms.
        atoms: [A], index of each atom's element.

    Output: [A, F], invariant to rotations. Computed in float32 whatever the dtype policy.

    Raises:
        InputError: If an argument is out of range.

    Source: Schütt et al., "SchNet", NeurIPS 2017, with the cosine cutoff of its later versions.
    """

    def __init__(
        self,
        filters: int = 128,
        interactions: int = 6,
        *,
        gaussians: int = 50,
        elements: int = 1,
        cutoff: float = 7.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, autocast=False)
        self.filters = check_positive("filters", filters)
        self.interactions = check_positive("interactions", interactions)
        self.gaussians = check_positive("gaussians", gaussians)
        self.elements = check_positive("elements", elements)
        if self.gaussians < 2:
            raise InputError("gaussians must be at least 2.")
        self.cutoff = check_number("cutoff", cutoff)
        if self.cutoff <= 0:
            raise InputError(f"cutoff must be a positive distance in Å, not {cutoff!r}.")
        self.embedding = keras.layers.Embedding(
            self.elements, self.filters, name="embedding", dtype="float32"
        )
        self.blocks = [
            SchNetInteraction(self.filters, name=f"interaction{place}", dtype="float32")
            for place in range(self.interactions)
        ]

    def build(
        self,
        displacements_shape: tuple[int | None, ...] | None = None,
        centre_shape: tuple[int | None, ...] | None = None,
        neighbor_shape: tuple[int | None, ...] | None = None,
        atoms_shape: tuple[int | None, ...] | None = None,
    ) -> None:
        """Make the weights, whose shapes do not depend on the input's."""
        self.embedding.build((None,))
        for block in self.blocks:
            block.build((None, self.filters), (None, self.gaussians))

    def call(self, displacements, centre, neighbor, atoms):
        """Features of all atoms."""
        distance = norm(ops.cast(displacements, "float32"))
        width = self.cutoff / (self.gaussians - 1)
        centres = (np.arange(self.gaussians) * width).astype("float32")
        expanded = ops.exp(-0.5 * ops.square((distance[:, None] - centres) / width))
        cutoff = smooth_cutoff(distance, self.cutoff)
        features = self.embedding(ops.cast(atoms, "int32"))
        for block in self.blocks:
            features = block(features, expanded, cutoff, centre, neighbor)
        return ops.cast(features, self.compute_dtype)

    def compute_output_spec(self, displacements, centre, neighbor, atoms):
        """Shape and dtype of the features."""
        return keras.KerasTensor((atoms.shape[0], self.filters), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        return {
            **config,
            "filters": self.filters,
            "interactions": self.interactions,
            "gaussians": self.gaussians,
            "elements": self.elements,
            "cutoff": self.cutoff,
        }

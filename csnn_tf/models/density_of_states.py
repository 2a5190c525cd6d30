"""Density of states of atomic structures."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from csnn_tf.layers.neighbors_to_spheres import NeighborsToSpheres
from csnn_tf.models.atomic_dos_model import AtomicDosModel
from csnn_tf.models.backbone import ConcentricBackbone
from csnn_tf.models.dos_presets import DOS_PRESETS
from csnn_tf.models.policy import dtype_policy


@keras.saving.register_keras_serializable(package="csnn_tf")
class DensityOfStates(AtomicDosModel):
    """Neighbourhoods of atoms -> DOS of each atom -> mean over a structure's atoms.

    Each atom's neighbours become a feature map (`NeighborsToSpheres`), the backbone makes a
    descriptor of it, and the head (see `AtomicDosModel`) gives that atom's DOS. All weights are in
    `network`, the Keras model from feature maps to the DOS of atoms.

    Args:
        elements: Chemical symbols that the model knows.
        energies: [bins], eV from the vacuum level, evenly spaced.
        electrons: Electrons of an atom, a number or one by chemical symbol, or None if unknown;
            Fermi level and band energy need them.
        level, spheres, channels, cutoff, r_min, contribution, cutoff_function, radial, angular: See
            `NeighborsToSpheres`.
        intra_filters, intra_layers, co_radial_filters, co_radial_layers, kernel_size, pooling,
            descriptor, early_reduction: See `ConcentricBackbone`.
        hidden: Widths of the hidden dense layers.
        **kwargs: Arguments of `keras.Model`.

    Input: a dictionary of what `csnn_tf.data.environments.Environments` gathers:
        "displacements" [pairs, 3] Å, "centre" [pairs] and "species" [pairs] as in
        `NeighborsToSpheres`; "atoms" [A], index of each atom's element; "counts" [S], atoms of each
        structure, whose atoms come one structure after the other. Atoms beyond the sum of the
        counts are padding.
    Output: DOS [S, bins] in states/eV/atom, both spins; the mean of each structure's atoms.

    Raises:
        InputError: If the arguments do not fit together.

    Example:
        >>> model = DensityOfStates.from_preset("tiny", ["C"], np.linspace(-30, 1, 311), {"C": 4})
        >>> model.count_params()
        29599

    Source: section IV-B and figure 6 of the CSNN paper.
    """

    presets = DOS_PRESETS

    def __init__(
        self,
        elements: Sequence[str],
        energies: Sequence[float],
        electrons: float | Mapping[str, float] | None = None,
        *,
        level: int = 3,
        spheres: int = 1,
        channels: int = 32,
        cutoff: float = 7.0,
        r_min: float = 1.0,
        contribution: str = "1/d",
        cutoff_function: str = "none",
        radial: str = "step",
        angular: str = "nearest",
        intra_filters: Sequence[int] = (32, 64, 128, 256),
        intra_layers: Sequence[int] = (2, 2, 2, 1),
        co_radial_filters: Sequence[int] = (64, 128, 256, 512),
        co_radial_layers: Sequence[int] = (2, 2, 2, 1),
        kernel_size: int = 1,
        pooling: str = "mean",
        descriptor: str = "last",
        early_reduction: bool = True,
        hidden: Sequence[int] = (512, 512),
        **kwargs: Any,
    ) -> None:
        super().__init__(elements, energies, electrons, hidden, **kwargs)
        with dtype_policy(self.dtype_policy):
            self.to_spheres = NeighborsToSpheres(
                level,
                spheres,
                channels,
                elements=len(self.elements),
                cutoff=cutoff,
                r_min=r_min,
                contribution=contribution,
                cutoff_function=cutoff_function,
                radial=radial,
                angular=angular,
                name="to_spheres",
            )
            self.backbone = ConcentricBackbone(
                level=level,
                spheres=spheres,
                channels=len(self.elements) * channels,
                intra_filters=intra_filters,
                intra_layers=intra_layers,
                co_radial_filters=co_radial_filters,
                co_radial_layers=co_radial_layers,
                kernel_size=kernel_size,
                pooling=pooling,
                descriptor=descriptor,
                early_reduction=early_reduction,
                name="backbone",
            )
            maps = keras.Input(self.backbone.input_shape[1:], name="spheres")
            self._make_network(maps, self.backbone(maps))

    @property
    def cutoff(self) -> float:
        """Largest distance of a neighbour that counts, Å."""
        return self.to_spheres.cutoff

    @property
    def numbers_per_atom(self) -> int:
        """Size of the largest feature map of one atom."""
        return self.backbone.largest_map

    def _descriptor(self, inputs, num_atoms, training):
        """Feature maps, which `network` turns into descriptors."""
        return self.to_spheres(
            inputs["displacements"],
            inputs["centre"],
            inputs["species"],
            num_atoms=num_atoms,
            training=training,
        )

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        mapping, hierarchy = self.to_spheres.get_config(), self.backbone.get_config()
        known = {**hierarchy, **mapping}
        return {**self._kept(known), **super().get_config()}

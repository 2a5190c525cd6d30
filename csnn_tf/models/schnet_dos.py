"""Baseline of Table II: SchNet."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from csnn_tf.checks import check_between, check_positive
from csnn_tf.layers.schnet_descriptor import SchNetDescriptor
from csnn_tf.models.atomic_dos_model import AtomicDosModel, neighbors_within
from csnn_tf.models.limits import MOST_LAYERS, check_weights
from csnn_tf.models.policy import dtype_policy
from csnn_tf.named import NamedConfigurations


@keras.saving.register_keras_serializable(package="csnn_tf")
class SchNetDensityOfStates(AtomicDosModel):
    """Messages between atoms -> DOS of each atom -> mean over a structure's atoms.

    The descriptor of each atom (`SchNetDescriptor`) goes into the head that `DensityOfStates` has
    too.

    Args:
        elements, energies, electrons, hidden: See `AtomicDosModel`, as for input and output.
        filters, interactions, gaussians, cutoff: See `SchNetDescriptor`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        InputError: If the arguments do not fit together.

    Example:
        >>> model = SchNetDensityOfStates.from_preset("tiny", ["C"], np.linspace(-30, 1, 311))
        >>> model.count_params()
        25519

    Source: Table II of the CSNN paper; its reference 35.
    """

    presets = NamedConfigurations("csnn_tf.models", "schnet_presets.json", "preset")
    passes_messages = True
    rotation_invariant = True

    def __init__(
        self,
        elements: Sequence[str],
        energies: Sequence[float],
        electrons: float | Mapping[str, float] | None = None,
        *,
        filters: int = 128,
        interactions: int = 6,
        gaussians: int = 50,
        cutoff: float = 7.0,
        hidden: Sequence[int] = (512, 512),
        **kwargs: Any,
    ) -> None:
        super().__init__(elements, energies, electrons, hidden, **kwargs)
        check_between("interactions", interactions, 1, MOST_LAYERS)
        rows = check_positive("gaussians", gaussians) + 4 * check_positive("filters", filters)
        check_weights((interactions * rows, filters))
        with dtype_policy(self.dtype_policy):
            self.descriptor = SchNetDescriptor(
                filters,
                interactions,
                gaussians=gaussians,
                elements=len(self.elements),
                cutoff=cutoff,
                name="descriptor",
            )
            self.descriptor.build()
            features = keras.Input((self.descriptor.filters,), name="features")
            self._make_network(features, features)

    @property
    def cutoff(self) -> float:
        """Largest distance of a neighbour that counts, Å."""
        return self.descriptor.cutoff

    @property
    def numbers_per_atom(self) -> int:
        """About the numbers that the neighbours of one atom become."""
        return neighbors_within(self.cutoff) * max(
            self.descriptor.filters, self.descriptor.gaussians
        )

    def _descriptor(self, inputs, num_atoms, training):
        """Features after all messages."""
        return self.descriptor(
            inputs["displacements"], inputs["centre"], inputs["neighbor"], inputs["atoms"]
        )

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**self._kept(self.descriptor.get_config()), **super().get_config()}

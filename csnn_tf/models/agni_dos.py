"""Baseline of Table II: AGNI fingerprints and a dense network."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from csnn_tf.layers import BatchNormalization
from csnn_tf.layers.agni_fingerprints import AgniFingerprints
from csnn_tf.models.atomic_dos_model import AtomicDosModel, neighbors_within
from csnn_tf.models.limits import check_weights
from csnn_tf.models.policy import dtype_policy
from csnn_tf.named import NamedConfigurations

if TYPE_CHECKING:
    from csnn_tf.data.environments import Environments

_ATOMS_TO_ADAPT = 8192
_ATOMS_AT_ONCE = 256


@keras.saving.register_keras_serializable(package="csnn_tf", name="Standardise")
class _Standardise(BatchNormalization):
    """By the statistics that `adapt` has set, also where a model's layers are made trainable."""

    def call(self, inputs, training: bool | None = None, mask=None):
        """Normalise as in inference."""
        return super().call(inputs, training=False, mask=mask)


_Standardise.__name__ = "BatchNormalization"  # where Keras's files hold the statistics


@keras.saving.register_keras_serializable(package="csnn_tf")
class AgniDensityOfStates(AtomicDosModel):
    """Hand-crafted fingerprint of each atom -> DOS of each atom -> mean over a structure's atoms.

    The fingerprints (`AgniFingerprints`) are standardised by the training set's mean and standard
    deviation (`adapt`) and go into the head that `DensityOfStates` has too.

    Args:
        elements, energies, electrons, hidden: See `AtomicDosModel`, as for input and output.
        gaussians, cutoff, smallest, largest, invariants: See `AgniFingerprints`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        InputError: If the arguments do not fit together.

    Example:
        >>> model = AgniDensityOfStates.from_preset("tiny", ["C"], np.linspace(-30, 1, 311))
        >>> model.count_params()
        24431

    Source: Table II of the CSNN paper; its references 27, 33 and 34.
    """

    presets = NamedConfigurations("csnn_tf.models", "agni_presets.json", "preset")
    rotation_invariant = True

    def __init__(
        self,
        elements: Sequence[str],
        energies: Sequence[float],
        electrons: float | Mapping[str, float] | None = None,
        *,
        gaussians: int = 16,
        cutoff: float = 7.0,
        smallest: float = 0.5,
        largest: float | None = None,
        invariants: str = "tensor",
        hidden: Sequence[int] = (458, 458),
        **kwargs: Any,
    ) -> None:
        super().__init__(elements, energies, electrons, hidden, **kwargs)
        with dtype_policy(self.dtype_policy):
            # A crystal's fingerprints differ from their means by less than 16 bits tell apart.
            exact = {"dtype": "float32"}
            self.fingerprints = AgniFingerprints(
                gaussians,
                elements=len(self.elements),
                cutoff=cutoff,
                smallest=smallest,
                largest=largest,
                invariants=invariants,
                name="fingerprints",
                **exact,
            )
            (_, width) = self.fingerprints.compute_output_shape((None, 3))
            check_weights((width, *self.hidden, len(self.energies)))
            features = keras.Input((width,), name="features")
            # Wide Gaussians of a crystal hardly vary: the variance must not drown in epsilon.
            standardise = _Standardise(
                epsilon=1e-9,
                center=False,
                scale=False,
                trainable=False,
                name="standardise",
                **exact,
            )
            self._make_network(features, standardise(features))

    @property
    def cutoff(self) -> float:
        """Largest distance of a neighbour that counts, Å."""
        return self.fingerprints.cutoff

    @property
    def numbers_per_atom(self) -> int:
        """About the numbers that the neighbours of one atom become."""
        return neighbors_within(self.cutoff) * self.fingerprints.numbers_per_pair

    def adapt(self, environments: "Environments") -> None:
        """Standardise by the fingerprints of some 8192 atoms, spread over the structures."""
        total = int(environments.counts.sum())
        count = total // max(total // _ATOMS_TO_ADAPT, 1)
        # One atom of each of as many equal stretches, drawn: every n-th could always be the first
        # of a structure, of the same element.
        drawn = np.random.default_rng(0).uniform(size=count)
        atoms = ((np.arange(count) + drawn) * (total / count)).astype(np.int64)
        found = []
        for first in range(0, count, _ATOMS_AT_ONCE):
            parts = [
                environments.of_atoms(atom, atom + 1)
                for atom in atoms[first : first + _ATOMS_AT_ONCE]
            ]
            batch = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            pairs = [len(part["centre"]) for part in parts]
            batch["centre"] = np.repeat(np.arange(len(parts), dtype=np.int32), pairs)
            found.append(ops.convert_to_numpy(self._descriptor(batch, len(parts), False)))
        features = np.concatenate(found).astype(np.float64)
        norm = self.network.get_layer("standardise")
        norm.moving_mean.assign(features.mean(axis=0))
        norm.moving_variance.assign(features.var(axis=0))

    def _descriptor(self, inputs, num_atoms, training):
        """Fingerprints, not standardised yet."""
        return self.fingerprints(
            inputs["displacements"], inputs["centre"], inputs["species"], num_atoms=num_atoms
        )

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**self._kept(self.fingerprints.get_config()), **super().get_config()}

"""Errors on held-out structures during training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from csnn_tf.data.environments import Environments
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.electronic import dos_report
from csnn_tf.training.dos_data import reference

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet
    from csnn_tf.losses import DosLoss
    from csnn_tf.models.atomic_dos_model import AtomicDosModel


class DosValidation:
    """Loss, DOS error and band-energy error on held-out structures as they stand in the data.

    Args:
        model: The model in training.
        structures: With DOS on the model's bins.
        loss: The loss of the training.
    """

    def __init__(self, model: AtomicDosModel, structures: StructureSet, loss: DosLoss) -> None:
        self.structures, self.loss = structures, loss
        self.environments = Environments.find(structures, model.elements, model.cutoff)
        self.predictor = DosPredictor(model)

    def __call__(self) -> dict[str, float]:
        """val_loss; val_dos, RMSE in states/eV/atom; val_band, mean absolute error in eV/atom."""
        held = self.structures
        atomic = self.predictor.atomic_dos(self.environments)
        dos = np.add.reduceat(atomic, held.offsets, axis=0, dtype=np.float64)
        dos = (dos / held.counts[:, None]).astype(np.float32)
        losses = self.loss.call(reference(held), dos)
        row = {"val_loss": float(np.mean(keras.ops.convert_to_numpy(losses)))}
        if np.isfinite(held.electrons).all():
            one = np.zeros(len(held), int)  # type: only what is overall counts here
            errors = dos_report(held.energies, held.dos, dos, held.electrons, one).overall
            return {**row, "val_dos": errors.dos_rmse, "val_band": errors.band_energy_mae}
        return {**row, "val_dos": float(np.sqrt(np.mean((dos - held.dos) ** 2)))}

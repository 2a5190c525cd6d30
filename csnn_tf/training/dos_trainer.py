"""The training run of the density-of-states model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from csnn_tf.data.batches import BatchPlan
from csnn_tf.data.dos_batches import dos_batches
from csnn_tf.data.environments import Environments
from csnn_tf.errors import InputError
from csnn_tf.layers import compiled_kernels
from csnn_tf.losses import DosLoss
from csnn_tf.models.density_of_states import DensityOfStates
from csnn_tf.models.dos_presets import dos_preset
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_data import electrons_by_element, elements_of, training_parts
from csnn_tf.training.dos_validation import DosValidation, by_loss
from csnn_tf.training.epoch_end import EpochEnd
from csnn_tf.training.run_folder import RunFolder, versions
from csnn_tf.training.schedules import Plateau, make_optimizer

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet


def train_dos(
    config: DosConfig,
    structures: StructureSet,
    out: str | Path,
    *,
    callbacks: list[keras.callbacks.Callback] | None = None,
) -> RunFolder:
    """Train a density-of-states model and leave a run folder.

    Args:
        config: What to train and how.
        structures: With DOS. Their splits "train" and "val" are used where there; structures of
            the split "test" never are.
        out: Run folder, which must not hold anything yet.
        callbacks: Further Keras callbacks, for example to show progress.

    Returns:
        The run folder. `best.keras` is the model of the epoch with the lowest loss on the held-out
        structures, `last.keras` that of the last epoch.

    Raises:
        InputError: If the configuration does not fit the data or the folder is in use.
    """
    keras.utils.set_random_seed(config.seed)
    training, held_out = training_parts(structures, config.validation, config.seed)
    model = DensityOfStates(
        elements_of(structures),
        structures.energies,
        electrons_by_element(structures),
        **dos_preset(config.preset, **config.model),
    )
    model.start_from(training.dos)
    loss = make_loss(config, model, training)
    environments = Environments.find(training, model.elements, model.cutoff)
    plan = BatchPlan(len(training), min(config.batch_size, len(training)), config.seed)
    batches = dos_batches(
        environments, training.dos, plan, rotate=config.rotate, epochs=config.epochs
    )
    run = RunFolder.create(out)
    run.write_json("config.json", {**config.to_dict(), "elements": list(model.elements)})
    run.write_json("versions.json", versions())
    trained = _WithOptimizer(model)
    trained.compile(
        optimizer=make_optimizer(config, plan.steps),
        loss=loss,
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    plateau = Plateau(patience=config.patience, threshold=config.threshold)
    ending = EpochEnd(
        model,
        run,
        DosValidation(model, held_out, loss) if held_out is not None else None,
        plateau if config.schedule == "plateau" else None,
        config.min_learning_rate,
        by_loss,
    )
    first_settled = config.epochs - round(config.settle * config.epochs)
    with compiled_kernels():
        trained.fit(
            batches,
            steps_per_epoch=plan.steps,
            epochs=config.epochs,
            callbacks=[_Settle(first_settled), ending, *(callbacks or [])],
            verbose=0,
            shuffle=False,
        )
    return run


def make_loss(config: DosConfig, model: DensityOfStates, training: StructureSet) -> DosLoss:
    """The loss of a configuration.

    Raises:
        InputError: If a term needs an electron count that the structures do not share.
    """
    electrons = None
    if config.fermi_weight or config.band_weight:
        counts = np.unique(training.electrons)
        if len(counts) != 1 or not np.isfinite(counts[0]):
            raise InputError(
                "fermi_weight and band_weight need one electron count per atom that all "
                "structures share."
            )
        electrons = float(counts[0])
    return DosLoss(
        alpha=config.alpha,
        bin_width=model.bin_width,
        fermi_weight=config.fermi_weight,
        band_weight=config.band_weight,
        first_energy=model.energies[0],
        electrons=electrons,
    )


class _WithOptimizer(keras.Model):
    """Carries the optimiser, which so stays out of the saved model."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name="training")
        self.model = model
        self.settled = False
        self.built = True

    def call(self, inputs, training=None):
        return self.model(inputs, training=training and not self.settled)


class _Settle(keras.callbacks.Callback):
    """From an epoch on, batch normalisation uses the running statistics that it will predict with.

    A batch holds few structures, so its statistics tell which ones: noise that hides details of
    the DOS, and that prediction does not have.
    """

    def __init__(self, first_epoch: int) -> None:
        super().__init__()
        self.first_epoch = first_epoch

    def on_epoch_begin(self, epoch, logs=None):
        """Switch and trace the step anew."""
        if epoch >= self.first_epoch and not self.model.settled:
            self.model.settled = True
            self.model.make_train_function(force=True)

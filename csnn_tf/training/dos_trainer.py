"""The training run of the density-of-states model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from csnn_tf.data.atoms.fingerprint import fingerprint
from csnn_tf.data.atoms.structure_set import check_structures
from csnn_tf.data.batches import BatchPlan
from csnn_tf.data.dos_batches import dos_batches
from csnn_tf.data.environments import Environments
from csnn_tf.errors import InputError
from csnn_tf.layers import compiled_kernels
from csnn_tf.losses import DosLoss
from csnn_tf.models.atomic_dos_model import AtomicDosModel
from csnn_tf.models.dos_architectures import dos_architecture
from csnn_tf.training.best_epoch import REFINING
from csnn_tf.training.checkpoint import CHECKPOINT, Checkpoint
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_data import (
    check_held_out,
    electrons_by_element,
    elements_of,
    reference,
    training_parts,
    with_electrons,
)
from csnn_tf.training.dos_initial import mapping_fields, restart_lost_bins, take_dos_weights
from csnn_tf.training.dos_validation import DosValidation
from csnn_tf.training.epoch_end import EpochEnd
from csnn_tf.training.finite_loss import FiniteLoss
from csnn_tf.training.run_folder import CONTENTS, RunFolder, versions
from csnn_tf.training.schedules import Plateau, make_optimizer
from csnn_tf.training.trained_fields import begun_fields

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet


def train_dos(
    config: DosConfig,
    structures: StructureSet,
    out: str | Path,
    *,
    resume: bool = False,
    callbacks: list[keras.callbacks.Callback] | None = None,
) -> RunFolder:
    """Train a density-of-states model and leave a run folder.

    So that runs can be repeated, `config.seed` becomes the seed of the global random generators of
    Python, NumPy, Keras and the backend, and stays it afterwards.

    Args:
        config: What to train and how. Its `data`, and how that was read, is only recorded.
        structures: With DOS. Their splits "train" and "val" are used where there; structures of
            the split "test" never are.
        out: Run folder, which must not hold anything yet.
        resume: Go on with the run that stopped in `out`, from its last finished epoch. It ends with
            the weights, to the bit, of a run that was never stopped. Of the configuration only
            `epochs` (config.json says then which) and the place of the data may be others.
        callbacks: Further Keras callbacks, for example to show progress. Their `model` is the
            network inside the trained model. A run that one of them stops is not at its end:
            `resume` goes on with it.

    Returns:
        The run folder. `best.keras` is the model of the epoch with the lowest loss on the held-out
        structures; where none are, that with the lowest in training, of the epochs that refine if
        there are some. `last.keras` is that of the last epoch.

    Raises:
        InputError: If the configuration does not fit the data, the folder is in use, or the run
            that goes on was begun with another configuration or with other structures.
    """
    if not isinstance(config, DosConfig):
        raise InputError(f"config must be a DosConfig, not a {type(config).__name__}.")
    check_structures(structures)
    with ExitStack() as locks:
        return _train(config, structures, Path(out), resume, callbacks or [], locks)


def _train(
    config: DosConfig,
    structures: StructureSet,
    out: Path,
    resume: bool,
    callbacks: list[keras.callbacks.Callback],
    locks: ExitStack,
) -> RunFolder:
    """See `train_dos`; `locks` holds the run folder from when it is first looked at."""
    if resume:
        run = RunFolder.begun(out)
        locks.enter_context(run.locked())
        config.check_goes_on(out)
        run.check_contents(fingerprint(structures))
    goes_on = resume and (out / CHECKPOINT).exists()
    keras.utils.set_random_seed(config.seed)
    training, held_out = training_parts(structures, config.validation, config.seed)
    check_held_out(training, held_out)
    training = with_electrons(training, config.electrons)
    if held_out is not None:
        held_out = with_electrons(held_out, config.electrons)
    kind = dos_architecture(config.architecture)
    fields = begun_fields(run.last, kind, config.model) if goes_on else mapping_fields(config, kind)
    model = kind.from_preset(
        config.preset,
        elements_of(training),
        training.energies,
        electrons_by_element(training, config.electrons),
        **fields,
    )
    loss = make_loss(config, model)
    environments = Environments.find(training, model.elements, model.cutoff)
    begun = None
    if config.initial is None:
        model.start_from(training.dos)
        model.adapt(environments)
    elif not goes_on:
        take_dos_weights(model, config.initial)
        begun = {"bins_set_anew": restart_lost_bins(model, environments, training.dos)}
    plan = BatchPlan(
        len(training),
        min(config.batch_size, len(training)),
        config.seed,
        _numbered(training.types) if config.stratified else None,
    )
    if not resume:
        with ExitStack() as beginning:
            run = RunFolder.create(out, beginning)
            recorded = {"elements": list(model.elements), CONTENTS: fingerprint(structures)}
            run.write_json("config.json", {**config.to_dict(), **recorded})
            run.write_json("versions.json", versions())
            locks.enter_context(run.locked())
    plain = dataclasses.replace(config, fermi_weight=0.0, band_weight=0.0)
    trained = _Training(model, make_loss(plain if config.refine else config, model), loss)
    trained.compile(
        optimizer=make_optimizer(config, plan.steps),
        loss=trained.loss_of,
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    # Were its variables made in the first step, TensorFlow would trace that step twice.
    trained.optimizer.build(trained.trainable_variables)
    plateau = Plateau(patience=config.patience, threshold=config.threshold)
    ending = EpochEnd(
        model,
        run,
        DosValidation(model, held_out, loss) if held_out is not None else None,
        plateau if config.schedule == "plateau" else None,
        config.min_learning_rate,
        begun,
    )
    checkpoint = Checkpoint(run.path / CHECKPOINT, ending)
    first = checkpoint.restore(trained) if goes_on else 0
    if first >= config.epochs or ending.finished:
        return run
    if resume:
        locks.enter_context(run.record_epochs(config.epochs))
    if first:
        run.mark_resumed(first + 1)
    batches = dos_batches(
        environments,
        reference(training),
        plan,
        rotate=config.rotate and not model.rotation_invariant,
        epochs=config.epochs,
        first_epoch=first,
    )
    first_refined = config.epochs - refined_epochs(config.refine, config.epochs)
    with compiled_kernels():
        trained.fit(
            batches,
            steps_per_epoch=plan.steps,
            initial_epoch=first,
            epochs=config.epochs,
            callbacks=[
                FiniteLoss(plan, training.names),
                _Refine(first_refined, recorded=bool(config.refine) and held_out is None),
                ending,
                checkpoint,
                *callbacks,
            ],
            verbose=0,
            shuffle=False,
        )
    return run


def refined_epochs(share: float, epochs: int) -> int:
    """Epochs that refine: a share of all, at least one unless the share is 0."""
    return max(round(share * epochs), 1) if share else 0


def make_loss(config: DosConfig, model: AtomicDosModel) -> DosLoss:
    """The loss of a configuration."""
    return DosLoss(
        alpha=config.alpha,
        bin_width=model.bin_width,
        fermi_weight=config.fermi_weight,
        band_weight=config.band_weight,
        first_energy=model.energies[0],
    )


def _numbered(types: Sequence[str]) -> tuple[int, ...]:
    """A number for every structure's type."""
    return tuple(np.unique(types, return_inverse=True)[1].tolist())


class _Training(keras.Model):
    """Carries the optimiser, which so stays out of the saved model, and the stage of the run.

    Args:
        model: The model to train.
        first: Loss of each structure before the refinement.
        refined: That of the refinement.
    """

    def __init__(self, model: keras.Model, first: DosLoss, refined: DosLoss) -> None:
        super().__init__(name="training")
        self.model, self.first, self.refined = model, first, refined
        self.refining = False
        self.built = True

    def call(self, inputs, training=None):
        """DOS [S, bins]; refining, with the running statistics as in prediction."""
        return self.model(inputs, training=training and not self.refining)

    def loss_of(self, y_true, y_pred):
        """Loss [S] of the present stage."""
        return (self.refined if self.refining else self.first).call(y_true, y_pred)


class _Refine(keras.callbacks.Callback):
    """Changes to the refinement at an epoch.

    A batch holds few structures, so its statistics tell which ones: noise that hides details of
    the DOS, and that prediction does not have. The terms of Fermi level and band energy would,
    early in a run, be so large that the DOS itself were not learned.

    Args:
        first_epoch: The epoch.
        recorded: Whether the history says which epochs refine.
    """

    def __init__(self, first_epoch: int, *, recorded: bool) -> None:
        super().__init__()
        self.first_epoch, self.recorded = first_epoch, recorded

    def on_epoch_begin(self, epoch, logs=None):
        """Switch and trace the step anew."""
        if epoch >= self.first_epoch and not self.model.refining:
            self.model.refining = True
            self.model.make_train_function(force=True)

    def on_epoch_end(self, epoch, logs=None):
        """Say which stage it was."""
        if self.recorded:
            logs[REFINING] = float(self.model.refining)

"""The training run of the classifier."""

from contextlib import ExitStack
from pathlib import Path

import keras

from csnn_tf.data.augmenter import Augmenter
from csnn_tf.data.batches import BatchPlan
from csnn_tf.data.fingerprint import fingerprint
from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.pipeline import Prepare, training_batches
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.data.sources import make_source
from csnn_tf.errors import InputError
from csnn_tf.layers import NormalizePoints, compiled_kernels
from csnn_tf.models import CloudClassifier
from csnn_tf.models.architectures import ARCHITECTURES, architecture
from csnn_tf.models.loading import load_model
from csnn_tf.models.transfer import take_weights
from csnn_tf.training.checkpoint import CHECKPOINT, Checkpoint
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.distribution import Distribution
from csnn_tf.training.epoch_end import EpochEnd
from csnn_tf.training.finite_loss import FiniteLoss
from csnn_tf.training.run_folder import CONTENTS, RunFolder, versions
from csnn_tf.training.schedules import Plateau, make_optimizer
from csnn_tf.training.shape_parts import training_parts
from csnn_tf.training.silent_run import SilentRun
from csnn_tf.training.tensorboard_log import TensorBoardLog
from csnn_tf.training.trained_fields import begun_fields, trained_fields
from csnn_tf.training.training_network import training_network
from csnn_tf.training.validation import Validation

_KEPT = 4
"""Times as many points of a cloud are kept to draw from as are drawn: bounds a source's memory."""


def train(
    config: TrainingConfig,
    shapes: ShapeSet | MeshSet,
    out: str | Path,
    *,
    resume: bool = False,
    callbacks: list[keras.callbacks.Callback] | None = None,
    distribution: Distribution | None = None,
) -> RunFolder:
    """Train a classifier and leave a run folder.

    So that runs can be repeated, `config.seed` becomes the seed of the global random generators of
    Python, NumPy, Keras and the backend, and stays it afterwards.

    Args:
        config: What to train and how.
        shapes: Labelled clouds or meshes; the part held out to choose the epoch is taken from
            these. Clouds may have more points than `config.num_points`, see `config.resample`, or
            fewer, which are then repeated.
        out: Run folder, which must not hold anything yet.
        resume: Go on with the run that stopped in `out`, from its last finished epoch. It ends with
            the weights, to the bit, of a run that was never stopped. Of the configuration only
            `epochs` (config.json says then which) and the place of the data may be others.
        callbacks: Further Keras callbacks, for example to show progress. Their `model` is the
            network inside the trained model. A run that one of them stops is not at its end:
            `resume` goes on with it.
        distribution: This process's part, inside `csnn_tf.training.distribution.distributed`.

    Returns:
        The run folder. `best.keras` is the model of the epoch with the best accuracy on the
        held-out shapes (the lower loss among equals), `last.keras` that of the last epoch.

    Raises:
        InputError: If the configuration does not fit the data, the folder is in use, also by
            another process, or the run that goes on was begun with another configuration or with
            other shapes.
    """
    if not isinstance(config, TrainingConfig):
        raise InputError(f"config must be a TrainingConfig, not a {type(config).__name__}.")
    if not isinstance(shapes, ShapeSet | MeshSet):
        raise InputError(f"shapes must be a ShapeSet or a MeshSet, not a {type(shapes).__name__}.")
    part = distribution or Distribution()
    with ExitStack() as locks:
        return _train(config, shapes, Path(out), resume, callbacks or [], part, locks)


def _train(
    config: TrainingConfig,
    shapes: ShapeSet | MeshSet,
    out: Path,
    resume: bool,
    callbacks: list[keras.callbacks.Callback],
    part: Distribution,
    locks: ExitStack,
) -> RunFolder:
    """See `train`; `locks` holds the run folder from when it is first looked at."""
    run = SilentRun(out)
    if resume and part.writes:
        run = RunFolder.begun(out)
        locks.enter_context(run.locked())
        config.check_goes_on(out)
        run.check_contents(fingerprint(shapes))
    goes_on = resume and (out / CHECKPOINT).exists()
    kind, trained = architecture(config.architecture), None
    if config.initial is not None and not goes_on:
        trained = load_model(config.initial, kind)
    # Only now, so that a run that goes on without the trained model draws the same.
    keras.utils.set_random_seed(config.seed)
    model = kind.from_preset(
        config.preset,
        class_names=shapes.class_names,
        dtype="mixed_bfloat16" if config.mixed_precision else None,
        **(begun_fields(run.last, kind, config.model) if goes_on else config.model),
    )
    if trained is not None:
        _take_weights(model, trained, config)
    training, held_out = training_parts(shapes, config.validation, config.seed)
    if not resume:
        _check_resample(config, training)
    plan = BatchPlan(len(training), min(config.batch_size, len(training)), config.seed)
    kept = config.num_points * (_KEPT if config.resample else 1)
    source = make_source(training, config.num_points, config.seed, kept)
    rows = part.rows(plan.batch_size)
    if not resume:
        with ExitStack() as beginning:
            if part.writes:
                run = RunFolder.create(out, beginning)
            recorded = {"classes": list(shapes.class_names), CONTENTS: fingerprint(shapes)}
            run.write_json("config.json", {**config.to_dict(), **recorded})
            run.write_json("versions.json", versions())
            locks.enter_context(run.locked())
    network = training_network(
        model.network, make_optimizer(config, plan.steps), config.label_smoothing
    )
    ending = EpochEnd(
        model,
        run,
        Validation(model, held_out, config) if held_out is not None else None,
        Plateau() if config.schedule == "plateau" else None,
        config.min_learning_rate,
        # Of other classes it says nothing about these.
        {} if trained is not None and _same_classes(model, trained) else None,
    )
    for callback in callbacks:
        if isinstance(callback, TensorBoardLog):
            callback.validation = ending.validate
    checkpoint = Checkpoint(run.path / CHECKPOINT, ending, writes=part.writes)
    first = checkpoint.restore(network) if goes_on else 0
    if first >= config.epochs or ending.finished:
        return run
    if resume:
        locks.enter_context(run.record_epochs(config.epochs))
    if first:
        run.mark_resumed(first + 1)
    batches = training_batches(
        source,
        preparation(config, model, rows),
        plan,
        epochs=config.epochs,
        first_epoch=first,
        rows=rows,
    )
    finite = FiniteLoss(plan, training.names)
    with compiled_kernels(not network.jit_compile):
        network.fit(
            batches,
            steps_per_epoch=plan.steps,
            initial_epoch=first,
            epochs=config.epochs,
            callbacks=[finite, ending, checkpoint, *callbacks],
            verbose=0,
            shuffle=False,
        )
    return run


def _take_weights(model: CloudClassifier, trained: CloudClassifier, config: TrainingConfig) -> None:
    """Begin with a trained model's weights, or raise `InputError`."""
    try:
        take_weights(model, trained)
    except InputError as error:
        initial = str(config.initial)
        preset = trained_fields(initial, CloudClassifier, ARCHITECTURES)["preset"]
        if preset == config.preset:
            raise
        raise InputError(
            f"{error} The trained model is of the preset {preset}, not {config.preset}: "
            "TrainingConfig.from_recipe(..., initial=...) takes its fields."
        ) from None


def _same_classes(model: CloudClassifier, trained: CloudClassifier) -> bool:
    return set(model.class_names or ()) == set(trained.class_names or ())


def _check_resample(config: TrainingConfig, shapes: ShapeSet | MeshSet) -> None:
    """Raise `InputError` if points of training shapes are to be drawn anew and none has more."""
    if not config.resample or isinstance(shapes, MeshSet):
        return
    most = max(map(len, shapes.clouds))
    if most <= config.num_points:
        raise InputError(
            f"resample=true has nothing to draw from: the largest cloud to train on has {most} "
            f"points, and num_points is {config.num_points}."
        )


def preparation(
    config: TrainingConfig, model: CloudClassifier, rows: slice = slice(None)
) -> Prepare:
    """What turns a batch of clouds into the network's input: normalised, augmented, mapped.

    Args:
        config: Says which augmentations.
        model: Says what its network takes; CSNN's takes spheres.
        rows: The rows of the batch that are wanted. What they become depends on the whole batch's
            seed alone, not on who else computes the others.
    """
    normalize = NormalizePoints(center=model.centred, scale=model.unit_ball)
    augment = Augmenter(
        rotation=config.rotation,
        upright_axis=config.upright_axis,
        scale=config.scale,
        shift=config.shift,
        jitter=config.jitter,
        jitter_clip=config.jitter_clip,
        point_dropout=config.point_dropout,
    )

    def prepare(points, seed):
        return model.features(augment(normalize(points), seed)[rows], training=True)

    return prepare

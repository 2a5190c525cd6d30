"""The training run of the classifier."""

from pathlib import Path

import keras
import numpy as np

from csnn_tf.data.augmenter import Augmenter
from csnn_tf.data.batches import BatchPlan
from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.pipeline import training_batches
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.data.sources import make_source
from csnn_tf.layers import NormalizePoints, compiled_kernels
from csnn_tf.models import PointCloudClassifier, preset
from csnn_tf.training.checkpoint import Checkpoint
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.epoch_end import EpochEnd
from csnn_tf.training.run_folder import RunFolder, versions
from csnn_tf.training.schedules import Plateau, make_optimizer
from csnn_tf.training.smoothed_crossentropy import SmoothedCrossentropy
from csnn_tf.training.validation import Validation


def train(
    config: TrainingConfig,
    shapes: ShapeSet | MeshSet,
    out: str | Path,
    *,
    resume: bool = False,
    callbacks: list[keras.callbacks.Callback] | None = None,
) -> RunFolder:
    """Train a classifier and leave a run folder.

    Args:
        config: What to train and how.
        shapes: Labelled clouds or meshes; the part held out to choose the epoch is taken from
            these.
        out: Run folder, which must not hold anything yet.
        resume: Go on with the run that stopped in `out`, from its last finished epoch. It ends with
            the weights, to the bit, of a run that was never stopped.
        callbacks: Further Keras callbacks, for example to show progress.

    Returns:
        The run folder. `best.keras` is the model of the epoch with the best accuracy on the
        held-out shapes (the lower loss among equals), `last.keras` that of the last epoch.

    Raises:
        InputError: If the configuration does not fit the data or the folder is in use.
    """
    keras.utils.set_random_seed(config.seed)
    previous = keras.config.dtype_policy()
    if config.mixed_precision:
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = PointCloudClassifier(
            class_names=shapes.class_names, **preset(config.preset, **config.model)
        )
    finally:
        keras.config.set_dtype_policy(previous)
    training, held_out = shapes, None
    if config.validation:
        # Enough that the largest class gives one, however few shapes there are.
        least = 0.5 / np.bincount(shapes.labels).max(initial=1)
        training, held_out = shapes.split(max(config.validation, float(least)), config.seed)
    plan = BatchPlan(len(training), min(config.batch_size, len(training)), config.seed)
    source = make_source(training, config.num_points, config.seed)
    run = RunFolder(out) if resume else RunFolder.create(out)
    if not resume:
        run.write_json("config.json", {**config.to_dict(), "classes": list(shapes.class_names)})
        run.write_json("versions.json", versions())
    # A twin that shares the weights carries the optimiser, which so stays out of the saved model.
    network = keras.Model(model.network.inputs, model.network.outputs)
    network.compile(
        optimizer=make_optimizer(config, plan.steps),
        loss=SmoothedCrossentropy(config.label_smoothing),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        jit_compile=_compile_whole_step(),
    )
    ending = EpochEnd(
        model,
        run,
        Validation(model, held_out, config) if held_out is not None else None,
        Plateau() if config.schedule == "plateau" else None,
        config.min_learning_rate,
    )
    checkpoint = Checkpoint(run.path / "checkpoint.npz", ending)
    first = checkpoint.restore(network) if resume and checkpoint.path.exists() else 0
    if first >= config.epochs or ending.finished:
        return run
    batches = training_batches(
        source, _preparation(config, model), plan, epochs=config.epochs, first_epoch=first
    )
    with compiled_kernels(not _compile_whole_step()):
        network.fit(
            batches,
            steps_per_epoch=plan.steps,
            initial_epoch=first,
            epochs=config.epochs,
            callbacks=[ending, checkpoint, *(callbacks or [])],
            verbose=0,
            shuffle=False,
        )
    return run


def _preparation(config: TrainingConfig, model: PointCloudClassifier):
    normalize = NormalizePoints(scale=model.to_spheres.radius is None)
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
        return model.to_spheres(augment(normalize(points), seed))

    return prepare


def _compile_whole_step() -> bool:
    """XLA for the whole step where it wins: not on TensorFlow's CPU (see `compiled_kernels`)."""
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    return bool(tf.config.list_logical_devices("GPU"))

"""csnn-tf train"""

import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import click

from csnn_tf.cli.conclude import conclude
from csnn_tf.cli.hand_over import HandOver, first_argument
from csnn_tf.cli.options import (
    check_leaves_model,
    check_resume,
    check_still_there,
    data_option,
    data_to_record,
    interrupted,
    load_shapes,
    model_option,
    model_to_record,
    parse_epochs,
    parse_fields,
    recorded_axis,
    rotation_option,
)
from csnn_tf.cli.progress import TrainingProgress
from csnn_tf.data.folder import is_class_tree, passed_over, shape_files
from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.errors import InputError
from csnn_tf.models.loading import training_record
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.distribution import distributed
from csnn_tf.training.run_folder import check_run_is_free
from csnn_tf.training.shape_parts import training_parts
from csnn_tf.training.tensorboard_log import FOLDER, TensorBoardLog
from csnn_tf.training.trainer import train

_MOST_ENDINGS = 3
"""Endings of files that are named where they are passed over."""
_MOST_NAMES = 5
"""Classes that are named where none of their shapes is held out."""


def _dos() -> click.Command:
    from csnn_tf.cli.train_dos import train_dos_command

    return train_dos_command


@click.command("train", cls=HandOver, instead=first_argument("dos", _dos))
@click.argument("kind", type=click.Choice(["modelnet", "shapes", "dos"]))
@data_option
@model_option(["csnn", "pointnet", "dgcnn"], "I")
@click.option(
    "--preset",
    help="Its size: paper, small or tiny [default: paper; built-in shapes: small; with --from: "
    "that model's].",
)
@click.option(
    "--recipe",
    help="Optimiser: paper, best, tilted (best for shapes trained upright), quick or finetune "
    "[default: paper; with --from: finetune].",
)
@click.option(
    "--from",
    "initial",
    metavar="MODEL",
    help="Trained model to begin with: a run folder, a .keras file or the name of one of the "
    "package. The classes may be others.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one field of the model or the training, e.g. --set spheres=16.",
)
@rotation_option
@click.option("--epochs", type=int, help="Number of epochs.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/TIME].")
@click.option("--resume", is_flag=True, help="Go on with the run that stopped in --out.")
@click.option("--tensorboard", is_flag=True, help="Write logs for TensorBoard into the run folder.")
@click.option("--distribute", is_flag=True, help="Use all devices (JAX backend).")
@click.option("--coordinator", metavar="HOST:PORT", help="Where process 0 of several listens.")
@click.option("--processes", type=int, help="Number of processes, each started by itself.")
@click.option("--process-id", type=int, help="Number of this one, from 0.")
@click.pass_context
def train_command(
    ctx,
    kind,
    folder,
    architecture,
    preset,
    recipe,
    initial,
    settings,
    rotation,
    epochs,
    seed,
    out,
    resume,
    tensorboard,
    distribute,
    **group,
) -> None:
    """Train on ModelNet40-like data (modelnet --data DIR) or on the built-in shapes.

    A run that stopped goes on with `csnn-tf train KIND --out RUN --resume`. `train dos` trains
    densities of states and has options of its own (`train dos --help`).
    """
    if kind == "dos":
        raise click.UsageError("dos stands before the options: `csnn-tf train dos ...`.")
    many = any(value is not None for value in group.values())
    if many and not resume and out is None:
        raise InputError("several processes need --out, the run folder of them all.")
    if resume:
        config = _stored_config(ctx, kind, out)
        folder = None if config.folder is None else Path(config.folder)
    else:
        fields = parse_epochs(epochs, parse_fields(settings))
        built_in = kind == "shapes" and folder is None
        if "per_class" in fields and not built_in:
            raise InputError("--set per_class is about the built-in shapes: leave it out.")
        if initial is None:
            fields = {"architecture": architecture, **fields}
            fields["preset"] = preset or ("paper" if kind == "modelnet" else "small")
        else:
            check_leaves_model(ctx)
            if not built_in:  # which stand as they do
                fields = {"upright_axis": recorded_axis(training_record(initial)), **fields}
        config = TrainingConfig.from_recipe(
            recipe or ("paper" if initial is None else "finetune"),
            data=kind,
            folder=None if folder is None else data_to_record(folder),
            initial=model_to_record(initial),
            rotation=rotation,
            seed=seed,
            **fields,
        )
        if out is not None and not many:
            check_run_is_free(out)  # before data is read
    out = out or Path("runs") / time.strftime(f"{kind}-%Y%m%d-%H%M%S")
    progress = TrainingProgress(config.epochs)
    parallel = distributed(*group.values()) if distribute or many else nullcontext(None)
    try:
        with parallel as part:
            shapes = load_shapes(
                kind,
                folder,
                "train",
                num_points=config.num_points,
                per_class=config.per_class,
                whole=config.resample,
            )
            if folder is not None and not resume and (part is None or part.writes):
                _say_what_is_read(folder, shapes, config)
                _say_what_lacks(folder, shapes.class_names)
            with progress:
                shown = [progress] if part is None or part.writes else []
                if tensorboard and shown:
                    names, axis = shapes.class_names, config.upright_axis
                    shown.append(TensorBoardLog(out / FOLDER, names, axis))
                train(config, shapes, out, resume=resume, callbacks=shown, distribution=part)
    except KeyboardInterrupt:
        interrupted(out, f"csnn-tf train {kind}")
    if part is None or part.writes:
        finished = resume and not progress.history
        conclude(out, "shapes", _accuracy, config, finished_before=finished)


def _say_what_is_read(folder: Path, shapes: ShapeSet | MeshSet, config: TrainingConfig) -> None:
    """What the shapes are for, and what else lies beside them, such as files of other formats."""
    classes = shapes.class_names
    try:
        training, held_out = training_parts(shapes, config.validation, config.seed)
    except InputError:  # `train` will say so; what was passed over may be why
        training, held_out = shapes, None
    text = f"{len(training)} shapes of {len(classes)} class{'es' * (len(classes) != 1)} to train on"
    text += "" if held_out is None else f", {len(held_out)} held out"
    tree = is_class_tree(folder)
    files, folders, no_classes = passed_over(folder, "train") if tree else ([], [], [])
    others = []
    if files:
        endings = Counter(file.suffix.lower() or file.name for file in files)
        named = _first([ending for ending, _ in endings.most_common()], _MOST_ENDINGS)
        others.append(f"{len(files)} other file{'s' * (len(files) != 1)} ({named})")
    if folders:
        others.append(f"{len(folders)} folder{'s' * (len(folders) != 1)} in those of the classes")
    if no_classes:
        named = _first([entry.name for entry in no_classes], _MOST_NAMES)
        others.append(f"{named} (neither train nor test in it)")
    click.echo(text + (f"; passed over: {', '.join(others)}" if others else ""), err=True)
    seen = range(len(classes)) if held_out is None else {*held_out.labels}
    unseen = [name for label, name in enumerate(classes) if label not in seen]
    if unseen:
        named = _first(unseen, _MOST_NAMES)
        click.echo(
            f"No shape is held out of {named}: the choice of the epoch leaves them aside.", err=True
        )


def _first(names: list[str], most: int) -> str:
    return ", ".join(names[:most]) + ", ..." * (len(names) > most)


def _say_what_lacks(folder: Path, class_names: tuple[str, ...]) -> None:
    """Before hours of training: other classes, or test shapes where each class has a folder."""
    if len(class_names) == 1:
        click.echo(
            f"{folder} has one class, {class_names[0]}: any answer is right, and an accuracy of "
            "100 % means nothing.",
            err=True,
        )
    if not is_class_tree(folder):
        return
    for name in class_names:
        place = folder / name / "test"
        if not place.is_dir() or not shape_files(place):
            click.echo(f"{place} has no shapes: csnn-tf evaluate will want some.", err=True)
            return


def _accuracy(row: dict[str, float]) -> str:
    return f"{row['val_accuracy']:.1%}"


def _stored_config(ctx: click.Context, kind: str, out: Path | None) -> TrainingConfig:
    """The configuration of the run to go on with; nothing of it can be changed."""
    group = {"coordinator", "processes", "process_id"}
    run = check_resume(ctx, out, {"tensorboard", "distribute", *group})
    config = TrainingConfig.of_run(run)
    if config.data != kind:
        raise InputError(f"{out} is a run on {config.data}, not on {kind}.")
    if config.folder is not None:
        check_still_there(run, Path(config.folder))
    elif kind != "shapes":
        raise InputError(f"{run} was begun in Python, with data that was given there: go on there.")
    return config

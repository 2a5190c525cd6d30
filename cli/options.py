"""Options that several commands share."""

import json
import os
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from csnn_tf.errors import InputError
from csnn_tf.models.loading import file_at

data_option = click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder of the data: ModelNet40 in any of its forms, or CLASS/{train,test}/FILE.",
)
rotation_option = click.option(
    "--rotation",
    type=click.Choice(["none", "z", "so3"]),
    default="so3",
    show_default=True,
    help="None, about the upright axis, or uniform over all rotations.",
)


def model_option(names: Sequence[str], table: str):
    """`--model`, the architecture: the paper's model first, then the baselines of a table."""
    return click.option(
        "--model",
        "architecture",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help=f"The paper's model, or a baseline of its Table {table}.",
    )


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


_OWN_OPTIONS = {
    "folder": "data",
    "architecture": "model",
    "rotate": "rotate or --no-rotate",
    "initial": "from",
    "electrons": "electrons",
    "per_cell": "per-cell",
    "reference_energy": "reference-energy",
    "bins": "bins",
} | {name: name for name in ("data", "preset", "recipe", "rotation", "seed")}


def parse_fields(settings: Sequence[str], option: str = "--set") -> dict[str, Any]:
    """Turn `key=value` settings into a dictionary; values are read as JSON where they can be.

    Args:
        settings: What was given.
        option: The option that it was given to, for messages.

    Raises:
        InputError: If a setting has no `=`, a key comes twice or has an option of its own.
    """
    fields: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise InputError(f"{option} needs key=value, not {setting!r}.")
        if key in fields:
            raise InputError(f"{option} gives {key} twice.")
        if key in _OWN_OPTIONS:
            own = f"--{_OWN_OPTIONS[key]}"
            hint = f": give {own}" if _is_option(own) else ""
            raise InputError(f"{option} does not take {key}{hint}.")
        try:
            fields[key] = json.loads(value)
        except (ValueError, RecursionError):
            fields[key] = value
    return fields


def _is_option(text: str) -> bool:
    """Whether the running command has the option that a text begins with."""
    context = click.get_current_context(silent=True)
    params = [] if context is None else context.command.params
    return any(text.split()[0] in param.opts for param in params)


def load_shapes(
    kind: str,
    folder: Path | None,
    split: str,
    *,
    num_points: int,
    per_class: int,
    whole: bool = False,
):
    """The shapes that `modelnet --data DIR` or `shapes` stand for; `whole` keeps all their points.

    Raises:
        InputError: If the folder is missing or cannot be read.
    """
    from csnn_tf.data.point_clouds import load_point_clouds
    from csnn_tf.data.shapes import builtin_shapes

    if kind == "shapes" and folder is None:
        return builtin_shapes(split, per_class, num_points=num_points)
    if folder is None:
        raise InputError(
            "--data is needed: the folder of ModelNet40 (`csnn-tf data modelnet DIR` gets it)."
        )
    return load_point_clouds(folder, split, num_points, whole=whole)


def measured_shapes(
    model: str,
    record: dict[str, Any],
    folder: Path | None,
    split: str = "test",
    *,
    num_points: int | None = None,
    per_class: int | None = None,
    seed: int = 0,
):
    """What a classifier is measured on.

    Args:
        model: As it was given.
        record: How it was trained, see `csnn_tf.models.loading.training_record`.
        folder: What was given as --data; without it the run's own data.
        split: "train" or "test".
        num_points: Points of a cloud; by default as many as in training.
        per_class: Built-in shapes of a class, by default 50.
        seed: Of the points on meshes.

    Returns:
        The shapes, a `ShapeSet`, and the name of their data.

    Raises:
        InputError: If that is not at hand or cannot be read, or per_class is about other shapes.
    """
    from csnn_tf.data.mesh_set import MeshSet
    from csnn_tf.training.run_folder import made_in_python

    if folder is None and record.get("folder"):
        folder = recorded_data(model, record["folder"])
    if folder is None:
        check_recorded(model, record)
        if made_in_python(record):
            raise InputError(
                f"{model} was trained on data that was given in Python: name what to measure on "
                "with --data."
            )
    num_points = recorded_points(record) if num_points is None else num_points
    kind = "shapes" if folder is None and record["data"] == "shapes" else "modelnet"
    if kind == "modelnet" and per_class is not None:
        raise InputError(
            f"--per-class is about the built-in shapes, not about {data_name(folder)}."
        )
    shapes = load_shapes(kind, folder, split, num_points=num_points, per_class=per_class or 50)
    if isinstance(shapes, MeshSet):
        shapes = shapes.to_shape_set(num_points, seed)
    return shapes, data_name(folder)


def recorded_points(record: dict[str, Any]) -> int:
    """The points of a cloud in a model's training, 1024 where its record does not say."""
    points = record.get("num_points")
    return points if isinstance(points, int) and points > 0 else 1024


def recorded_axis(record: dict[str, Any]) -> int:
    """The upright axis of a model's training, 1 where its record does not say."""
    axis = record.get("upright_axis")
    return axis if axis in (0, 1, 2) else 1


votes_option = click.option(
    "--votes", type=int, default=1, show_default=True, help="Rotations that answers average over."
)


def check_recorded(model: str, record: dict[str, Any]) -> None:
    """Raise `InputError` if a trained model's record does not say what its data was."""
    if "data" not in record:
        raise InputError(f"nothing says what {model} was trained on: give --data.")


def data_to_record(place: str | Path) -> str:
    """How a run records where its data is: so that it is found from whatever folder.

    Links stay, and with them the name by which a table's runs are told apart.
    """
    return os.path.abspath(place)


def own_name(place: str | Path) -> str:
    """The name of data without the folders that it lies in, also of `.`."""
    return Path(data_to_record(place)).name


def model_to_record(model: str | None) -> str | None:
    """How a run records the trained model that it begins with: a file so that it is found again."""
    if model is None or file_at(model) is None:
        return model  # a trained model's name, also where a folder is called like it
    return os.path.abspath(model)


def recorded_data(model: str, place: Any) -> Path:
    """Where a trained model's record says that its data was, or `InputError` if it is not there."""
    path = Path(str(place))
    if not path.exists():
        raise InputError(f"the data that {model} was trained on is not at hand: give --data.")
    return path


def data_name(place: Path | None) -> str:
    """What to call the data at a place, or the built-in one."""
    return "the built-in ones" if place is None else str(place)


def parse_epochs(epochs: int | None, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of `--set` with what was given as --epochs.

    Raises:
        InputError: If both say it.
    """
    if epochs is None:
        return fields
    if "epochs" in fields:
        raise InputError("the number of epochs is given twice: leave out --set epochs.")
    return {**fields, "epochs": epochs}


def make_folder(folder: Path) -> None:
    """Make a folder, or raise `InputError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}.") from error


def check_leaves_model(ctx: click.Context) -> None:
    """Raise `InputError` if a model is named beside that of --from."""
    for name, option in (("architecture", "model"), ("preset", "preset")):
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise InputError(f"the model is like that of --from: leave out --{option}.")


def check_resume(ctx: click.Context, out: Path | None, free: Collection[str]) -> Path:
    """The folder of the run that --resume goes on with; nothing that defines the run may change.

    Args:
        ctx: Of the command.
        out: What was given as --out.
        free: Options besides --out and --resume that may be given, by their parameters' names.

    Raises:
        InputError: If --out is missing or another option was given.
    """
    if out is None:
        raise InputError("--resume needs --out, the folder of the run that stopped.")
    for option in ctx.command.params:
        given = ctx.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
        if (
            given
            and isinstance(option, click.Option)
            and option.name not in {"out", "resume", *free}
        ):
            raise InputError(
                f"--resume goes on with the run as it was: leave out {option.opts[0]}."
            )
    return out


def check_still_there(run: Path, data: Path) -> None:
    """Raise `InputError` if the data of a run to go on with is not where the run had it."""
    if not data.exists():
        where = "" if data.is_absolute() else ", seen from the folder that it was started in"
        raise InputError(f"the data of {run} must be where it was: {data}{where}.")


def interrupted(out: Path, command: str) -> NoReturn:
    """End an interrupted training with what goes on with it.

    Args:
        out: The run's folder.
        command: That began it, without options.
    """
    from csnn_tf.training.run_folder import history_rows

    if not (out / "config.json").is_file():
        click.echo("Interrupted before the run had begun.")
    else:
        rows = history_rows(out / "history.csv")
        when = f"after epoch {rows[-1]['epoch']}" if rows else "before the end of an epoch"
        again = f"{command} --out {shlex.quote(str(out))} --resume"
        click.echo(f"Interrupted {when}: go on with `{again}`.")
    raise SystemExit(130)

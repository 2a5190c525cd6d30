"""csnn-tf evaluate"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from csnn_tf.cli.hand_over import Choice, HandOver
from csnn_tf.cli.options import (
    data_option,
    json_option,
    measured_shapes,
    recorded_axis,
    rotation_option,
    votes_option,
)
from csnn_tf.cli.passes_bar import passes_bar
from csnn_tf.data.shape_set import span
from csnn_tf.errors import InputError
from csnn_tf.evaluation import evaluate
from csnn_tf.models import CloudClassifier
from csnn_tf.models.kind import is_dos_model
from csnn_tf.models.loading import load_model, model_file, training_record
from csnn_tf.processor import share_cores_among_batches


def _dos(name: str, args: list[str]) -> Choice | None:
    """Hand over if the model is not a classifier: its errors and options are others."""
    if args[:1] == ["dos"] and args[1:2] and args[1][:1] != "-":
        raise InputError(
            f"leave out dos, as in `csnn-tf evaluate {args[1]}`: the model says what it is."
        )
    # Of what both commands' options take, only data could be called like a model.
    words = (word for before, word in pairwise(["", *args]) if before != "--data")
    if not any(map(is_dos_model, words)):
        return None
    from csnn_tf.cli.evaluate_dos import evaluate_dos_command

    return evaluate_dos_command, name, args


class _Evaluate(HandOver):
    """Says that there is no such model before it says so of an option of the other kind."""

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """The context of the command that runs."""
        try:
            return super().make_context(info_name, list(args), parent, **extra)
        except click.NoSuchOption:
            if args[0][:1] != "-":
                model_file(args[0])
            raise


@click.command("evaluate", cls=_Evaluate, instead=_dos)
@click.argument("model")
@data_option
@rotation_option
@click.option("--split", type=click.Choice(["test", "train"]), default="test", show_default=True)
@click.option("--sampling", type=click.Choice(["haar", "euler"]), default="haar", show_default=True)
@click.option(
    "--upright-axis",
    type=click.IntRange(0, 2),
    help="Coordinate along which the shapes stand [default: as in training].",
)
@click.option(
    "--num-points",
    type=click.IntRange(1, 10_000_000),
    help="Points of a cloud [default: as in training].",
)
@click.option(
    "--per-class",
    type=click.IntRange(1, 1_000_000),
    help="Of the built-in shapes [default: 50].",
)
@click.option("--repeats", type=int, default=1, show_default=True, help="Passes, new rotations.")
@votes_option
@click.option("--consistency", type=int, default=0, help="Rotations that must agree on a class.")
@click.option("--seed", type=int, default=0, show_default=True)
@json_option
def evaluate_command(
    model, folder, split, num_points, per_class, upright_axis, as_json, **protocol
) -> None:
    """Measure MODEL (a .keras file, a run folder or a trained model's name) under rotations.

    Without --data, on the test shapes of the data that it was trained on. A density-of-states model
    is measured in its own way: `csnn-tf evaluate MODEL --help` shows how.
    """
    if upright_axis is not None and protocol["rotation"] != "z":
        raise InputError(
            f"--upright-axis is of --rotation z, not of --rotation {protocol['rotation']}."
        )
    share_cores_among_batches()
    classifier = load_model(model, CloudClassifier)
    trained = training_record(Path(model))
    shapes, data = measured_shapes(
        model,
        trained,
        folder,
        split,
        num_points=num_points,
        per_class=per_class,
        seed=protocol["seed"],
    )
    protocol["upright_axis"] = recorded_axis(trained) if upright_axis is None else upright_axis
    with passes_bar() as show:
        result = evaluate(classifier, shapes, progress=show, **protocol)
    least, most = shapes.sizes  # clouds of one's own may have fewer points than were asked for
    if as_json:
        measured = {"model": str(model), "data": data, "num_points": most, "least_points": least}
        click.echo(json.dumps({**measured, "trained": trained, **result.to_dict()}))
        return
    setting = f"{trained.get('rotation', '?')}/{protocol['rotation']}"
    low, high = result.interval
    click.echo(
        f"{model}: {len(shapes)} shapes of {data}, {span(least, most)} points, "
        f"trained/tested under rotations {setting}"
    )
    click.echo(f"overall accuracy     {result.accuracy:.2%}  (95 %: {low:.2%} to {high:.2%})")
    if protocol["repeats"] > 1:
        click.echo(f"  std over {protocol['repeats']} passes  {result.accuracy_std:.2%}")
    click.echo(f"class-mean accuracy  {result.class_mean_accuracy:.2%}")
    if result.consistency is not None:
        rotations = result.consistency_rotations
        click.echo(f"same class under all of {rotations} rotations  {result.consistency:.2%}")
    worst = sorted(result.per_class.items(), key=lambda item: item[1])[:5]
    click.echo("weakest classes      " + ", ".join(f"{name} {share:.0%}" for name, share in worst))

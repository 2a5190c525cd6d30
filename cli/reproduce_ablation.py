"""csnn-tf reproduce ablation"""

import click

from csnn_tf.cli.classifier_runs import Request, run_options, shown, step
from csnn_tf.cli.options import parse_fields
from csnn_tf.errors import InputError

_RESERVED = {"validation", "epochs", "num_points", "per_class", "upright_axis"}
_RESERVED |= {"architecture", "model"}
"""Fields that all runs have in common, or that say what a run is."""


@click.command("ablation")
@run_options
@click.option(
    "--rotation",
    type=click.Choice(["z", "so3"]),
    default="so3",
    show_default=True,
    help="Rotations in training.",
)
@click.option(
    "--change",
    "changes",
    multiple=True,
    required=True,
    metavar="'KEY=VALUE ...'",
    help="Fields of the training or the model that are changed together; may be given again.",
)
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Of the training shapes, trained on; the others are measured on.",
)
def ablation_command(rotation, changes, seeds, share, **options) -> None:
    """Whether each choice of a recipe pays, on held-out training shapes and over several seeds.

    Trains the recipe as it is and with each --change into folders of OUT, and writes
    OUT/ablation.md and OUT/ablation.csv. Runs on the same shapes that are there are used as they
    are, and those that were cut short go on. A field that only the recipe of another name sets is
    changed like any other:

    csnn-tf reproduce ablation --data DIR --change schedule=plateau
    --change 'optimizer=adam weight_decay=2.7e-7' --out OUT
    """
    from csnn_tf.data.mesh_set import MeshSet
    from csnn_tf.reproduction.ablation import (
        BASE,
        ablation,
        keep_protocol,
        run_name,
        write_ablation,
    )

    request = Request.of(**options, holds_out=False)
    fields = {BASE: {}, **{change: parse_fields(change.split(), "--change") for change in changes}}
    common_to_all = _RESERVED & set().union(*fields.values())
    if common_to_all:
        raise InputError(f"--change does not take {min(common_to_all)}: all runs have the same.")
    if "validation" in request.fields:
        raise InputError("--set does not take validation: --share says what is held out.")
    if len({run_name(change, 0) for change, changed in fields.items() if changed}) < len(changes):
        raise InputError("every --change needs fields, and other ones than the others.")
    numbers = range(request.seed, request.seed + seeds)
    configs = {
        run_name(change, seed): request.config(
            "csnn", rotation, **{**changed, "validation": 0.0, "seed": seed}
        )
        for seed in numbers
        for change, changed in fields.items()
    }
    common = configs[run_name(BASE, request.seed)]
    # With and without all their points; the labels alone say which shapes are kept.
    one_of_each = {config.resample: config for config in configs.values()}
    parts = {
        whole: request.training_shapes(config).split(1 - share, request.seed)
        for whole, config in one_of_each.items()
    }
    kept, others = parts[common.resample]
    request.make_out()
    protocol = {"share": share, "split_seed": request.seed, **common.to_dict()}
    keep_protocol(request.out, {**protocol, "folder": request.data})
    runs = request.train(configs, shapes=lambda config: parts[config.resample][0])
    if isinstance(others, MeshSet):
        others = others.to_shape_set(common.num_points, request.seed)
    others = others.drawn(common.num_points, request.seed)
    rows = ablation(fields, numbers, runs, others, progress=step)
    title = f"Recipe {request.recipe} with one thing changed, on {request.data}"
    shown(write_ablation(rows, title, len(kept), len(others), request.out))

"""csnn-tf reproduce figure7 and table3"""

import click

from csnn_tf.cli.classifier_runs import Request, per_class_option, run_options, shown, step
from csnn_tf.errors import InputError

_spheres_option = click.option(
    "--spheres",
    default="1,2,4,8,16",
    show_default=True,
    metavar="R,R,...",
    help="Numbers of spheres, one channel each.",
)


@click.command("figure7")
@run_options
@per_class_option
@_spheres_option
def figure7_command(spheres, **options) -> None:
    """Figure 7: accuracy of CSNN against the number of spheres, under arbitrary rotations.

    Trains what is missing into OUT/csnn-1-spheres, OUT/csnn-2-spheres and so on, and writes
    OUT/figure7.md, OUT/figure7.csv and OUT/figure7.png. `table3` takes the same runs. Runs on
    the same shapes that are in the folder already are used as they are; those that were cut short
    go on with their own settings.
    """
    from csnn_tf.plots.matplotlib_extra import pyplot
    from csnn_tf.reproduction.figure7 import write_figure7

    pyplot()  # missing, it ends the command before it trains
    request = Request.of(**options)
    shown(write_figure7(_rows(request, spheres), request.data, request.out))


@click.command("table3")
@run_options
@per_class_option
@_spheres_option
def table3_command(spheres, **options) -> None:
    """Table III: time of an epoch of CSNN against the number of spheres.

    Takes, and trains where missing, the runs of `figure7`, and writes OUT/table3.md and
    OUT/table3.csv. For the times alone three epochs of each are enough (--epochs 3).
    """
    from csnn_tf.reproduction.table3 import write_table3

    request = Request.of(**options)
    shown(write_table3(_rows(request, spheres), request.data, request.out))


def _rows(request: Request, spheres: str):
    from csnn_tf.reproduction.spheres import FIELDS, ROTATION, run_name, sphere_rows

    for name in FIELDS:
        if name in request.fields:
            raise InputError(
                f"--set does not take {name}: --spheres says how many, of one channel."
            )
    configs = {
        run_name(number): request.config("csnn", ROTATION, spheres=number, channels=1)
        for number in _numbers(spheres)
    }
    runs = request.train(configs, FIELDS)
    return sphere_rows(
        runs, lambda run: request.tests(run.config), seed=request.seed, progress=step
    )


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and 0 < int(part) <= 1024 for part in parts):
        raise InputError(f"--spheres must be whole numbers from 1 to 1024, not {text!r:.60}.")
    return sorted({int(part) for part in parts})

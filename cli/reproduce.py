"""csnn-tf reproduce"""

from pathlib import Path

import click

from csnn_tf.cli.dos_options import (
    ask_about_whole_cells,
    electrons_option,
    parse_electrons,
    reading_options,
    structures_of,
    structures_option,
)
from csnn_tf.cli.options import data_to_record, make_folder, own_name
from csnn_tf.cli.reproduce_ablation import ablation_command
from csnn_tf.cli.reproduce_spheres import figure7_command, table3_command
from csnn_tf.cli.reproduce_table1 import table1_command
from csnn_tf.cli.several_runs import BUDGET, goes_on_later, quiet_retracing, say_training
from csnn_tf.errors import InputError


@click.group("reproduce")
def reproduce_command() -> None:
    """Make a table or figure of the paper anew, on data at hand, or put a recipe to the test."""


for _command in (table1_command, table3_command, figure7_command, ablation_command):
    reproduce_command.add_command(_command)


@reproduce_command.command("table2")
@structures_option()
@electrons_option
@reading_options
@click.option(
    "--bins",
    metavar="FIRST:LAST:STEP",
    help="Energies, eV, to which the DOS are re-binned [default: as `csnn-tf train dos`].",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the table.")
@click.option(
    "--preset", default="small", show_default=True, help="Of CSNN; the baselines take theirs alike."
)
@click.option(
    "--recipe", help="Optimiser: paper, best or quick [default: best; built-in data: quick]."
)
@click.option(
    "--rotate/--no-rotate", default=True, show_default=True, help="Turn CSNN's structures."
)
@click.option("--epochs", type=int, help="Number of epochs of each model.")
@click.option("--budget", type=click.FloatRange(0), help=BUDGET)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
def table2_command(
    path, electrons, out, preset, recipe, rotate, epochs, budget, seed, **reading
) -> None:
    """Table II: AGNI, SchNet and CSNN on densities of states, by structure type.

    Trains what is missing into OUT/agni, OUT/schnet and OUT/csnn, and writes OUT/table2.md and
    OUT/table2.csv. Runs on the same data that are in the folder already, made by this command or by
    `csnn-tf train dos --out OUT/csnn`, are used as they are; those that were cut short go on with
    their own settings.
    """
    from csnn_tf.cli.dos_progress import DosProgress
    from csnn_tf.models.dos_architectures import DOS_ARCHITECTURES
    from csnn_tf.reproduction.dos_runs import train_missing
    from csnn_tf.reproduction.table2 import table2, write_table2
    from csnn_tf.training.dos_config import DosConfig

    changes = {} if epochs is None else {"epochs": epochs}
    configs = {
        name: DosConfig.from_recipe(
            recipe or ("quick" if path is None else "best"),
            data="carbon" if path is None else data_to_record(path),
            electrons=parse_electrons(electrons),
            **reading,
            architecture=name,
            # A preset that only CSNN has leaves the baselines at their small one.
            preset=preset if name == "csnn" or preset in kind.presets.names() else "small",
            rotate=rotate,
            seed=seed,
            **changes,
        )
        for name, kind in DOS_ARCHITECTURES.items()
    }
    structures = structures_of(path, electrons, **reading)
    for split in ("train", "test"):
        structures.select(split=split)
    ask_about_whole_cells(structures)
    make_folder(out)

    def callbacks(config):
        say_training(config.architecture, config.epochs)
        return [DosProgress(config.epochs)]

    seconds = None if budget is None else 60 * budget
    quiet_retracing()
    with goes_on_later():
        runs = train_missing(configs, structures, out, budget=seconds, callbacks=callbacks)
    if not runs:
        raise InputError(f"there is no trained model in {out}, and no time to train one.")
    rows = table2(runs, structures)
    data = "the built-in carbon structures" if path is None else own_name(path)
    files = write_table2(rows, data, out)
    click.echo(files[0].read_text("utf-8"))
    missing = [name for name in configs if name not in runs]
    if missing:
        click.echo(f"Not trained for lack of time: {', '.join(missing)}.")
    click.echo(f"Written: {', '.join(map(str, files))}")

"""csnn-tf reproduce table1"""

import click

from csnn_tf.cli.classifier_runs import Request, per_class_option, run_options, shown, step


@click.command("table1")
@run_options
@per_class_option
@click.option(
    "--select-on-test",
    is_flag=True,
    help="Also keep the accuracy on the test set after every epoch, to show what choosing there "
    "would seem to gain.",
)
def table1_command(select_on_test, **options) -> None:
    """Table I: PointNet, DGCNN and CSNN under rotations, on ModelNet40 or the built-in shapes.

    Trains what is missing into OUT/pointnet-z, OUT/pointnet-so3, OUT/dgcnn-z and so on, and writes
    OUT/table1.md and OUT/table1.csv. Runs on the same shapes that are in the folder already, made
    by this command or by `csnn-tf train modelnet --data DIR --rotation so3 --out OUT/csnn-so3`, are
    used as they are; those that were cut short go on with their own settings.
    """
    from csnn_tf.reproduction.history_on_test import HistoryOnTest
    from csnn_tf.reproduction.table1 import MODELS, SETTINGS, run_name, table1, write_table1
    from csnn_tf.training.run_folder import RunFolder

    request = Request.of(**options)
    configs = {
        run_name(model, rotation): request.config(model, rotation)
        for rotation in dict.fromkeys(train for train, _ in SETTINGS)
        for model in MODELS
    }

    def further(name, config):
        if not select_on_test:
            return []
        return [
            HistoryOnTest(
                RunFolder(request.out / name),
                request.tests(config),
                [test for train, test in SETTINGS if train == config.rotation],
                upright_axis=config.upright_axis,
                seed=request.seed,
            )
        ]

    runs = request.train(configs, further=further)
    rows = table1(runs, lambda run: request.tests(run.config), seed=request.seed, progress=step)
    late = [name for row in rows for name in row.late_on_test()]
    if select_on_test and late:
        click.echo(
            "Not every epoch was measured on this test set, and earlier models are gone: "
            f"{', '.join(late)}.",
            err=True,
        )
    shown(write_table1(rows, request.data, request.out))

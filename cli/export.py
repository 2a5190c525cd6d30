"""csnn-tf export"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import click

from csnn_tf.cli.options import votes_option
from csnn_tf.export import FORMATS, PRECISIONS, ExportOptions, export_model


@click.command("export")
@click.argument("model")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", help="Name under which it is served; by default the file's or folder's.")
@click.option("--version", type=int, help="Number of the version; by default the next.")
@votes_option
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    show_default=True,
    help="Of the network's weights and arithmetic; outputs are float32.",
)
@click.option("--no-fold", is_flag=True, help="Keep batch normalisations as layers of their own.")
@click.option("--top", type=int, default=5, show_default=True, help="Classes in an answer.")
@click.option(
    "--max-points",
    type=int,
    default=1_000_000,
    show_default=True,
    help="Points, or pairs of neighbouring atoms, in a request.",
)
@click.option(
    "--max-clouds",
    type=int,
    default=128,
    show_default=True,
    help="Clouds, or structures, in a request.",
)
@click.option("--max-atoms", type=int, default=10_000, show_default=True, help="Atoms likewise.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    default="savedmodel",
    show_default=True,
    help="savedmodel for TensorFlow Serving; onnx for classifiers, and densities of states whose "
    "mapping is not linear in the direction; tflite says what is in its way.",
)
@click.option(
    "--other-labels",
    is_flag=True,
    help="Let the version have other classes, or energies, than the one before.",
)
def export_command(
    model, folder, name, version, no_fold, file_format, other_labels, **choices
) -> None:
    """Write MODEL to DIR/NAME/VERSION, for TensorFlow Serving and other runtimes.

    MODEL is a .keras file, a run folder (its best.keras) or a trained model's name.
    """
    with _cleaning_up():
        exported = export_model(
            model,
            folder,
            name=name,
            version=version,
            options=ExportOptions(fold=not no_fold, **choices),
            file_format=file_format,
            other_labels=other_labels,
        )
    for notice in exported.notices:
        click.echo(notice, err=True)
    click.echo(exported.path)


@contextlib.contextmanager
def _cleaning_up() -> Iterator[None]:
    """Let SIGTERM end this as Ctrl-C does, with what it was writing removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number, _) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

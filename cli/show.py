"""csnn-tf show"""

import webbrowser
from pathlib import Path

import click

from csnn_tf.cli.options import recorded_axis, recorded_points
from csnn_tf.errors import InputError
from csnn_tf.models.kind import is_dos_model
from csnn_tf.models.loading import load_model, training_record


@click.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--model", help="A .keras file, a run folder or a trained model's name.")
@click.option(
    "--level", type=int, help="Level of the model's grid whose activation is shown, turned too."
)
@click.option("--sphere", type=int, help="Sphere, 0 the innermost [default: varies most].")
@click.option("--channel", type=int, help="Channel [default: varies most].")
@click.option("--atom", type=int, help="Atom in the centre of a structure [default: 0].")
@click.option(
    "--num-points",
    type=click.IntRange(1, 10_000_000),
    help="Drawn on meshes [default: as in the model's training, or 1024].",
)
@click.option(
    "--upright-axis",
    type=click.IntRange(0, 2),
    help="[default: as in the model's training, or 1; structures: 2]",
)
@click.option("--png", type=click.Path(path_type=Path), help="Write a picture instead of a page.")
@click.option("--html", type=click.Path(path_type=Path), help="Page [default: FILE's name.html].")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def show_command(
    file, model, level, sphere, channel, atom, num_points, upright_axis, png, html, show
) -> None:
    """Show FILE, a shape or an atomic structure, on its concentric grid in 3D.

    With --model as that model maps it, and with --level the activation of a level, also of the
    input turned. Structures are in files that ASE reads, or in NPZ files, of which the first one is
    shown, with one of its atoms in the centre.
    """
    if show and png is not None and html is None:
        raise InputError("--open opens the page, and --png writes none: give --html too.")
    dos = model is not None and is_dos_model(model)
    is_shape = not dos and _is_shape(file)
    view = (_shape if is_shape else _atom)(file, model, level, atom, num_points)
    up = upright_axis
    if up is None:
        up = recorded_axis({} if model is None else training_record(model)) if is_shape else 2
    if png is not None:
        _write_picture(view, png, sphere, channel, up)
        click.echo(png)
    if html is None and png is not None:
        return
    from csnn_tf.report.show_page import write_view

    html = html or Path(f"{file.stem}.html")
    channel, sphere = write_view(
        view, html, channel=channel, sphere=sphere, turned=level is not None, upright_axis=up
    )
    click.echo(f"{html}: {view.shown}, channel {channel}, sphere {sphere}")
    if show:
        webbrowser.open(html.resolve().as_uri())


def _is_shape(file: Path) -> bool:
    from csnn_tf.data.readers import SHAPE_SUFFIXES, read_shape

    if file.suffix.lower() not in (".xyz", ".npz"):
        return file.suffix.lower() in SHAPE_SUFFIXES
    try:  # points or atoms
        read_shape(file)
    except InputError as reason:
        if not file.is_file():
            raise
        _check_structure(file, reason)
        return False
    return True


def _check_structure(file: Path, reason: InputError) -> None:
    """Says why a file is not read as points either, if it is no structure."""
    from csnn_tf.cli.dos_options import atoms_of

    try:
        next(atoms_of(file))
    except InputError as error:
        raise InputError(f"{reason} As a structure, {error}") from error


def _shape(
    file: Path, model: str | None, level: int | None, atom: int | None, num_points: int | None
):
    from csnn_tf.data.mesh import Mesh
    from csnn_tf.data.mesh_set import sample_surface
    from csnn_tf.data.readers import read_shape
    from csnn_tf.models import PointCloudClassifier
    from csnn_tf.report.grid_view import GridView

    shape = read_shape(file)
    if atom is not None:
        raise InputError(f"--atom is about structures, and {file} is a shape.")
    if isinstance(shape, Mesh):
        if num_points is None:
            num_points = recorded_points({} if model is None else training_record(model))
        shape = sample_surface(shape, num_points, [0])
    elif num_points is not None:
        raise InputError(f"--num-points is about meshes, and {file} is a cloud.")
    network = None if model is None else load_model(model, PointCloudClassifier)
    return GridView.of_shape(file.name, shape, network, level)


def _atom(
    file: Path, model: str | None, level: int | None, atom: int | None, num_points: int | None
):
    from csnn_tf.cli.dos_options import atoms_of
    from csnn_tf.models import DensityOfStates
    from csnn_tf.report.grid_view import GridView

    if num_points is not None:
        raise InputError(f"--num-points is about meshes, and {file} is a structure.")
    structures = atoms_of(file)
    structure = next(structures)
    name = file.name if next(structures, None) is None else f"{file.name}[0]"
    network = None if model is None else load_model(model, DensityOfStates)
    return GridView.of_atom(name, structure, atom or 0, network, level)


def _write_picture(view, path: Path, sphere: int | None, channel: int | None, up: int) -> None:
    import numpy as np

    from csnn_tf.atomic_files import write_aside
    from csnn_tf.plots.concentric_grid import plot_feature_map
    from csnn_tf.plots.matplotlib_extra import pyplot
    from csnn_tf.report.show_page import choose

    if path.suffix.lower() != ".png":
        raise InputError(f"{path} must end in .png.")
    plt = pyplot()
    points, features = view.features()
    channel, _ = choose(features, channel, sphere)
    # matplotlib's third axis points up. Turning the input instead would change its features.
    turn = np.roll(np.eye(3), 2 - up, axis=0)
    figure = plot_feature_map(features, points @ turn.T, channel=channel, turn=turn)
    try:
        write_aside(path, lambda temporary: figure.savefig(temporary, dpi=110, bbox_inches="tight"))
    finally:
        plt.close(figure)

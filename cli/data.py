"""csnn-tf data"""

from pathlib import Path

import click
import numpy as np

from csnn_tf.atomic_files import check_free, folder_aside, made_folder
from csnn_tf.data.download import fetch_modelnet40
from csnn_tf.data.shapes import builtin_shapes


@click.group("data")
def data_command() -> None:
    """Get or make data sets."""


@data_command.command("modelnet")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="modelnet40_ply_hdf5_2048.zip, if at hand already.",
)
def modelnet(folder, source) -> None:
    """Download ModelNet40 (435 MB), check it and unpack it into FOLDER."""
    click.echo(f"ModelNet40 is in {fetch_modelnet40(folder, source)}")


@data_command.command("shapes")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--per-class", type=click.IntRange(1), default=10, show_default=True)
@click.option("--num-points", type=click.IntRange(1), default=1024, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def shapes(folder, per_class, num_points, seed) -> None:
    """Write built-in shapes as FOLDER/CLASS/{train,test}/NUMBER.npy, a data set to look at."""
    with folder_aside(folder) as aside:
        for split in ("train", "test"):
            made = builtin_shapes(split, per_class, num_points=num_points, seed=seed)
            counts: dict[int, int] = {}
            for cloud, label in zip(made.clouds, made.labels, strict=True):
                number = counts[label] = counts.get(label, -1) + 1
                target = aside / made.class_names[label] / split / f"{number:04d}.npy"
                target.parent.mkdir(parents=True, exist_ok=True)
                np.save(target, cloud, allow_pickle=False)
    click.echo(f"{2 * per_class * len(made.class_names)} shapes are in {folder}")


@data_command.command("carbon")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--layout",
    type=click.Choice(["npz", "published"]),
    default="npz",
    show_default=True,
    help="One .npz file, or a folder NAME/TEMPK/CONFIG/{POSCAR,doscar_s} with CSV splits.",
)
def carbon(path, layout) -> None:
    """Write the built-in carbon structures and their densities of states to PATH.

    They are a small part of what `python scripts/generate_carbon_dos.py --out DIR`, in the
    project's source, makes from nothing.
    """
    from csnn_tf.data.atoms import builtin_carbon, write_npz, write_published
    from csnn_tf.data.atoms.npz import is_npz_name
    from csnn_tf.errors import InputError

    structures = builtin_carbon()
    if layout == "npz" and not is_npz_name(path):
        raise InputError(f"{path} must end in .npz, or give --layout published.")
    check_free(path, "path")
    try:
        with made_folder(path.parent):
            (write_npz if layout == "npz" else write_published)(path, structures)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
    click.echo(f"{len(structures)} structures are in {path}")

"""Draw the pictures of the README: python scripts/readme_pictures.py [FOLDER]."""

from pathlib import Path

import click
import matplotlib
import numpy as np

from csnn_tf.data.shapes import make_shape
from csnn_tf.layers import PointsToSpheres
from csnn_tf.plots.concentric_grid import plot_concentric_grid, plot_feature_map


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default="docs/images")
def main(folder: Path) -> None:
    """Write grid.png and shape_on_grid.png into FOLDER."""
    matplotlib.use("agg")
    folder.mkdir(parents=True, exist_ok=True)
    plot_concentric_grid().savefig(folder / "grid.png", dpi=110, bbox_inches="tight")
    points = make_shape("chair", np.random.default_rng(1), 2048)
    points = points[:, [2, 0, 1]]  # matplotlib's third axis points up
    features = np.asarray(PointsToSpheres(4, 4, 1)(points[None]))[0]
    figure = plot_feature_map(features, points)
    figure.savefig(folder / "shape_on_grid.png", dpi=90, bbox_inches="tight")


if __name__ == "__main__":
    main()

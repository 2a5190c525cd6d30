"""How hard the built-in shapes are: a linear classifier on radii, and a picture of every class.

Run `python scripts/shapes_difficulty.py --png sheet.png`. The radius of a point does not change
under rotation, so the histogram of radii is what a classifier has without looking at directions.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.shapes import SHAPE_CLASSES, builtin_shapes


def radii_histograms(clouds: NDArray, bins: int = 32) -> NDArray:
    """The share of a cloud's points in each of `bins` equal shells: [S, N, 3] -> [S, bins]."""
    radii = np.linalg.norm(clouds, axis=-1)
    shell = np.minimum((radii * bins).astype(int), bins - 1)
    return (shell[..., None] == np.arange(bins)).mean(axis=1)


def linear_accuracy(
    train: NDArray, train_labels: NDArray, test: NDArray, test_labels: NDArray, decay: float = 1e-3
) -> tuple[float, NDArray]:
    """Fits multinomial logistic regression to standardised features.

    Args:
        train: [S, F], features to fit.
        train_labels: [S], integers from 0.
        test: [T, F], features to measure on.
        test_labels: [T].
        decay: weight of half the squared norm of the coefficients.

    Returns:
        The accuracy on `test`, and the confusion counts [C, C], true class by predicted class.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    centre, scale = train.mean(axis=0), train.std(axis=0) + 1e-6
    x, y = ((np.c_[(a - centre) / scale, np.ones(len(a))]) for a in (train, test))
    classes = int(train_labels.max()) + 1
    target = np.eye(classes)[train_labels]

    def loss(flat: NDArray) -> tuple[float, NDArray]:
        weights = flat.reshape(-1, classes)
        logs = log_softmax(x @ weights, axis=1)
        slope = x.T @ (np.exp(logs) - target) / len(x) + decay * weights
        return -(target * logs).sum() / len(x) + decay / 2 * (flat @ flat), slope.ravel()

    start = np.zeros(x.shape[1] * classes)
    fit = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    guess = (y @ fit.x.reshape(-1, classes)).argmax(axis=1)
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (test_labels, guess), 1)
    return float((guess == test_labels).mean()), confusion


def contact_sheet(png: Path, examples: int, num_points: int, seed: int) -> None:
    """Writes a picture of the first `examples` training shapes of every class."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    up, around = np.radians(22), np.radians(35)
    towards = [np.cos(up) * np.sin(around), np.sin(up), np.cos(up) * np.cos(around)]
    shapes = builtin_shapes("train", examples, num_points, seed)
    blocks = 2  # classes side by side
    rows, columns = -(-len(SHAPE_CLASSES) // blocks), blocks * examples
    figure = plt.figure(figsize=(2 * columns, 2 * rows))
    for cloud, label, name in zip(shapes.clouds, shapes.labels, shapes.names, strict=True):
        row, block = divmod(int(label), blocks)
        place = row * columns + block * examples + int(name.rsplit("_", 1)[1])
        axes = figure.add_subplot(rows, columns, place + 1, projection="3d")
        x, y, z = cloud.T
        axes.view_init(elev=22, azim=35)  # the plot's x, y, z are the shape's z, x, y
        axes.set_proj_type("ortho")
        axes.set_box_aspect((1, 1, 1), zoom=0.95)
        axes.set(xlim=(-0.6, 0.6), ylim=(-0.6, 0.6), zlim=(-0.6, 0.6))
        axes.scatter(z, x, y, s=1.5, c=cloud @ towards, cmap="viridis_r", depthshade=False)
        axes.set_title(SHAPE_CLASSES[label], fontsize=8)
        axes.set_axis_off()
    figure.subplots_adjust(0, 0, 1, 0.97, 0, 0.05)
    figure.savefig(png, dpi=90)
    plt.close(figure)


@click.command()
@click.option("--per-class", default=100, show_default=True, help="Training shapes of a class.")
@click.option("--test-per-class", default=50, show_default=True, help="Test shapes of a class.")
@click.option("--num-points", default=1024, show_default=True, help="Points of a shape.")
@click.option("--bins", default=32, show_default=True, help="Bins of the histogram of radii.")
@click.option("--seed", default=0, show_default=True, help="Seed of the shapes.")
@click.option("--png", type=click.Path(dir_okay=False, path_type=Path), help="Contact sheet.")
@click.option("--examples", default=4, show_default=True, help="Shapes of a class on the sheet.")
def main(
    per_class: int,
    test_per_class: int,
    num_points: int,
    bins: int,
    seed: int,
    png: Path | None,
    examples: int,
) -> None:
    """Measures a linear classifier on histograms of radii of the built-in shapes."""
    train = builtin_shapes("train", per_class, num_points, seed)
    test = builtin_shapes("test", test_per_class, num_points, seed)
    features = (radii_histograms(part.clouds, bins) for part in (train, test))
    accuracy, confusion = linear_accuracy(next(features), train.labels, next(features), test.labels)
    click.echo(f"linear classifier on {bins} radii bins: {100 * accuracy:.1f} % of the test set")
    for label, (name, row) in enumerate(zip(SHAPE_CLASSES, confusion, strict=True)):
        others = ", ".join(
            f"{SHAPE_CLASSES[k]} {row[k]}" for k in np.argsort(-row)[:4] if row[k] and k != label
        )
        click.echo(f"  {name:12s} {100 * row[label] / row.sum():5.1f} %  taken for: {others}")
    if png is not None:
        contact_sheet(png, examples, num_points, seed)
        click.echo(f"wrote {png}")


if __name__ == "__main__":
    main()

"""Small still pictures as arrays of pixels, for logs such as TensorBoard's."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.plots.matplotlib_extra import pyplot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion_pixels(counts: ArrayLike, names: Sequence[str]) -> NDArray[np.uint8]:
    """A confusion matrix, coloured by shares of the true class.

    Args:
        counts: [K, K], rows the true class, columns the predicted one.
        names: [K] names of the classes.

    Returns:
        [height, width, 3] pixels.

    Raises:
        InputError: If matplotlib is missing.
    """
    counts = np.asarray(counts)
    figure = _figure(6 + 0.06 * len(names), 5.4 + 0.06 * len(names))
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = np.arange(len(names))
    style = {"fontsize": 6 if len(names) > 15 else 8, "parse_math": False}
    axes.set_xticks(places, names, rotation=90, **style)
    axes.set_yticks(places, names, **style)
    axes.set(xlabel="predicted", ylabel="true")
    figure.colorbar(image, ax=axes, label="share of the true class")
    return _pixels(figure)


def shapes_pixels(
    clouds: Sequence[ArrayLike], titles: Sequence[str], *, upright_axis: int = 1
) -> NDArray[np.uint8]:
    """Point clouds in a row, each with its title.

    Args:
        clouds: Arrays [n, 3].
        titles: A title for each.
        upright_axis: Coordinate that points up.

    Returns:
        [height, width, 3] pixels.

    Raises:
        InputError: If matplotlib is missing.
    """
    figure = _figure(2.4 * max(len(clouds), 1), 2.7)
    for place, (cloud, title) in enumerate(zip(clouds, titles, strict=True)):
        axes = figure.add_subplot(1, len(clouds), place + 1, projection="3d")
        # matplotlib's third axis points up.
        x, y, z = np.roll(np.asarray(cloud), 2 - upright_axis, axis=1).T
        axes.scatter(x, y, z, s=3, c=z, cmap="viridis", linewidths=0)
        axes.set_box_aspect([max(np.ptp(values), 1e-6) for values in (x, y, z)])
        axes.set_axis_off()
        axes.set_title(title, fontsize=8, parse_math=False)
    return _pixels(figure)


def _figure(width: float, height: float) -> "Figure":
    pyplot()  # says how to get matplotlib where it is missing
    from matplotlib.figure import Figure

    # Without pyplot's list of open figures and without a window.
    return Figure(figsize=(width, height), dpi=100, layout="constrained")


def _pixels(figure: "Figure") -> NDArray[np.uint8]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]

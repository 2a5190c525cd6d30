"""Accuracy against the number of spheres."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from csnn_tf.errors import InputError
from csnn_tf.plots.matplotlib_extra import pyplot
from csnn_tf.plots.theme import MUTED, template

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_sphere_accuracy(
    spheres: Sequence[int],
    accuracies: ArrayLike,
    intervals: ArrayLike,
    complete: Sequence[bool] | None = None,
) -> "Figure":
    """A point with its interval for every number of spheres.

    Args:
        spheres: [S] numbers of spheres, increasing.
        accuracies: [S] shares from 0 to 1.
        intervals: [S, 2] lower and upper end of the interval of each.
        complete: [S] whether each was trained to the end; the others are drawn hollow.

    Returns:
        A matplotlib figure.

    Raises:
        InputError: If matplotlib is not installed, or the sizes differ.

    Example:
        >>> figure = plot_sphere_accuracy([1, 2], [0.8, 0.85], [[0.78, 0.82], [0.83, 0.87]])
    """
    plt = pyplot()
    share, ends = np.asarray(accuracies, float), np.asarray(intervals, float)
    count = len(spheres)
    done = np.ones(count, bool) if complete is None else np.asarray(complete, bool)
    if not count or share.shape != (count,) or ends.shape != (count, 2) or done.shape != (count,):
        raise InputError(
            f"an accuracy and an interval are needed for each of {count} numbers of spheres."
        )
    colour = template()["layout"]["colorway"][0]
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    places = np.arange(count)  # even steps: the numbers are usually powers of two
    errors = 100 * np.stack([share - ends[:, 0], ends[:, 1] - share])
    axes.errorbar(
        places, 100 * share, errors, color=colour, ecolor=MUTED, capsize=3, linewidth=1.5, zorder=2
    )
    for ended, face in ((True, colour), (False, "white")):
        axes.plot(
            places[done == ended],
            100 * share[done == ended],
            "o",
            color=colour,
            markerfacecolor=face,
            markersize=7,
            zorder=3,
            label="trained to the end" if ended else "cut short",
        )
    for place, value in zip(places, 100 * share, strict=True):
        axes.annotate(
            f"{value:.1f}",
            (place, value),
            (-7, 5),  # a rising line runs below it
            textcoords="offset points",
            ha="right",
            fontsize="small",
        )
    axes.set_xticks(places, [str(number) for number in spheres])
    axes.set_xlim(-0.5, count - 0.6)
    axes.set(xlabel="number of spheres", ylabel="shapes classified right, %")
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if not done.all():
        axes.legend(frameon=False)
    return figure

"""Accuracy by the rotations under which shapes were shown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.plots.theme import template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def plot_protocol_accuracy(
    protocols: Sequence[str], accuracies: ArrayLike, intervals: ArrayLike
) -> "Figure":
    """A point with its interval for every protocol.

    Args:
        protocols: [P] names, the first at the top.
        accuracies: [P] shares from 0 to 1.
        intervals: [P, 2] lower and upper end of the interval of each.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If plotly is missing.

    Example:
        >>> figure = plot_protocol_accuracy(["z", "SO(3)"], [0.9, 0.8], [[0.8, 1], [0.7, 0.9]])
    """
    go = graph_objects()
    share, ends = np.asarray(accuracies, float), np.asarray(intervals, float)
    figure = go.Figure(layout={"template": template(), "height": 90 + 48 * len(protocols)})
    figure.add_scatter(
        x=share,
        y=list(protocols),
        mode="markers+text",
        text=[f"{value:.1%}" for value in share],
        textposition="top center",
        marker={"size": 11},
        error_x={
            "array": ends[:, 1] - share,
            "arrayminus": share - ends[:, 0],
            "thickness": 2,
            "width": 5,
        },
        customdata=ends,
        hovertemplate="%{y}: %{x:.2%}, 95 %: %{customdata[0]:.2%} to %{customdata[1]:.2%}"
        "<extra></extra>",
    )
    room = max(0.02, 0.35 * float(np.ptp(ends)))
    figure.update_xaxes(
        title_text="shapes classified right",
        tickformat=".0%",
        range=[max(ends.min() - room, -0.02), min(ends.max() + room, 1.02)],
    )
    figure.update_yaxes(range=[len(protocols) - 0.4, -0.7], showgrid=False)
    return figure

"""Which classes are taken for which."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from csnn_tf.errors import InputError
from csnn_tf.plots.plotly_extra import graph_objects, shown
from csnn_tf.plots.theme import template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def plot_confusion_matrix(counts: ArrayLike, names: Sequence[str]) -> "Figure":
    """A cell for every pair of classes, coloured by its share of the true class's shapes.

    Args:
        counts: [K, K], rows the true class, columns the predicted one.
        names: [K] names of the classes.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If there is not one row and one column a name, or plotly is missing.

    Example:
        >>> figure = plot_confusion_matrix([[9, 1], [2, 8]], ["mug", "lamp"])
    """
    go = graph_objects()
    counts = np.asarray(counts)
    size = len(names)
    if counts.shape != (size, size):
        raise InputError(f"counts must be [{size}, {size}] for {size} names, not {counts.shape}.")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = go.Figure(layout={"template": template(), "height": 170 + max(17 * size, 200)})
    figure.add_heatmap(
        x=shown(names),
        y=shown(names),
        z=shares,
        zmin=0,
        zmax=1,
        customdata=counts,
        xgap=1,
        ygap=1,
        colorbar={"tickformat": ".0%", "title": {"text": "share", "side": "top"}},
        hovertemplate="%{y} taken for %{x}: %{customdata} shapes, %{z:.0%}<extra></extra>",
    )
    if size <= 12:
        figure.update_traces(text=counts, texttemplate="%{text}")
    axis = {
        "type": "category",  # names may look like numbers or dates
        "tickfont": {"size": 11 if size > 12 else 13},
        "dtick": 1,
        "showgrid": False,
    }
    figure.update_xaxes(title_text="predicted", tickangle=-90, **axis)
    figure.update_yaxes(title_text="true", autorange="reversed", **axis)
    return figure

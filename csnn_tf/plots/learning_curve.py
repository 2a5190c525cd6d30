"""How a quantity went over the epochs of a training run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from csnn_tf.errors import InputError
from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.plots.theme import MUTED, template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_LOGARITHMIC = 20
"""Curves whose largest value is so many times their smallest are drawn on a logarithmic axis."""


def plot_learning_curve(
    epochs: ArrayLike,
    curves: Mapping[str, ArrayLike],
    quantity: str,
    *,
    resumed: Sequence[int] = (),
    log: bool | None = None,
) -> "Figure":
    """One quantity by epoch; the parts after a resumption are shaded and named.

    Args:
        epochs: [E], numbers of the epochs.
        curves: Name to [E] values, NaN where there is none.
        quantity: What the values are, with their unit.
        resumed: The first epoch of every part that was resumed.
        log: Whether the values stand on a logarithmic axis; None decides by their range.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If a curve has another length than `epochs`, or plotly is missing.

    Example:
        >>> figure = plot_learning_curve([1, 2], {"training": [2.1, 1.4]}, "loss", resumed=[2])
    """
    go = graph_objects()
    epochs = np.asarray(epochs)
    values = {name: np.asarray(curve, float) for name, curve in curves.items()}
    for name, curve in values.items():
        if curve.shape != epochs.shape:
            raise InputError(
                f"the curve {name!r} has {curve.size} values for {epochs.size} epochs."
            )
    figure = go.Figure(layout={"template": template(), "height": 300})
    for name, curve in values.items():
        figure.add_scatter(
            x=epochs,
            y=curve,
            name=name,
            mode="lines+markers" if epochs.size < 15 else "lines",
            line={"width": 2},
            hovertemplate="epoch %{x}: %{y:.4g}",
        )
    starts = sorted(resumed)
    for start, end in zip(starts, [*starts[1:], epochs.max() + 1], strict=False):
        figure.add_vrect(
            x0=start - 0.5, x1=end - 0.5, fillcolor=MUTED, opacity=0.12, line_width=0, layer="below"
        )
        figure.add_vline(
            x=start - 0.5,
            line={"color": MUTED, "width": 1, "dash": "dot"},
            annotation={"text": "resumed", "textangle": -90, "xanchor": "left", "yanchor": "top"},
        )
    every = np.concatenate(list(values.values())) if values else np.zeros(0)
    every = every[np.isfinite(every)]
    if log is None:
        log = bool(every.size and every.min() > 0 and every.max() > _LOGARITHMIC * every.min())
    figure.update_xaxes(title_text="epoch", range=[epochs.min() - 0.5, epochs.max() + 0.5])
    figure.update_yaxes(title_text=quantity, type="log" if log else "linear")
    if log:
        figure.update_yaxes(exponentformat="power", dtick=1)
    figure.update_layout(showlegend=len(values) > 1, hovermode="x unified")
    return figure

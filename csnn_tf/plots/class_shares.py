"""A share for every class, as bars."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from csnn_tf.plots.plotly_extra import graph_objects, shown
from csnn_tf.plots.theme import MUTED, template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def plot_class_shares(
    names: Sequence[str], shares: ArrayLike, quantity: str, *, counts: ArrayLike | None = None
) -> "Figure":
    """One bar a class, the lowest at the top, and a line at the classes' mean.

    Used for the accuracy of each class and for its rotation consistency.

    Args:
        names: [K] names of the classes.
        shares: [K] from 0 to 1.
        quantity: What the share is of.
        counts: [K] shapes that each share was measured on, or None.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If plotly is missing.

    Example:
        >>> figure = plot_class_shares(["mug", "lamp"], [0.9, 0.7], "shapes classified right")
    """
    go = graph_objects()
    shares = np.asarray(shares, float)
    order = np.argsort(shares, kind="stable")
    counts = np.full(len(shares), np.nan) if counts is None else np.asarray(counts)
    of = "" if np.isnan(counts).all() else " of %{customdata} shapes"
    figure = go.Figure(layout={"template": template(), "height": 90 + 19 * len(shares)})
    figure.add_bar(
        x=shares[order],
        y=shown(names[place] for place in order),
        orientation="h",
        customdata=counts[order],
        hovertemplate="%{y}: %{x:.1%}" + of + "<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(
        x=float(shares.mean()),
        line={"color": MUTED, "width": 1.5, "dash": "dash"},
        annotation={
            "text": f"mean {shares.mean():.1%}",
            "xanchor": "right" if shares.mean() > 0.5 else "left",
            "yanchor": "bottom",
            "y": 1,
        },
    )
    figure.update_xaxes(title_text=quantity, tickformat=".0%", range=[0, 1.02])
    figure.update_yaxes(
        type="category",  # names may look like numbers or dates
        autorange="reversed",
        tickfont={"size": 11},
        showgrid=False,
        dtick=1,
        ticksuffix=" ",
    )
    figure.update_layout(bargap=0.25)
    return figure

"""Predicted against reference band energies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from csnn_tf.plots.plotly_extra import graph_objects, shown
from csnn_tf.plots.theme import MUTED, template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star", "cross", "triangle-down")


def plot_band_parity(
    reference: ArrayLike, predicted: ArrayLike, types: Sequence[str], names: Sequence[str] = ()
) -> "Figure":
    """A point for every structure, by colour and symbol its type; right is the diagonal.

    Args:
        reference: [S] band energies, eV/atom.
        predicted: [S] the model's; NaN where it has none.
        types: [S] structure types.
        names: [S] names of the structures, shown under the mouse.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If plotly is missing.

    Example:
        >>> figure = plot_band_parity([-40.1, -41.0], [-40.0, -41.1], ["diamond", "graphite"])
    """
    go = graph_objects()
    reference, predicted = np.asarray(reference, float), np.asarray(predicted, float)
    labels = np.asarray(shown(types), dtype=str)
    named = np.asarray(shown(names), dtype=str) if len(names) else labels
    figure = go.Figure(layout={"template": template(), "height": 460})
    both = np.concatenate([reference, predicted])
    ends = [np.nanmin(both), np.nanmax(both)]
    for place, kind in enumerate(dict.fromkeys(labels.tolist())):
        rows = labels == kind
        figure.add_scatter(
            x=reference[rows],
            y=predicted[rows],
            name=kind,
            mode="markers",
            marker=_marker(place),
            customdata=named[rows],
            hovertemplate="%{customdata}<br>reference %{x:.4f}, predicted %{y:.4f} eV/atom"
            "<extra></extra>",
        )
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        line={"color": MUTED, "dash": "dash", "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_xaxes(title_text="reference band energy (eV/atom)")
    figure.update_yaxes(title_text="predicted (eV/atom)")
    return figure


def plot_band_errors(
    errors: ArrayLike,
    types: Sequence[str],
    names: Sequence[str] = (),
    *,
    tolerance: float | None = None,
) -> "Figure":
    """Errors of the band energy by type, a point a structure, with the tolerance as a band.

    Args:
        errors: [S] predicted minus reference, eV/atom; NaN where there is none.
        types: [S] structure types.
        names: [S] names of the structures, shown under the mouse.
        tolerance: Half the height of the band, eV/atom, or None.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If plotly is missing.
    """
    go = graph_objects()
    errors, labels = np.asarray(errors, float), np.asarray(shown(types), dtype=str)
    named = np.asarray(shown(names), dtype=str) if len(names) else labels
    figure = go.Figure(layout={"template": template(), "height": 460})
    kinds = list(dict.fromkeys(labels.tolist()))
    rng = np.random.default_rng(0)
    for place, kind in enumerate(kinds):
        rows = labels == kind
        figure.add_scatter(
            # Spread sideways, so that points do not hide each other.
            x=place + rng.uniform(-0.28, 0.28, rows.sum()),
            y=errors[rows],
            name=kind,
            mode="markers",
            marker=_marker(place),
            customdata=named[rows],
            hovertemplate="%{customdata}<br>off by %{y:.4f} eV/atom<extra></extra>",
            showlegend=False,
        )
    if tolerance is not None:
        figure.add_hrect(
            y0=-tolerance, y1=tolerance, fillcolor=MUTED, opacity=0.15, line_width=0, layer="below"
        )
    figure.update_xaxes(
        tickvals=list(range(len(kinds))), ticktext=kinds, showgrid=False, zeroline=False
    )
    figure.update_yaxes(title_text="predicted − reference (eV/atom)", zerolinecolor=MUTED)
    return figure


def _marker(place: int) -> dict:
    return {"size": 8, "opacity": 0.85, "symbol": _SYMBOLS[place % len(_SYMBOLS)]}

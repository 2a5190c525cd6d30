"""A density of states beside its reference, in an interactive picture."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.plots.theme import MUTED, template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def plot_dos_curves(
    energies: ArrayLike,
    predicted: ArrayLike,
    reference: ArrayLike | None = None,
    *,
    fermi_level: float | None = None,
    reference_fermi_level: float | None = None,
) -> "Figure":
    """The predicted DOS as a line on the reference's area, both with their Fermi levels.

    Args:
        energies: [bins], eV from the vacuum level.
        predicted: [bins], states/eV/atom.
        reference: [bins], states/eV/atom, or None.
        fermi_level: Of the prediction, eV; None or NaN for none.
        reference_fermi_level: Of the reference, likewise.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If plotly is missing.

    Example:
        >>> energies = np.linspace(-30, 1, 311)
        >>> figure = plot_dos_curves(energies, np.exp(-((energies + 12) ** 2)), fermi_level=-5.0)
    """
    go = graph_objects()
    energies, predicted = np.asarray(energies), np.asarray(predicted)
    figure = go.Figure(layout={"template": template(), "height": 280})
    top = float(predicted.max())
    figure.add_scatter(
        x=energies, y=predicted, name="predicted", mode="lines", line={"width": 1.8}, zorder=2
    )
    if reference is not None:
        reference = np.asarray(reference)
        top = max(top, float(reference.max()))
        figure.add_scatter(
            x=energies,
            y=reference,
            name="reference",
            mode="lines",
            line={"color": MUTED, "width": 1},
            fill="tozeroy",
            fillcolor="rgba(134,141,150,0.3)",
        )
    levels = (
        (fermi_level, "E<sub>F</sub>", {"width": 1.5}),
        (reference_fermi_level, "E<sub>F</sub>, reference", {"color": MUTED, "dash": "dash"}),
    )
    for level, name, line in levels:
        if level is not None and np.isfinite(level):
            figure.add_scatter(
                x=[level, level],
                y=[0, 1.04 * top],
                name=name,
                mode="lines",
                line=line,
                hovertemplate="%{x:.3f} eV",
            )
    figure.update_xaxes(title_text="energy from the vacuum level (eV)", hoverformat=".2f")
    figure.update_yaxes(title_text="states/eV/atom", range=[0, 1.08 * top], hoverformat=".4f")
    return figure

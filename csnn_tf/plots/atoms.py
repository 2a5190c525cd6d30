"""A structure whose atoms carry a number as their colour."""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.errors import InputError
from csnn_tf.plots.cloud import scene
from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.plots.theme import MUTED, SHADES, template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_BOND = 1.25
"""Atoms nearer than so many sums of their covalent radii are drawn as bonded."""


def plot_atoms(
    positions: ArrayLike,
    numbers: ArrayLike,
    values: ArrayLike,
    quantity: str,
    *,
    cell: ArrayLike | None = None,
) -> "Figure":
    """Atoms in 3D, coloured by a value of each, with bonds and the cell's edges.

    Args:
        positions: [A, 3], Å.
        numbers: [A] atomic numbers.
        values: [A].
        quantity: What the values are, with their unit.
        cell: [3, 3] lattice vectors as rows, Å, or None.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If the arrays do not belong together, or plotly is missing.

    Example:
        >>> figure = plot_atoms([[0, 0, 0], [0, 0, 1.2]], [6, 8], [0.1, -0.1], "charge (e)")
    """
    go = graph_objects()
    from ase.data import chemical_symbols, covalent_radii

    positions, values = np.asarray(positions, float), np.asarray(values, float)
    numbers = np.asarray(numbers, int)
    if positions.shape != (len(values), 3) or numbers.shape != values.shape:
        raise InputError(
            f"plot_atoms expects a position, an atomic number and a value for each atom, not "
            f"{positions.shape}, {numbers.shape} and {values.shape}."
        )
    figure = go.Figure(layout={"template": template(), "height": 340})
    corners = np.zeros((0, 3))
    if cell is not None and np.any(cell):
        corners, edges = _edges(np.asarray(cell, float))
        _lines(figure, edges, 1.5)
    _lines(figure, _bonds(positions, covalent_radii[numbers]), 4)
    figure.add_scatter3d(
        **dict(zip("xyz", positions.T, strict=True)),
        mode="markers",
        marker={
            "size": 9 if len(positions) < 80 else 7,
            "color": values,
            "colorscale": SHADES,
            "colorbar": {"title": {"text": quantity, "side": "right"}, "thickness": 12},
            "line": {"width": 0},
        },
        customdata=[f"{chemical_symbols[n]} {place}" for place, n in enumerate(numbers)],
        hovertemplate="%{customdata}: %{marker.color:.4g}<extra></extra>",
        showlegend=False,
    )
    # The colour bar takes from the width of what is often a narrow card.
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        scene=scene(np.concatenate([positions, corners]), distance=1.9),
    )
    return figure


def _edges(cell: NDArray) -> tuple[NDArray, NDArray]:
    """Corners [8, 3] of a cell and its edges [12, 2, 3]."""
    corners = np.array(list(product((0, 1), repeat=3)))
    pairs = [
        (one, two)
        for one in range(8)
        for two in range(one, 8)
        if np.abs(corners[one] - corners[two]).sum() == 1
    ]
    return corners @ cell, (corners @ cell)[pairs]


def _bonds(positions: NDArray, radii: NDArray) -> NDArray:
    """Ends [bonds, 2, 3] of the bonds within the cell."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(positions).query_pairs(2 * _BOND * radii.max(), output_type="ndarray")
    distance = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    return positions[pairs[distance < _BOND * radii[pairs].sum(axis=1)]]


def _lines(figure: "Figure", ends: NDArray, width: float) -> None:
    # One trace for all: a gap, which NaN makes, between each line and the next.
    points = np.concatenate([ends, np.full((len(ends), 1, 3), np.nan)], axis=1).reshape(-1, 3)
    figure.add_scatter3d(
        **dict(zip("xyz", points.T, strict=True)),
        mode="lines",
        line={"color": MUTED, "width": width},
        hoverinfo="skip",
        showlegend=False,
    )

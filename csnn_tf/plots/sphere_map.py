"""Feature maps as colours on icospheres about the points that made them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.errors import InputError
from csnn_tf.grid import icosphere
from csnn_tf.layers.neighbor_sum import level_of
from csnn_tf.plots.cloud import camera
from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.plots.theme import MUTED, SHADES, template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST_POINTS = 2048
_MOST_LINES = 2
"""Level of the icosphere that stands for the spheres that are not chosen: finer ones hide all."""


def plot_sphere_map(
    features: ArrayLike,
    points: ArrayLike | None = None,
    *,
    channel: int = 0,
    sphere: int = 0,
    largest: float | None = None,
    upright_axis: int = 2,
) -> "Figure":
    """A feature map on concentric icospheres; a slider chooses the sphere that carries colours.

    Args:
        features: [vertex, sphere, channel] of one cloud or atom.
        points: [n, 3] what was mapped, about the centre and in units of the outermost radius.
        channel: Which channel is shown.
        sphere: Which sphere is shown first.
        largest: Value of the scale's upper end; None for the channel's largest.
        upright_axis: Coordinate that points up.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If the vertex axis is no icosphere's, a channel or sphere does not exist, or
            plotly is missing.

    Example:
        >>> figure = plot_sphere_map(np.random.default_rng(0).random((162, 4, 1)))
    """
    go = graph_objects()
    features = np.asarray(features, np.float32)
    if features.ndim != 3:
        raise InputError(f"features must be [vertex, sphere, channel], not {features.shape}.")
    level = level_of(features.shape[0], "plot_sphere_map")
    spheres = features.shape[1]
    for name, value, size in (("channel", channel, features.shape[2]), ("sphere", sphere, spheres)):
        if not 0 <= value < size:
            raise InputError(f"{name} must be from 0 to {size - 1}, not {value}.")
    values = features[:, :, channel]
    top = float(values.max() if largest is None else largest)
    grid = icosphere(level)
    figure = go.Figure(layout={"template": template(), "height": 430})
    if points is not None:
        points = np.asarray(points, np.float32)
        if len(points) > _MOST_POINTS:
            points = points[np.linspace(0, len(points) - 1, _MOST_POINTS).astype(int)]
        figure.add_scatter3d(
            **_axes(points),
            mode="markers",
            marker={"size": 2.5 if len(points) > 200 else 6, "color": "#c9530c"},
            name="points",
            hoverinfo="skip",
        )
    for number in range(spheres):
        radius = (number + 1) / spheres
        figure.add_scatter3d(
            **_axes(_wires(min(level, _MOST_LINES)) * radius),
            mode="lines",
            line={"color": MUTED, "width": 1},
            opacity=0.25,
            hoverinfo="skip",
        )
    for number in range(spheres):
        figure.add_mesh3d(
            **_axes(grid.vertices.astype(np.float32) * ((number + 1) / spheres)),
            **dict(zip("ijk", grid.faces.astype(np.int32).T, strict=True)),
            intensity=values[:, number],
            cmin=min(float(values.min()), 0.0),
            cmax=max(top, 1e-9),
            colorscale=SHADES,
            opacity=0.65,
            visible=number == sphere,
            flatshading=False,
            colorbar={"thickness": 12, "title": {"text": "feature", "side": "right"}},
            hovertemplate="%{intensity:.4g}<extra></extra>",
        )
    always = len(figure.data) - spheres
    steps = [
        {
            "label": str(number),
            "method": "restyle",
            "args": [{"visible": [True] * always + [one == number for one in range(spheres)]}],
        }
        for number in range(spheres)
    ]
    axis = {"range": [-1.02, 1.02]}
    figure.update_layout(
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        scene={
            **dict.fromkeys(("xaxis", "yaxis", "zaxis"), axis),
            "aspectmode": "cube",
            "dragmode": "orbit",
            "camera": camera(upright_axis, 1.4),
        },
    )
    if spheres > 1:
        figure.update_layout(
            height=470,
            margin_b=24,
            sliders=[
                {
                    "steps": steps,
                    "active": sphere,
                    "currentvalue": {"prefix": "sphere "},
                    "pad": {"t": 0, "b": 22, "l": 8, "r": 8},
                }
            ],
        )
    return figure


def _axes(points: NDArray) -> dict[str, NDArray]:
    return dict(zip("xyz", points.T, strict=True))


def _wires(level: int) -> NDArray:
    """The edges of an icosphere as one line, with gaps, [edges * 3, 3]."""
    grid = icosphere(level)
    pairs = np.concatenate([grid.faces[:, [0, 1]], grid.faces[:, [1, 2]], grid.faces[:, [2, 0]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    ends = grid.vertices[pairs]
    gaps = np.full((len(ends), 1, 3), np.nan)
    return np.concatenate([ends, gaps], axis=1).reshape(-1, 3).astype(np.float32)

"""A point cloud in 3D."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from csnn_tf.errors import InputError
from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.plots.theme import SHADES, template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST = 2048


def plot_cloud(points: ArrayLike, *, upright_axis: int = 1, most: int = _MOST) -> "Figure":
    """A cloud that is turned with the mouse; height shows as colour, which gives it depth.

    Args:
        points: [n, 3], any length unit.
        upright_axis: Coordinate along which the shape stands.
        most: Larger clouds are thinned out to this many points, evenly through the array.

    Returns:
        A Plotly figure.

    Raises:
        InputError: If `points` is not [n, 3] or plotly is missing.

    Example:
        >>> figure = plot_cloud(np.random.default_rng(0).normal(size=(500, 3)))
    """
    go = graph_objects()
    points = np.asarray(points, np.float32)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise InputError(f"plot_cloud expects points [n, 3], not {points.shape}.")
    if len(points) > most:
        points = points[np.linspace(0, len(points) - 1, most).astype(int)]
    figure = go.Figure(layout={"template": template(), "height": 300})
    figure.add_scatter3d(
        **dict(zip("xyz", points.T, strict=True)),
        mode="markers",
        marker={"size": 2.4, "color": points[:, upright_axis], "colorscale": SHADES},
        hoverinfo="skip",
    )
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        scene=scene(points, upright_axis),
    )
    return figure


def scene(points: ArrayLike, upright_axis: int = 2, distance: float = 1.32) -> dict:
    """A Plotly scene in which points stay in view however they are turned.

    Args:
        points: [n, 3].
        upright_axis: Coordinate that points up.
        distance: Of the camera; more where a scene is higher than wide.
    """
    points = np.asarray(points, float)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = max(float(np.linalg.norm(points - middle, axis=1).max()), 1e-9)
    axes = {
        f"{name}axis": {"range": [float(at - radius), float(at + radius)]}
        for name, at in zip("xyz", middle, strict=True)
    }
    return {
        **axes,
        "aspectmode": "cube",
        "dragmode": "orbit",
        "camera": camera(upright_axis, distance),
    }


def camera(upright_axis: int = 2, distance: float = 1.32) -> dict:
    """A camera in front of the scene, a little above and to the side, for a Plotly scene."""
    up = np.roll([0.0, 0.0, 1.0], upright_axis - 2)
    eye = np.roll([0.72, 0.58, 0.42], upright_axis - 2) * distance
    return {"up": dict(zip("xyz", up, strict=True)), "eye": dict(zip("xyz", eye, strict=True))}

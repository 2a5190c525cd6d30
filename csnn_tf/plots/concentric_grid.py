"""Pictures of the concentric grid and of feature maps on it."""

from typing import TYPE_CHECKING

import numpy as np

from csnn_tf.grid import icosphere
from csnn_tf.layers.neighbor_sum import level_of
from csnn_tf.plots.matplotlib_extra import pyplot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_concentric_grid(level: int = 2, spheres: int = 3) -> "Figure":
    """Nested icospheres, cut open along a plane through the centre.

    Args:
        level: Level of the icosphere.
        spheres: Number of spheres.

    Returns:
        A matplotlib figure.

    Raises:
        InputError: If the level is out of range or matplotlib is missing.
    """
    plt = pyplot()
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    grid = icosphere(level)
    corners = grid.vertices[grid.faces]
    # The quarter that faces the viewer is left out of every sphere but the innermost.
    centre = corners.mean(axis=1)
    behind = ~((centre @ _VIEW > 0.1) & (centre[:, 2] > -0.35))
    figure = plt.figure(figsize=(5, 5))
    axes = figure.add_subplot(projection="3d")
    shades = plt.get_cmap("viridis")(np.linspace(0.15, 0.85, spheres))
    faces, colours = [], []
    for number in range(spheres):
        kept = np.full(len(corners), True) if number == 0 else behind
        faces.append(corners[kept] * (number + 1) / spheres)
        colours.append(_lit(shades[number][:3], centre[kept]))
    # One collection, so that faces of different spheres are sorted by depth together.
    axes.add_collection3d(
        Poly3DCollection(
            np.concatenate(faces),
            facecolor=np.concatenate(colours),
            edgecolor=(1, 1, 1, 0.7),
            linewidth=0.4,
        )
    )
    _finish(axes, f"{spheres} spheres of {grid.num_vertices} vertices")
    return figure


def plot_feature_map(
    features: np.ndarray,
    points: np.ndarray | None = None,
    *,
    channel: int = 0,
    turn: np.ndarray | None = None,
) -> "Figure":
    """A cloud beside its features on each sphere, as colours at the vertices.

    Args:
        features: [vertex, sphere, channel] features of one cloud.
        points: [n, 3] the cloud itself, or None.
        channel: Which channel is shown.
        turn: [3, 3] rotation of the drawn vertices, so that they fit points turned for the picture.

    Returns:
        A matplotlib figure.

    Raises:
        InputError: If the vertex axis is no icosphere's, or matplotlib is missing.
    """
    plt = pyplot()
    grid = icosphere(level_of(features.shape[0], "plot_feature_map"))
    vertices = grid.vertices if turn is None else grid.vertices @ turn.T
    spheres = features.shape[1]
    columns = spheres + (points is not None)
    figure = plt.figure(figsize=(3 * columns, 3.4))
    place = 1
    if points is not None:
        axes = figure.add_subplot(1, columns, place, projection="3d")
        axes.scatter(*points.T, s=3, c="0.25", linewidths=0)
        _finish(axes, f"{len(points)} points")
        place += 1
    largest = max(float(features[..., channel].max()), 1e-9)
    colours = plt.get_cmap("viridis")
    for number in range(spheres):
        axes = figure.add_subplot(1, columns, place + number, projection="3d")
        values = features[:, number, channel] / largest
        front = values > 0.01
        axes.scatter(*(vertices[~front] * (number + 1) / spheres).T, s=2, c="0.85", linewidths=0)
        axes.scatter(
            *(vertices[front] * (number + 1) / spheres).T,
            s=14,
            c=colours(np.sqrt(values[front])),
            linewidths=0,
        )
        _finish(axes, f"sphere {number}")
    return figure


_VIEW = np.array([np.cos(np.radians(-50)), np.sin(np.radians(-50)), 0.4])


def _lit(colour: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """A colour for each face, brighter where the face or its inside looks at the viewer."""
    light = 0.55 + 0.45 * np.abs(normals @ _VIEW) / np.linalg.norm(_VIEW)
    return np.concatenate([light[:, None] * colour, np.ones((len(normals), 1))], axis=1)


def _finish(axes, title: str) -> None:
    axes.set_box_aspect((1, 1, 1))
    axes.set(xlim=(-0.62, 0.62), ylim=(-0.62, 0.62), zlim=(-0.62, 0.62))
    axes.set_axis_off()
    axes.view_init(elev=22, azim=-50)
    axes.set_title(title, fontsize=10)

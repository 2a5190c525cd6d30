"""The page that shows one input on its concentric grid."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from csnn_tf.errors import InputError
from csnn_tf.grid import icosahedral_rotations, random_rotations, vertex_permutations
from csnn_tf.layers.neighbor_sum import level_of
from csnn_tf.plots.sphere_map import plot_sphere_map
from csnn_tf.report.grid_view import GridView
from csnn_tf.report.html import grid, number, picture, section, table
from csnn_tf.report.page import render_page, write_page

_ROTATION = 20
"""Place of the icosahedral rotation that is shown; any but the first, which turns nothing."""


def write_view(
    view: GridView,
    path: Path,
    *,
    channel: int | None = None,
    sphere: int | None = None,
    turned: bool = False,
    upright_axis: int = 2,
) -> tuple[int, int]:
    """Write an HTML page with a view, by itself or beside itself turned in two ways.

    Args:
        view: What is shown.
        path: HTML file to write.
        channel: Channel; None for the one that varies most.
        sphere: Sphere that is shown first; None for the one that varies most.
        turned: Whether the input is also shown turned by a rotation of the icosahedron, which the
            features follow exactly, and by an arbitrary one.
        upright_axis: Coordinate that points up.

    Returns:
        Channel and sphere.

    Raises:
        InputError: If a number is out of range, the file cannot be written, or plotly is missing.
    """
    points, features = view.features()
    channel, sphere = choose(features, channel, sphere)
    largest = float(features[:, :, channel].max())
    vertices, count = features.shape[:2]
    spheres = f"{count} sphere{'s' * (count != 1)}"

    def card(points: NDArray, features: NDArray, heading: str, caption: str) -> str:
        return picture(
            plot_sphere_map(
                features,
                points,
                channel=channel,
                sphere=sphere,
                largest=largest,
                upright_axis=upright_axis,
            ),
            f"{heading}: {view.shown} on {spheres} about {len(points)} points.",
            heading=heading,
            caption=caption,
            data=_numbers(features[:, :, channel]),
        )

    heading, caption = "As filed", f"{len(points)} points."
    if view.tilted:
        heading = "As the tilted grid sees it"
        caption += (
            " The model's grid is tilted against the axes of the file; here it stands upright."
        )
    cards = [card(points, features, heading, caption)]
    if turned:
        level = level_of(vertices, "show")
        turn = icosahedral_rotations()[_ROTATION]
        moved, other = view.features(turn)
        expected = np.empty_like(features)
        expected[vertex_permutations(level)[_ROTATION]] = features
        off = float(np.abs(other - expected).max() / max(np.abs(features).max(), 1e-9))
        cards.append(
            card(
                moved,
                other,
                "Turned by a rotation of the icosahedron",
                f"The features turn with the input, to {number(off, 2)} of their largest value.",
            )
        )
        moved, other = view.features(random_rotations(1, np.random.default_rng(0))[0])
        summary = np.abs(other.max(axis=(0, 1)) - features.max(axis=(0, 1))).max()
        off = float(summary / max(np.abs(features).max(), 1e-9))
        cards.append(
            card(
                moved,
                other,
                "Turned by an arbitrary rotation",
                "Between the vertices the grid cannot follow exactly: the channels' maxima over "
                f"the grid change by up to {number(off, 2)} of the largest value.",
            )
        )
    slider = "The slider chooses the sphere that carries colours; drag" if count > 1 else "Drag"
    last = features.shape[2] - 1
    lead = f"{view.shown.capitalize()}, channel {channel} (of 0 to {last}). {slider} to turn."
    body = section("view", "On the grid", grid(*cards, narrowest=380), lead=lead)
    write_page(path, render_page(view.name, f"{spheres} of {vertices} vertices", [body]))
    return channel, sphere


def choose(features: NDArray, channel: int | None, sphere: int | None) -> tuple[int, int]:
    """Channel and sphere to show: as asked, else where the features vary most over the vertices.

    Args:
        features: [vertex, sphere, channel].
        channel: The channel asked for, or None.
        sphere: The sphere asked for, or None.

    Raises:
        InputError: If one does not exist.
    """
    for name, value, size in (
        ("channel", channel, features.shape[2]),
        ("sphere", sphere, features.shape[1]),
    ):
        if value is not None and not 0 <= value < size:
            raise InputError(f"--{name} must be from 0 to {size - 1}, not {value}.")
    spread = features.std(axis=0)
    if channel is None:
        channel = int(spread.max(axis=0).argmax() if sphere is None else spread[sphere].argmax())
    if sphere is None:
        sphere = int(spread[:, channel].argmax())
    return channel, sphere


def _numbers(values: NDArray) -> str:
    rows = [
        (place, *(number(float(value)) for value in (part.min(), part.mean(), part.max())))
        for place, part in enumerate(values.T)
    ]
    return table(("sphere", "smallest", "mean", "largest"), rows)

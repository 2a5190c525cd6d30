"""Colours and type of the interactive pictures, for a light and for a dark page."""

from typing import Any, Literal

Scheme = Literal["light", "dark"]

_INK = {"light": "#24272b", "dark": "#e4e6ea"}
_GRID = {"light": "#e3e5e8", "dark": "#363b43"}
_PAPER = {"light": "#ffffff", "dark": "#1b1e23"}
# The same order of hues in both, dark enough on white and light enough on black to be read.
_HUES = {
    "light": ("#1f6fc9 #c9530c #178267 #a8308a", "#806600 #6a4cc4 #bd2f2f #59636e"),
    "dark": ("#6ca8f5 #f29a5c #49c7a3 #e780cc", "#d4b93f #aa98f3 #f07f74 #a4aeb9"),
}
_SEQUENTIAL = {
    "light": [[0, "#f6f8fb"], [0.08, "#d3e3f6"], [0.5, "#4b8fd9"], [1, "#0d3a75"]],
    "dark": [[0, "#20242a"], [0.08, "#213a58"], [0.5, "#3f83cc"], [1, "#d2e6ff"]],
}

SHADES = [[0, "#5b47c9"], [0.35, "#2d7fd6"], [0.7, "#1fa58a"], [1, "#d39a1b"]]
"""A colour scale whose every shade can be told from a white and from a black background."""

MUTED = "#868d96"
"""For reference lines and what stands back, on either background."""


def template(scheme: Scheme = "light") -> dict[str, Any]:
    """A Plotly template.

    Args:
        scheme: "light" or "dark", the page that the picture stands on.

    Returns:
        What `layout.template` of a figure takes.

    Example:
        >>> template("dark")["layout"]["font"]["color"]
        '#e4e6ea'
    """
    ink, grid = _INK[scheme], _GRID[scheme]
    axis = {
        "gridcolor": grid,
        "linecolor": grid,
        "zerolinecolor": grid,
        "tickcolor": grid,
        "automargin": True,
        "title": {"standoff": 8},
    }
    bar = {"outlinewidth": 0, "thickness": 12}
    hidden = {"visible": False, "showbackground": False, "showspikes": False}
    return {
        "layout": {
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": " ".join(_HUES[scheme]).split(),
            "xaxis": axis,
            "yaxis": axis,
            "scene": {"xaxis": hidden, "yaxis": hidden, "zaxis": hidden},
            "hoverlabel": {
                "bgcolor": _PAPER[scheme],
                "bordercolor": grid,
                "font": {"color": ink, "size": 13},
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.02,
                "yanchor": "bottom",
            },
            "margin": {"l": 8, "r": 12, "t": 28, "b": 8},
        },
        "data": {
            "heatmap": [{"colorbar": bar, "colorscale": _SEQUENTIAL[scheme]}],
            "mesh3d": [{"colorbar": bar}],
            "scatter3d": [{"marker": {"colorbar": bar}}],
        },
    }

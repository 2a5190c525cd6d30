"""Pieces of a page: pictures with their text, tables, sections."""

import html
from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_numbers = count(1)


def text(value: Any) -> str:
    """A value as HTML text, special characters escaped."""
    return html.escape(str(value))


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage; a dash where there is none."""
    return "–" if share != share else f"{100 * share:.{digits}f} %"


def short(name: str) -> str:
    """The name of a shape or structure without the folders that it lies in."""
    return str(name).replace("\\", "/").rsplit("/", 1)[-1]


def number(value: float | None, digits: int = 4) -> str:
    """A number to significant digits; a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.{digits}g}"


def fixed(value: float, decimals: int = 4) -> str:
    """A number to decimal places, for columns; a dash where there is none."""
    return "–" if value != value else f"{value:.{decimals}f}"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> str:
    """A table; every column but the first is set like numbers.

    Args:
        head: Names of the columns.
        rows: Cells, which are escaped.
        caption: Its title, or nothing.
    """
    title = f"<caption>{text(caption)}</caption>" if caption else ""
    top = "".join(f'<th scope="col">{text(name)}</th>' for name in head)
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{text(cell)}</th>' if place == 0 else f"<td>{text(cell)}</td>"
            for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    # Focusable, so that a wide table can be scrolled with the keyboard.
    return (
        f'<div class="scroll" tabindex="0"><table>{title}<thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def picture(
    figure: "Figure",
    description: str,
    *,
    heading: str = "",
    caption: str = "",
    data: str = "",
    wide: int = 0,
    narrow: bool = False,
) -> str:
    """A plot with a heading, a caption and its numbers as a table to unfold.

    Args:
        figure: A Plotly figure; its template gives way to the page's.
        description: What a screen reader says in the plot's place.
        heading: What stands above it.
        caption: HTML that stands below it.
        data: HTML of the table with the plot's numbers.
        wide: Width in pixels below which the plot is scrolled instead of squeezed.
        narrow: Whether the plot would look stretched over the whole page.
    """
    content = figure.to_plotly_json()
    height = content["layout"].pop("height", 360)
    content["layout"].pop("template", None)
    name = f"plot{next(_numbers)}"
    title = f"<h3>{text(heading)}</h3>" if heading else ""
    three = any(trace["type"] in ("scatter3d", "mesh3d") for trace in content["data"])
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    numbers = f"<details><summary>The numbers as a table</summary>{data}</details>" if data else ""
    style = f"height:{height}px" + (f";min-width:{wide}px" if wide else "")
    return (
        f'<figure class="card{" narrow" if narrow else ""}">{title}'
        f'<div class="{"scroll" if wide else "still"}"{" tabindex=0" if wide else ""}>'
        f'<div id="{name}" class="plot{" three" if three else ""}" role="img" '
        f'aria-label="{html.escape(description)}" style="{style}"></div></div>'
        f'<script type="application/json" data-plot="{name}">{_json(content)}</script>'
        f"{below}{numbers}</figure>"
    )


def grid(*blocks: str, narrowest: int = 420) -> str:
    """Blocks side by side as far as there is room, each at least so many pixels wide."""
    return f'<div class="grid" style="--narrowest:{narrowest}px">{"".join(blocks)}</div>'


def tiles(entries: Iterable[tuple[str, str, str]]) -> str:
    """The figures at the top of the page: value, what it is, and a remark."""
    return (
        '<dl class="tiles">'
        + "".join(
            f"<div><dt>{text(name)}</dt><dd>{text(value)}"
            + (f"<small>{text(remark)}</small>" if remark else "")
            + "</dd></div>"
            for value, name, remark in entries
        )
        + "</dl>"
    )


def section(name: str, title: str, *blocks: str, lead: str = "") -> tuple[str, str, str]:
    """A section of a page: its anchor, its title and its HTML.

    Args:
        name: Anchor.
        title: Heading.
        *blocks: HTML.
        lead: HTML of the paragraph under the heading.
    """
    intro = f'<p class="lead">{lead}</p>' if lead else ""
    body = "".join(blocks)
    return (
        name,
        title,
        f'<section id="{name}"><h2>{text(title)}</h2>{intro}{body}</section>',
    )


def _json(content: Any) -> str:
    """JSON that may stand inside a script element."""
    from plotly.io.json import to_json_plotly

    packed = to_json_plotly(content)
    return packed.replace("<", "\\u003c")

"""One HTML file that needs nothing but itself."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from csnn_tf.atomic_files import write_aside
from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.plots.theme import template
from csnn_tf.report.html import text


def render_page(title: str, subtitle: str, sections: Sequence[tuple[str, str, str]]) -> str:
    """The page as HTML: styles, script and the plotting library are in it.

    Args:
        title: Heading of the page.
        subtitle: Line under the heading.
        sections: From `csnn_tf.report.html.section`.

    Raises:
        InputError: If plotly is missing.
    """
    graph_objects()
    from plotly.offline import get_plotlyjs

    here = files("csnn_tf.report")
    themes = {scheme: template(scheme) for scheme in ("light", "dark")}
    return Template(here.joinpath("page.html").read_text("utf-8")).substitute(
        title=text(title),
        subtitle=text(subtitle),
        style=here.joinpath("page.css").read_text("utf-8"),
        links="".join(f'<a href="#{name}">{text(label)}</a>' for name, label, _ in sections),
        sections="\n".join(body for _, _, body in sections),
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
        themes=json.dumps(themes),
        script=here.joinpath("page.js").read_text("utf-8"),
    )


def write_page(path: Path, page: str) -> None:
    """Write a page, aside and then into place, a ? for what is not UTF-8 in a folder's name.

    Raises:
        InputError: If the folder cannot be written.
    """
    write_aside(path, lambda temporary: temporary.write_text(page, "utf-8", "replace"))

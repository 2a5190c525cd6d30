"""The pages in a real browser: complete, quiet, drawn, readable, and one can turn what is 3D."""

import io
import re

import numpy as np
import pytest

from tests.report.chromium import chromium, chromium_path, draw_all

pytest.importorskip("playwright", reason="needs Playwright: pip install 'csnn-tf[test]'")
pytestmark = pytest.mark.skipif(
    chromium_path() is None, reason="needs Chromium: apt-get install chromium, or CSNN_TF_CHROMIUM"
)


@pytest.fixture(scope="module")
def browser():
    with chromium() as context:
        yield context


def opened(browser, path, width=1400, scheme="light"):
    """A page with everything drawn, and what it asked for and complained about."""
    page = browser.new_page()
    heard = []
    page.on("request", lambda request: heard.append(("request", request.url)))
    page.on("pageerror", lambda error: heard.append(("error", str(error))))
    page.on(
        "console",
        lambda message: heard.append(("error", message.text)) if message.type == "error" else None,
    )
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path.as_uri())
    return page, heard, draw_all(page)


@pytest.fixture(scope="module", params=["classifier", "dos"])
def page(request, browser):
    path, _ = request.getfixturevalue(f"{request.param}_page")
    page, heard, count = opened(browser, path)
    page.heard, page.path, page.count = heard, path, count
    yield page
    page.close()


def pixels(locator) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(locator.screenshot())) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_nothing_but_the_page_is_loaded_and_nothing_fails(page):
    asked = [url for kind, url in page.heard if kind == "request"]
    inside = [url for url in asked if url.startswith(("data:", "blob:"))]
    assert [url for url in asked if url not in inside] == [page.path.as_uri()]
    assert [text for kind, text in page.heard if kind == "error"] == []


def test_every_plot_is_drawn(page):
    assert page.count >= 9
    for place in range(page.count):
        plot = page.locator(".plot").nth(place)
        plot.scroll_into_view_if_needed()
        if "three" not in plot.get_attribute("class"):
            marks = ".scatterlayer .trace path, .barlayer .point, .heatmaplayer image"
            assert plot.locator(marks).count() >= 1, plot.get_attribute("aria-label")
        colours = np.unique(pixels(plot).reshape(-1, 3), axis=0)
        assert len(colours) > 8, plot.get_attribute("aria-label")


def test_every_plot_has_its_numbers_as_text(page):
    for place in range(page.count):
        figure = page.locator("figure").nth(place)
        assert len(figure.locator(".plot").get_attribute("aria-label")) > 20
        assert figure.locator("table tbody tr").count() >= 1
    page.locator("summary").first.click()
    assert page.locator("details[open] table").first.is_visible()


def test_dragging_turns_a_scene(page):
    scene = page.locator(".plot.three").first
    scene.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    before, again = pixels(scene), pixels(scene)
    box = scene.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 15, steps=3)
    page.mouse.move(x + 90, y + 30, steps=3)
    page.mouse.up()
    page.wait_for_timeout(500)
    still = np.mean(np.abs(before - again).max(axis=2) > 30)
    turned = np.mean(np.abs(before - pixels(scene)).max(axis=2) > 30)
    assert turned > 0.005
    assert turned > 10 * still


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
def test_readable_at_any_width_and_in_the_dark(page, width, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(700)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = colour(page, "figure.card", "backgroundColor")
    assert (luminance(paper) < 0.1) == (scheme == "dark")
    for selector, name in (
        ("h1", "color"),
        ("figcaption", "color"),
        ("summary", "color"),
        (".xtick text", "fill"),
        (".ytitle", "fill"),
    ):
        assert contrast(colour(page, selector, name), paper) > 4.5, selector
    sizes = page.evaluate(
        "[...document.querySelectorAll('p, td, th, dd, dt, small, figcaption, .plot text')]"
        ".filter(e => e.getClientRects().length && e.textContent.trim())"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 10
    outside = page.evaluate(
        "[...document.querySelectorAll('.still > .plot')].filter(e => "
        "e.getBoundingClientRect().right > innerWidth + 1 || "
        "e.querySelector('.main-svg').getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert outside == 0


def colour(page, selector: str, name: str) -> tuple[float, ...]:
    text = page.evaluate(
        "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]",
        [selector, name],
    )
    return tuple(float(value) for value in re.findall(r"[\d.]+", text)[:3])


def luminance(rgb: tuple[float, ...]) -> float:
    """Relative luminance as the Web Content Accessibility Guidelines define it."""
    channels = [value / 255 for value in rgb]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: tuple[float, ...], two: tuple[float, ...]) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)

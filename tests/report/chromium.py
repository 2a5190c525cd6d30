"""A headless Chromium for tests and screenshots: the machine's own, nothing is downloaded."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator

_FLAGS = (
    "--no-sandbox",  # root, as in containers, cannot have one
    "--use-angle=swiftshader",  # WebGL without a graphics card
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> str | None:
    """The browser's program, or None: CSNN_TF_CHROMIUM if set, else what the PATH holds."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = (shutil.which(name) for name in names)
    return os.environ.get("CSNN_TF_CHROMIUM") or next(filter(None, found), None)


@contextlib.contextmanager
def chromium() -> Iterator:
    """A browser context (Playwright's) with an empty profile."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium_path(), headless=True, args=list(_FLAGS)
        )
        try:
            yield context
        finally:
            context.close()


def draw_all(page) -> int:
    """Scroll to every plot, as a reader does, until all are drawn; how many there are."""
    plots = page.locator(".plot")
    count = plots.count()
    for place in range(count):
        plots.nth(place).scroll_into_view_if_needed()
        page.wait_for_function(
            "place => 'drawn' in document.querySelectorAll('.plot')[place].dataset",
            arg=place,
            timeout=120_000,
        )
    return count

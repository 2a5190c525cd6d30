"""Screenshots of the pages of `csnn-tf report` for the README.

    python -m scripts.readme_screenshots CLASSIFIER.html DOS.html [FOLDER]

Needs Chromium, Playwright and Pillow: pip install '.[test]'.
"""

import io
from pathlib import Path

import click

from tests.report.chromium import chromium, draw_all

_WIDTH = 1400
_MOST_BYTES = 300_000


@click.command()
@click.argument("classifier", type=click.Path(path_type=Path, exists=True))
@click.argument("dos", type=click.Path(path_type=Path, exists=True))
@click.argument("folder", type=click.Path(path_type=Path), default="docs/images")
def main(classifier: Path, dos: Path, folder: Path) -> None:
    """Write report_modelnet40.png and report_dos.png into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for path, name, sections in (
            (classifier, "report_modelnet40", ("summary", "mistakes")),
            (dos, "report_dos", ("summary", "energies", "dos")),
        ):
            page = browser.new_page()
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            page.set_viewport_size({"width": _WIDTH, "height": 1000})
            page.goto(path.resolve().as_uri())
            draw_all(page)
            page.wait_for_timeout(1000)
            parts = [page.locator(f"#{section}").screenshot() for section in sections]
            page.close()
            save(parts, folder / f"{name}.png")


def save(parts: list[bytes], path: Path) -> None:
    """Put pictures under each other, cut to a screen and a half, and keep the file small."""
    from PIL import Image

    images = [Image.open(io.BytesIO(part)).convert("RGB") for part in parts]
    width, gap = images[0].width + 48, 24
    height = sum(image.height + gap for image in images) + gap
    sheet = Image.new("RGB", (width, height), images[0].getpixel((0, 0)))
    top = gap
    for image in images:
        sheet.paste(image, (24, top))
        top += image.height + gap
    sheet = sheet.crop((0, 0, width, min(height, 1500)))
    for colours in (256, 128, 64):
        sheet.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < _MOST_BYTES:
            break
    click.echo(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

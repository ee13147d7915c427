"""The picture of README.md, taken anew: ``python -m tests.browser.picture``; needs what the tests here need."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.driving import Page, Served, chromium

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "images" / "design.png"
SIZE = (1280, 800)


def main() -> None:
    """Shape docs/examples/story.cfg a little and take its picture."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        cfg = Path(shutil.copy(ROOT / "docs" / "examples" / "story.cfg", folder))
        driver = chromium(Path(folder, "profile"))
        page = Page(driver, Served(cfg), size=SIZE, scale=1.5)
        page.write("#set-max_batches", "500000")
        page.drag("[aria-label='rate in the middle of the run'] .knob", 0, -22)
        page.run("setCursor(150000)")
        page.settled()
        with Image.open(io.BytesIO(driver.get_screenshot_as_png())) as taken:
            taken.convert("RGB").quantize(200, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
        page.server.end()
        driver.quit()
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()

"""The tests of the designer in Chromium are collected where it and selenium are installed, and only there."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.factories import YOLO

THERE = importlib.util.find_spec("selenium") and shutil.which("chromium") and shutil.which("chromedriver")

collect_ignore_glob = [] if THERE else ["*.py"]

pytest.register_assert_rewrite("tests.browser.driving")

STEPS = f"# a comment that stays\n{YOLO.replace('500200', '500000')}\n[convolutional]\nfilters=18\n"
POLY = "[net]\nbatch=64\nlearning_rate=0.01\nmax_batches=392480\npolicy=poly\npower=4\n"


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    path = tmp_path / "steps.cfg"
    path.write_text(STEPS)
    return path


@pytest.fixture
def poly(tmp_path: Path) -> Path:
    path = tmp_path / "poly.cfg"
    path.write_text(POLY)
    return path


if THERE:
    from tests.browser.driving import Command, Opened, Page, Served, chromium

    @pytest.fixture(scope="session")
    def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
        """One Chromium for all tests: starting it takes longer than most of them."""
        started = chromium(tmp_path_factory.mktemp("profile"))
        yield started
        started.quit()

    @pytest.fixture
    def design(driver: object) -> Iterator[Callable[..., Page]]:
        """Open the designer, and look afterwards whether all was well."""
        pages: list[Page] = []

        def opened(
            *sources: object, server: Served | Command | Opened | None = None, log: object = None, **how: Any
        ) -> Page:
            pages.append(Page(driver, server or Served(*sources, log=log), **how))
            return pages[-1]

        yield opened
        for page in pages:
            page.server.end()
        for page in pages:
            page.close()

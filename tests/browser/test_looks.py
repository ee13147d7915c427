"""What everybody must be able to use: names, contrast and room, on small and large windows, by day and by night."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.driving import Page

SIZES = {"laptop": (1280, 800), "desk": (1920, 1080), "phone": (390, 844)}
CONTROLS = {"button", "checkbox", "combobox", "link", "slider", "spinbutton", "textbox"}

LOOKING = Path(__file__).with_name("looking.js").read_text(encoding="utf-8")


def wrong(page: Page, what: str) -> object:
    """What a function of looking.js finds."""
    return page.run(f"{LOOKING}; return {what}()")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_everything_has_room_and_contrast(
    design: Callable[..., Page], poly: Path, steps: Path, size: tuple[int, int], dark: bool
) -> None:
    page = design(poly, steps, size=size, dark=dark)
    page.write("#set-power", "3")
    assert wrong(page, "pale") == []
    assert wrong(page, "outside") == []
    assert wrong(page, "small") == []
    plot = page.run(
        "const b = document.getElementById('plot').getBoundingClientRect(); return [b.width, b.height, b.bottom]"
    )
    assert plot[0] > size[0] / 3
    assert plot[1] > 200
    assert plot[2] < size[1]
    page.button("steps.cfg")
    page.settled()
    page.write("#set-learning_rate", "fast")
    assert wrong(page, "pale") == []
    assert wrong(page, "outside") == []


def test_every_control_has_a_name_of_its_own(design: Callable[..., Page], poly: Path, steps: Path) -> None:
    page = design(poly, steps)
    names = []
    for file in ("poly.cfg", "steps.cfg"):
        page.button(file)
        page.settled()
        nodes = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        shown = [node for node in nodes if not node["ignored"] and node["role"]["value"] in CONTROLS]
        names = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in shown]
        assert len(names) > 20
        assert [role for role, name in names if not name.strip()] == []
        assert sorted({name for name in names if names.count(name) > 1}) == []
    assert ("slider", "step 1") in names


def test_the_verdict_is_announced_and_the_focus_is_seen(design: Callable[..., Page], poly: Path, steps: Path) -> None:
    page = design(poly, steps)
    assert page.find("#verdict").get_attribute("role") == "status"
    assert page.find("#banner").get_attribute("role") == "alert"
    page.button("Apply power=1")
    page.settled()
    assert page.run("return document.activeElement.id") == "verdict"
    assert wrong(page, "unmarked") == []

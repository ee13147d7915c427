"""How pictures look: colours on light and on dark ground, sizes of text, and the settings of matplotlib."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends import backend_agg
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties

__all__ = [
    "DARK",
    "DASHES",
    "FONT",
    "INCH",
    "LIGHT",
    "SIZES",
    "Theme",
    "own_settings",
    "text_width",
    "theme_of",
    "wrapped",
]

FONT = "DejaVu Sans"

INCH = 72.0
"""Lengths are in points, of which an inch has 72."""

SIZES = (8.0, 9.5, 11.0)
"""Of labels, of axes and legend, of the title."""

# neighbours differ in lightness and dashes, so that they can be told apart in grey
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (7, 2, 1.5, 2)), (0, (12, 3)))


@dataclass(frozen=True, kw_only=True)
class Theme:
    """The colours of a picture."""

    ground: str
    ink: str
    faint: str  # lines that stand for an iteration, and hatches
    grid: str
    shade: str  # the warm-up
    noise: str  # the loss of single iterations
    plan: str  # the planned rate under a logged one
    alarm: str  # NaN, and what differs from the plan
    curves: tuple[str, ...]


LIGHT = Theme(
    ground="white",
    ink="black",
    faint="#5a5a5a",
    grid="#e4e4e4",
    shade="#faf3e3",
    noise="#a9bdd6",
    plan="#f2b84b",
    alarm="#d0021b",
    curves=("#173a63", "#e08a00", "#a11d33", "#45a9d6", "#2c6e49", "#b07cc6", "#000000", "#9a9a2a"),
)

DARK = Theme(
    ground="#16191d",
    ink="#e6e6e6",
    faint="#9a9a9a",
    grid="#30353b",
    shade="#2b2820",
    noise="#3f5878",
    plan="#8a5a00",
    alarm="#ff5a5f",
    curves=("#9fd0ff", "#e8912d", "#ffc2cc", "#2fa39a", "#c8f2ae", "#b07cc6", "#ffffff", "#b5b53a"),
)

NOT_OF_A_PICTURE = ("backend", "date", "docstring", "figure.max_open", "interactive", "timezone", "toolbar", "webagg")


def theme_of(ax: Axes) -> Theme:
    """The theme for Axes of somebody else, by their ground."""
    red, green, blue = to_rgb(ax.get_facecolor())
    return DARK if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else LIGHT


@contextmanager
def own_settings() -> Iterator[None]:
    """Use matplotlib's defaults, whatever a user has set, and keep text in SVG and PDF as text."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.simplefilter("ignore", mpl.MatplotlibDeprecationWarning)
        settings: Any = {k: v for k, v in dict.items(mpl.rcParamsDefault) if not k.startswith(NOT_OF_A_PICTURE)}
        mpl.rcParams.update(settings | {"font.family": FONT, "pdf.fonttype": 42, "svg.fonttype": "none"})
        mpl.rcParams["svg.hashsalt"] = "lrsched"
        yield


@lru_cache(maxsize=1)
def _renderer() -> Any:
    """A renderer whose pixels are points."""
    agg: Any = backend_agg
    return agg.RendererAgg(1, 1, INCH)


def text_width(text: str, size: float) -> float:
    """The width of a line of text, as matplotlib measures it."""
    return float(_renderer().get_text_width_height_descent(text, FontProperties(size=size), False)[0])


def wrapped(text: str, width: float, size: float) -> str:
    """Break a text between its parts, or else words, or else letters, into lines of at most ``width`` points."""
    return "\n".join(_fitted(text, [" · ", " ", ""], width, size))


def _fitted(text: str, between: list[str], width: float, size: float) -> list[str]:
    if text_width(text, size) <= width or not between:
        return [text]
    lines: list[str] = []
    for part in text.split(between[0]) if between[0] else text:
        if lines and text_width(longer := f"{lines[-1]}{between[0]}{part}", size) <= width:
            lines[-1] = longer
        else:
            lines += _fitted(part, between[1:], width, size)
    return lines

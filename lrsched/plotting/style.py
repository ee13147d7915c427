"""How pictures look: colours on light and on dark ground, sizes of text, and the settings of matplotlib."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.backends import backend_agg
from matplotlib.font_manager import FontProperties

__all__ = ["DARK", "DASHES", "FONT", "INCH", "LIGHT", "SIZES", "Theme", "own_settings", "text_width", "wrapped"]

FONT = "DejaVu Sans"
INCH = 72.0  # lengths are in points
SIZES = (8.0, 9.5, 11.0)  # of labels, of axes and legend, of the title
# neighbours differ in lightness and dashes, so that they can be distinguished in grey
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (7, 2, 1.5, 2)), (0, (12, 3)))


class Theme(NamedTuple):
    """The colours of a picture."""

    ground: str
    ink: str
    grid: str
    faint: str  # lines that stand for an iteration, and hatches
    shade: str  # the warm-up
    noise: str  # the loss of single iterations
    plan: str  # the planned rate under a logged one
    alarm: str  # NaN, and what differs from the plan
    curves: tuple[str, ...]


_ON_LIGHT = ("#173a63", "#e08a00", "#a11d33", "#45a9d6", "#2c6e49", "#b07cc6", "#000000", "#9a9a2a")
_ON_DARK = ("#9fd0ff", "#e8912d", "#ffc2cc", "#2fa39a", "#c8f2ae", "#b07cc6", "#ffffff", "#b5b53a")
LIGHT = Theme("#ffffff", "#000000", "#e4e4e4", "#5a5a5a", "#faf3e3", "#a9bdd6", "#f2b84b", "#d0021b", _ON_LIGHT)
DARK = Theme("#16191d", "#e6e6e6", "#30353b", "#9a9a9a", "#2b2820", "#3f5878", "#8a5a00", "#ff5a5f", _ON_DARK)

NOT_OF_A_PICTURE = ("backend", "date", "docstring", "figure.max_open", "interactive", "timezone", "toolbar", "webagg")


@contextmanager
def own_settings() -> Iterator[None]:
    """Use matplotlib's defaults, whatever a user has set, and keep text in SVG and PDF as text."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.simplefilter("ignore", mpl.MatplotlibDeprecationWarning)
        settings: Any = {k: v for k, v in dict.items(mpl.rcParamsDefault) if not k.startswith(NOT_OF_A_PICTURE)}
        text = {"font.family": FONT, "pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "lrsched"}
        mpl.rcParams.update(settings | text)
        yield


def text_width(text: str, size: float) -> float:
    """The width of a line of text, as matplotlib measures it."""
    return _width(text, tuple(mpl.rcParams["font.family"])) * size


@lru_cache(maxsize=4096)
def _width(text: str, family: tuple[str, ...]) -> float:
    """The width of a line of text of one point, measured as it is drawn: ten points high, at 100 pixels per inch."""
    agg: Any = backend_agg
    font = FontProperties(family=list(family), size=10)
    return float(agg.RendererAgg(1, 1, 100).get_text_width_height_descent(text, font, False)[0]) * INCH / 1000


def wrapped(text: str, width: float, size: float, between: tuple[str, ...] = (" · ", " ", "")) -> list[str]:
    """Break a text between its parts, or else words, or else letters, into lines of at most ``width`` points."""
    if text_width(text, size) <= width or not between:
        return [text]
    lines: list[str] = []
    for part in text.split(between[0]) if between[0] else text:
        if lines and text_width(longer := f"{lines[-1]}{between[0]}{part}", size) <= width:
            lines[-1] = longer
        else:
            lines += wrapped(part, width, size, between[1:])
    return lines

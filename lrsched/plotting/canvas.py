"""The engine of every picture: panels over one axis of iterations, labels above them, a legend below them."""

import sys
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from lrsched.plotting.curves import Points
from lrsched.plotting.labels import GAP, Mark, Placed, placed, plain, thousands
from lrsched.plotting.style import DARK, DASHES, FONT, INCH, LIGHT, SIZES, Theme, text_width, wrapped
from lrsched.text import spanned

__all__ = ["WIDTH", "Canvas"]

# lengths are in points
WIDTH, LEFT, RIGHT, AXIS, EPOCHS, HANDLE, BETWEEN, LANE = 720.0, 70.0, 22.0, 42.0, 36.0, 30.0, 11.0, 13.0

# heights of a panel that is the only one, of the first of several, of the others; of a picture
ALONE, FIRST, OTHER, LEAST_HEIGHT = 240.0, 215.0, 105.0, 403.2
LEAST_SHARE = 0.4  # so much of a given height the panels keep; rows of the legend that do not fit go
MOST = 24  # drops that are drawn and named
NARROW = 2.5  # a hatched stretch is at least so wide that it can be seen

LEGEND: dict[str, Any] = {"loc": "upper left", "borderaxespad": 0, "borderpad": 0, "frameon": False}
LEGEND |= {"handlelength": HANDLE / SIZES[1], "labelspacing": 0.35, "fontsize": SIZES[1]}


class Canvas:
    """A picture in the making: named panels over ``first..last``, marks in them, rows of a legend that covers nothing.

    ``ax`` are Axes of somebody else for a single panel, whose fonts, sizes and colours stay theirs. ``size`` is that of
    a picture of our own in points; without a height it is as high as it needs.
    """

    def __init__(
        self,
        names: Sequence[str],
        first: int,
        last: int,
        ax: Axes | None = None,
        size: tuple[float, float | None] = (WIDTH, None),
        dpi: float = 100,
        theme: Theme = LIGHT,
        unit: str = "iteration",
    ) -> None:
        self.unit: str = unit
        self.first: int = first
        self.last: int = last
        self.own: bool = ax is None
        self.height: float | None = size[1]
        self.width: float = size[0] - LEFT - RIGHT
        self.theme: Theme = theme
        self.sizes: tuple[float, ...] = SIZES
        self.panels: dict[str, Any]
        if ax is None:
            self.panels = _new_panels(names, size[0], theme.ground, dpi)
        else:
            self.panels, self.width = {names[0]: ax}, float(ax.bbox.width) * INCH / ax.figure.dpi
            self.theme = LIGHT if sum(to_rgb(ax.get_facecolor())) > 1.5 else DARK
            self.sizes = tuple(share * float(mpl.rcParams["font.size"]) for share in (0.83, 1, 1.2))
        self.small: bool = (self.height or LEAST_HEIGHT) < 300
        self.top: Any = self.panels[names[0]]
        self.bottom: Any = self.panels[names[-1]]
        self._marks: list[Mark] = []
        self._drops: list[Mark] = []
        self._rows: list[tuple[str, Any]] = []
        self.epochs: tuple[float, str] | None = None  # per iteration, and the name of their axis
        for name, panel in self.panels.items():
            self._prepare(panel, name)

    def _prepare(self, ax: Any, name: str) -> None:
        beside = (self.last - self.first) / 100 or 1.0
        ax.set(xlim=(self.first - beside, self.last + beside), ylabel=name)
        ax.set_xlabel(self.unit if ax is self.bottom else "")
        self._count(ax.xaxis, integer=True)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        if self.own:
            ax.margins(y=0.1)
            ax.yaxis.set_major_locator(MaxNLocator((7 if len(self.panels) == 1 else 5) - 3 * self.small))
            ax.yaxis.set_label_coords(-56 / self.width, 0.5)
            ax.tick_params(labelbottom=ax is self.bottom)
            ax.grid(axis="y", color=self.theme.grid, linewidth=0.6)
            ax.set_axisbelow(True)
            ax.spines[["top", "right"]].set_visible(False)
            self._ink(ax)

    def _count(self, axis: Any, **options: Any) -> None:
        """As many ticks as there is room for, at round numbers."""
        axis.set_major_locator(MaxNLocator(int(np.clip(self.width / 65, 2, 9)), steps=[1, 2, 2.5, 5, 10], **options))
        axis.set_major_formatter(FuncFormatter(thousands))

    def _ink(self, ax: Any) -> None:
        """Set what matplotlib would otherwise look up in the settings of whoever renders the picture."""
        ink, size = self.theme.ink, self.sizes[1]
        ax.tick_params(color=ink, labelcolor=ink, length=3.5, width=0.8, labelsize=size, labelfontfamily=FONT)
        for spine in ax.spines.values():
            spine.set_color(ink)
        for axis in (ax.xaxis, ax.yaxis):
            axis.label.set(color=ink, fontsize=size)

    def line(self, place: int, *, alone: bool = False) -> dict[str, Any]:
        """How the curves of a source are drawn, later ones thinner; in Axes of somebody else as their next line."""
        if not self.own:
            return {}
        colours, width = self.theme.curves, 1.6 if alone else max(3.0 - 0.5 * place, 1.3)
        return {"color": colours[place % len(colours)], "linestyle": DASHES[place % len(DASHES)], "linewidth": width}

    def draw(self, name: str, points: Points, text: str = "", **style: Any) -> Any:
        """Draw a curve in a panel, with a row of the legend where there is a text."""
        [line] = self.panels[name].plot(*points, **style)
        if text:
            self.say(text, line)
        return line

    def star(self, name: str, x: float, y: float, text: str, colour: Any) -> None:
        """Draw a star at the best point of a curve."""
        style: dict[str, Any] = {"marker": "*", "markersize": 13, "markeredgecolor": self.theme.ink, "zorder": 4}
        self.draw(name, (np.array([x]), np.array([y])), text, color=colour, linestyle="none", clip_on=False, **style)

    def say(self, text: str, artist: Any = None, *, needed: bool = False) -> None:
        """Add a row to the legend; in Axes of somebody else only if it is needed."""
        if self.own or needed:
            nothing = Line2D([], [], linestyle="none")
            self._rows.append((plain(text.replace("iteration", self.unit)), nothing if artist is None else artist))

    def mark(self, *marks: Mark, colour: str | None = None, drops: bool = False) -> Line2D:
        """Write labels above the panels, and draw their lines in all of them; the line for the legend.

        Drops of the rate which find no place above the panels are counted in the legend.
        """
        marks = tuple(mark._replace(text=mark.text.replace("iteration", self.unit)) for mark in marks)
        (self._drops if drops else self._marks).extend(marks)
        style: dict[str, Any] = {"color": colour or self.theme.faint, "linewidth": 1.0}
        for mark in marks if len(marks) <= MOST else ():
            style["linestyle"] = mark.style
            for ax in self.panels.values() if mark.style else ():
                ax.axvline(mark.x, **style, zorder=1.8)
        return Line2D([], [], **style)

    def shade(self, warmup: int) -> None:
        """Shade the iterations before the end of a warm-up in all panels, and name them."""
        if warmup > self.first:
            end = min(warmup - 1, self.last)
            for ax in self.panels.values():
                ax.axvspan(self.first, min(warmup, self.last), color=self.theme.shade, zorder=0.5)
            self.mark(Mark(end, "warm-up", begin=self.first))
            patch = Patch(facecolor=self.theme.shade, edgecolor=self.theme.grid)
            self.say(f"warm-up: {spanned(self.first, end, self.unit)}", patch)

    def hatch(self, first: int, last: int) -> Patch:
        """Hatch iterations in all panels; the patch for the legend."""
        style: dict[str, Any] = {"facecolor": "none", "edgecolor": self.theme.faint, "hatch": "///", "linewidth": 0.5}
        low, high = self.top.get_xlim()
        beside = max((NARROW * (high - low) / self.width - (last - first)) / 2, 0.0)
        for ax in self.panels.values():
            ax.axvspan(first - beside, last + beside, zorder=0.6, **style)
        return Patch(**style | {"hatch": "/////"})

    def limit(self, name: str, low: float, high: float, log: bool = False, empty: str = "") -> None:
        """Set the limits of a panel, or say why it is empty where they are NaN."""
        ax, size = self.panels[name], self.sizes[1]
        if np.isnan(low):
            style = {"ha": "center", "va": "center", "fontsize": size, "transform": ax.transAxes}
            ax.text(0.5, 0.5, "\n".join(wrapped(empty, self.width, size)), color=self.theme.ink, **style)
            ax.set(yticks=[])
            return
        if log:
            ax.set_yscale("log")
            subs = (1, 2, 5) if high / low < 300 and not self.small else (1,)
            ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=9))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.yaxis.set_minor_locator(NullLocator())
        ax.set_ylim(low, high)

    def finished(self, title: str) -> Axes:
        """Write labels, title and legend, and give every part its place; the main Axes."""
        labels = self._placed()
        lanes = LANE * max((one.lane + 1 for one in labels), default=0)
        lines = wrapped(plain(title), self.width, self.sizes[2])
        if self.height is not None and len(lines) > 2:
            lines = [lines[0], lines[1] + "\N{HORIZONTAL ELLIPSIS}"]
        style: dict[str, Any] = {"loc": "left", "pad": lanes + 6, "parse_math": False}
        if self.own:
            self._lay_out(lanes, len(lines))
            style |= {"color": self.theme.ink, "fontsize": self.sizes[2], "y": 1.0}
        else:
            _legend(self.top, self._wrapped(0.7 * self.width), {})
        self.top.set_title("\n".join(lines), **style)
        point = self.top.figure.dpi / (INCH * float(self.top.bbox.height))
        for one in labels:
            self._label(one, point)
        if self.epochs:
            self._add_epochs(*self.epochs)
        return self.top  # type: ignore[no-any-return]

    def _placed(self) -> list[Placed]:
        """Give labels their lanes; drops without one become a row of the legend."""
        low, high = self.top.get_xlim()
        drops = self._drops if len(self._drops) <= MOST else []
        found = placed(self._marks, drops, lambda t: (t - low) / (high - low) * self.width, self.width, self.sizes[0])
        left = [mark.text for mark in self._drops if mark not in [one.mark for one in found]]
        if left:
            ends = left if len(left) < 3 else [left[0], "\N{HORIZONTAL ELLIPSIS}", left[-1]]
            times = f" {len(self._drops)} times" if len(self._drops) > 1 else ""
            self.say(f"the rate jumps{times}: {', '.join(ends)}")
        return found

    def _label(self, one: Placed, point: float) -> None:
        """Write a label; ``point`` is the length of one as a share of the height of the panel below."""
        if one.mark.style and one.lane:
            # the line in the panel ends at its top: join it with the label
            style: dict[str, Any] = {"color": self.theme.faint, "linewidth": 0.7, "linestyle": one.mark.style}
            self.top.axvline(one.mark.x, 1, 1 + one.lane * LANE * point, clip_on=False, **style)
        style = {"ha": "center", "va": "bottom", "fontsize": self.sizes[0], "annotation_clip": False}
        style |= {"color": self.theme.ink} if self.own else {}
        at, above = ((one.left + one.right) / 2 / self.width, 1), (0, GAP + one.lane * LANE)
        # the pad of the title keeps the room for it: a layout engine need not care
        self.top.annotate(one.mark.text, at, above, "axes fraction", "offset points", **style).set_in_layout(False)

    def _add_epochs(self, per_iteration: float, name: str) -> None:
        below = AXIS * self.bottom.figure.dpi / (INCH * float(self.bottom.bbox.height))
        both = (lambda t: t * per_iteration, lambda epoch: epoch / per_iteration)
        second = self.bottom.secondary_xaxis(-below, functions=both)
        second.set_xlabel(name, parse_math=False)
        self._count(second.xaxis)
        if self.own:
            self._ink(second)

    def _lay_out(self, lanes: float, title_lines: int) -> None:
        """Give the panels their places between title and legend."""
        short = all(text_width(text, SIZES[1]) < self.width / 2 - HANDLE - 25 for text, _ in self._rows)
        columns = 2 if short and len(self._rows) > 3 else 1
        rows = self._wrapped(self.width - HANDLE - 25)
        above = 12 + 1.35 * SIZES[2] * title_lines + lanes
        shares = [ALONE] if len(self.panels) == 1 else [FIRST, *[OTHER] * (len(self.panels) - 1)]
        beside = above + BETWEEN * (len(shares) - 1) + AXIS + (EPOCHS if self.epochs else 0) + 10
        height = self.height or max(beside + sum(shares) + _height(rows, columns), LEAST_HEIGHT)
        while self.height and rows and height - beside - _height(rows, columns) < LEAST_SHARE * height:
            rows.pop()
        legend, width = _height(rows, columns), self.width + LEFT + RIGHT
        scale = max(height - beside - legend, 20) / sum(shares)
        rounding = 1e-9  # or matplotlib 3.8 cuts off the pixel that a product falls short of by its rounding
        self.top.figure.set_size_inches(width / INCH + rounding, height / INCH + rounding)
        top = height - above
        for ax, share in zip(self.panels.values(), [share * scale for share in shares], strict=True):
            ax.set_position((LEFT / width, (top - share) / height, self.width / width, share / height))
            ax.yaxis.label.set_fontsize(SIZES[1] * min(share / text_width(ax.get_ylabel(), SIZES[1]), 1))
            top -= share + BETWEEN
        corner = (LEFT / width, (legend + 8) / height)
        style = LEGEND | {"bbox_to_anchor": corner, "ncols": columns, "labelcolor": self.theme.ink}
        _legend(self.top.figure, rows, style)

    def _wrapped(self, width: float) -> list[tuple[str, Any]]:
        """The rows of the legend in lines that are no longer than that."""
        return [("\n".join(wrapped(text, width, self.sizes[1])), artist) for text, artist in self._rows]


def _legend(owner: Any, rows: Sequence[tuple[str, Any]], style: dict[str, Any]) -> None:
    if rows:
        # the texts follow: a legend leaves out a label that begins with _
        legend = owner.legend([artist for _, artist in rows], ["text"] * len(rows), **style)
        for shown, (text, _) in zip(legend.get_texts(), rows, strict=True):
            shown.set(text=text, parse_math=False)


def _new_panels(names: Sequence[str], width: float, ground: str, dpi: float) -> dict[str, Any]:
    """Axes in a new figure; their places follow when everything else is known."""
    look: dict[str, Any] = {"figsize": (width / INCH, 6.0), "dpi": dpi, "facecolor": ground}
    if "matplotlib.pyplot" in sys.modules or "ipykernel" in sys.modules:
        # who uses pyplot, or a notebook, expects it to show the picture
        from matplotlib import pyplot  # noqa: PLC0415 (slow to import, and needs a backend)

        figure = pyplot.figure(**look)
    else:
        figure = Figure(**look)
        FigureCanvasAgg(figure)
    return {name: figure.add_axes((0, 0, 1, 1), label=name, facecolor=ground) for name in names}


def _height(rows: Sequence[tuple[str, Any]], columns: int) -> float:
    """Of a legend, in points; rows of several columns have one line."""
    lines = sum(1 + text.count("\n") for text, _ in rows)
    return -(-lines // columns) * 1.3 * SIZES[1] + -(-len(rows) // columns) * 3

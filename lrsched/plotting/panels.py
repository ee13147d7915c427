"""Panels one above the other over one axis of iterations, labels above them, a legend of two columns below them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from lrsched.plotting.captions import GAP, LANE, LARGE, NORMAL, SMALL, Placed, thousands, wrapped
from lrsched.plotting.log_curves import Span
from lrsched.plotting.picture import INCH, LEFT, PLOT_WIDTH, WIDTH

__all__ = ["Panels"]

# lengths in points, of which an inch has 72
FIRST, OTHER, BETWEEN, AXIS, ROW, HANDLE = 215.0, 105.0, 11.0, 42.0, 1.3, 30.0


class Panels:
    """A picture in the making: named panels, a title, labels, and rows of a legend that covers nothing.

    Args:
        kinds: the names of the panels from top to bottom, which name their axes.
        span: the iterations.
        title: as plain text.
    """

    def __init__(self, kinds: Sequence[str], span: Span, title: str) -> None:
        self.span = span
        self._title = wrapped(title, PLOT_WIDTH, LARGE)
        self._lanes = 0
        self._rows: tuple[list[tuple[str, Artist]], list[tuple[str, Artist]]] = ([], [])
        self.figure = Figure(figsize=(WIDTH / INCH, 10), dpi=100)
        FigureCanvasAgg(self.figure)
        self._axes = {name: self.figure.add_axes((0, 0, 1, 1), label=name) for name in kinds}
        for name, ax in self._axes.items():
            _prepare(ax, name)
            ax.set_xlim(*span.margins)
            ax.tick_params(labelbottom=name == kinds[-1])
        self._axes[kinds[-1]].set_xlabel("iteration", fontsize=NORMAL)

    def __contains__(self, name: str) -> bool:
        return name in self._axes

    def __getitem__(self, name: str) -> Axes:
        return self._axes[name]

    def everywhere(self, draw: Callable[[Axes], object]) -> None:
        """Draw the same in every panel."""
        for ax in self._axes.values():
            draw(ax)

    def say(self, text: str, artist: Artist | None = None, *, sign: bool = False) -> None:
        """Add a row to the legend: in its right column for a sign that stands in all panels."""
        self._rows[sign].append((text, Line2D([], [], linestyle="none") if artist is None else artist))

    def nothing(self, name: str, text: str) -> None:
        """Say that a panel is empty."""
        ax = self._axes[name]
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=LARGE)
        ax.set_yticks([])

    def logarithmic(self, name: str, low: float, high: float) -> None:
        """Give a panel a logarithmic axis."""
        ax = self._axes[name]
        ax.set_yscale("log")
        decades = np.log10(high / low)
        subs = (1, 2, 5) if decades < 2 else (1, 3) if decades < 4 and name == next(iter(self._axes)) else (1,)
        ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=9))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.set_ylim(low, high)

    def label(self, placed: Sequence[Placed]) -> None:
        """Write labels above the first panel, each joined with its place."""
        ax = next(iter(self._axes.values()))
        low, high = self.span.margins
        for one in placed:
            middle = low + (one.left + one.right) / 2 / PLOT_WIDTH * (high - low)
            if one.mark.style and one.lane:
                top = 1 + one.lane * LANE / FIRST
                style: dict[str, Any] = {"color": "#9a9a9a", "linewidth": 0.8, "clip_on": False}
                ax.plot([one.mark.x] * 2, [1, top], transform=ax.get_xaxis_transform(), **style)
            ax.annotate(
                one.mark.text,
                (middle, 1),
                xycoords=ax.get_xaxis_transform(),
                xytext=(0, GAP + one.lane * LANE),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=SMALL,
                annotation_clip=False,
            ).set_parse_math(False)
        self._lanes = max((one.lane + 1 for one in placed), default=0)

    def finished(self) -> Figure:
        """Give every part its place."""
        columns = [rows for rows in self._rows if rows]
        width = PLOT_WIDTH / max(len(columns), 1)
        texts = [[wrapped(text, width - HANDLE - 25, NORMAL) for text, _ in rows] for rows in columns]
        legend = max((sum(ROW * NORMAL * (1 + text.count("\n")) + 3 for text in column) for column in texts), default=0)
        above = 14 + 1.35 * LARGE * len(self._title.splitlines()) + self._lanes * LANE
        panels = FIRST + (len(self._axes) - 1) * (OTHER + BETWEEN)
        height = above + panels + AXIS + legend + 8
        self.figure.set_size_inches(WIDTH / INCH, round(height / INCH, 2))
        top = height - above
        for place, ax in enumerate(self._axes.values()):
            tall = OTHER if place else FIRST
            ax.set_position((LEFT / WIDTH, (top - tall) / height, PLOT_WIDTH / WIDTH, tall / height))
            top -= tall + BETWEEN
        for place, (rows, words) in enumerate(zip(columns, texts, strict=True)):
            self._legend((LEFT + place * width) / WIDTH, (legend + 8) / height, [artist for _, artist in rows], words)
        self.figure.text(
            LEFT / WIDTH, 1 - 7 / height, self._title, ha="left", va="top", fontsize=LARGE, parse_math=False
        )
        return self.figure

    def _legend(self, left: float, top: float, artists: Sequence[Artist], texts: Sequence[str]) -> None:
        legend = self.figure.legend(
            list(artists),
            # the texts follow: a legend leaves out a label that begins with _
            ["text"] * len(texts),
            loc="upper left",
            bbox_to_anchor=(left, top),
            borderaxespad=0,
            borderpad=0,
            frameon=False,
            handlelength=HANDLE / NORMAL,
            labelspacing=0.35,
            fontsize=NORMAL,
        )
        for shown, text in zip(legend.get_texts(), texts, strict=True):
            shown.set(text=text, parse_math=False)


def _prepare(ax: Axes, name: str) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_ylabel(name, fontsize=NORMAL)
    ax.yaxis.set_label_coords(-0.081, 0.5)
    ax.tick_params(labelsize=NORMAL)
    ax.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 2.5, 5, 10], integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(thousands))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    ax.set_axisbelow(True)

"""One run in a picture: what its log says within the iterations drawn, and how it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.logs import Log
from lrsched.logs.joining import part
from lrsched.plotting.captions import Mark
from lrsched.plotting.log_curves import Span, burn_in_of, drops_in, finite, gaps_in, width_of
from lrsched.plotting.picture import COLOURS, DASHES

__all__ = ["Run", "plain", "styles", "within", "words_of"]

MARKERS = "osD^vP*"

DOT = " \N{MIDDLE DOT} "


@dataclass(frozen=True, eq=False)
class Run:
    """One run in the picture.

    Attributes:
        label: its name, as plain text.
        log: what its log says within the span of the picture.
        colour: of its curves.
        dashes: of its curves.
        marker: of its points.
        smoothing: records whose median is one point of the average; by their number when None.
    """

    label: str
    log: Log
    colour: str
    dashes: Any
    marker: str
    smoothing: int | None

    @cached_property
    def width(self) -> int:
        """Records that one point of the average stands for."""
        return width_of(len(self.log), self.smoothing)

    @cached_property
    def average(self) -> NDArray[np.float64]:
        """The average loss; the loss where no average is printed."""
        printed = finite(self.log.avg_loss)
        return finite(self.log.loss) if np.isnan(printed).all() else printed

    @cached_property
    def burn_in(self) -> int | None:
        """The first iteration after the burn-in, as the rates show it."""
        return burn_in_of(self.log)

    @cached_property
    def gaps(self) -> list[Span]:
        """What the log does not have."""
        return gaps_in(self.log)

    @cached_property
    def drops(self) -> list[Mark]:
        """Where the rate changes by a factor."""
        return drops_in(self.log, self.burn_in)

    @property
    def first_nan(self) -> int | None:
        """The first iteration whose loss is no number."""
        return self.log.first_nan

    def line(self, width: float) -> dict[str, Any]:
        """How matplotlib draws its curves."""
        return {"color": self.colour, "linestyle": self.dashes, "linewidth": width}


def styles() -> Iterator[tuple[str, Any, str]]:
    """A colour, dashes and a marker for every run."""
    index = 0
    while True:
        yield COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)], MARKERS[index % len(MARKERS)]
        index += 1


def plain(text: str) -> str:
    """What can be drawn of a name."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def within(log: Log, label: str, first: int | None, last: int | None) -> Log:
    """The records from ``first`` to ``last``.

    Raises:
        ValueError: when there are none.
    """
    begin = 0 if first is None else int(np.searchsorted(log.iteration, first))
    end = len(log) if last is None else int(np.searchsorted(log.iteration, last, side="right"))
    if begin >= end:
        there = f"it has {log.iteration[0]} to {log.iteration[-1]}" if len(log) else "it has none"
        raise ValueError(f"{label}: no record lies between the iterations that are to be drawn; {there}")
    return part(log, begin, end) if end - begin < len(log) else log


def words_of(run: Run) -> str:
    """What the legend says of one run among several."""
    log = run.log
    said = [f"{log.iteration[0]} to {log.iteration[-1]}"]
    if 0 < len(run.drops) <= 4:
        said.append("the rate changes at " + ", ".join(drop.text for drop in run.drops))
    if log.map_points:
        best = max(log.map_points, key=lambda point: point.value)
        said.append(f"best mAP {best.value:.1%} at {best.iteration}")
    if run.first_nan is not None:
        said.append(f"nan from {run.first_nan} on (cross)")
    return DOT.join(said)

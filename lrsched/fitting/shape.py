"""What the rows of a log show before any curve is tried: a rise, a stretch at the peak, a decay, and where it leads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lrsched.fitting.observed import Observed
from lrsched.fitting.simplicity import few
from lrsched.fitting.solving import Band, scanned, solved
from lrsched.schedule import Floats

__all__ = ["Shape", "rises_as"]

MOST_LENGTHS = 1500  # so many lengths of a warm-up are tried between two logged rows


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the rows show before any curve is tried."""

    rows: Observed

    @cached_property
    def top(self) -> int:
        """The row at which the rate stops rising for the first time."""
        y, slack = self.rows.rate, self.rows.slack
        falls = np.append(np.diff(y) < -slack[1:] - slack[:-1], True)
        rise = slice(0, int(np.argmax(falls)) + 1)
        return int(np.argmax(y[rise] + slack[rise] >= (y[rise] - slack[rise]).max()))

    @cached_property
    def flat(self) -> int:
        """The last row of those that follow and still have the peak."""
        other = self.rows.differs(self.top)[self.top :]
        return self.top + int(np.argmax(np.append(other, True))) - 1

    @cached_property
    def falling(self) -> Observed:
        """The rows of the decay: after the peak, until the rate rises again or stays."""
        rest = self.rows.rows(slice(self.flat + 1, None))
        if not len(rest):
            return rest
        stop = int(np.append(rest.rises, len(rest) - 1)[0]) + 1
        above = np.flatnonzero(rest.differs(stop - 1)[:stop])
        bottom = int(above[-1]) + 1 if len(above) else 0
        return rest.rows(slice(0, bottom if bottom < stop - 1 else stop))

    @cached_property
    def jumps(self) -> int:
        """How often the rate rises again."""
        return len(self.rows.rows(slice(self.flat, None)).rises)

    @cached_property
    def ends(self) -> bool:
        """Whether the decay is over within the log."""
        return self.flat + len(self.falling) < len(self.rows) - 1

    @property
    def over(self) -> bool:
        """Whether the log ends with a rate that stays."""
        return len(self.rows) > 2 and not self.rows.differs(-1)[-3:].any()

    @cached_property
    def lengths(self) -> list[int]:
        """The lengths of a warm-up that the rows allow: it ends between the last row that rose and the next."""
        k, top, rows = self.rows.step, self.top, self.rows
        low = int(k[top - 1]) + 1 if top else 0
        # rounded rates may be nearly the same on both sides of the peak
        alike = self.flat == top + 1 and rows.rate[self.flat] != rows.rate[top]
        high = int(k[top] if self.flat > top + alike else k[min(self.flat + 1, len(k) - 1)])
        if not rows.exact and top:  # the rate may be printed as the peak before it is the peak
            blur = 2 * rows.slack[top] / rows.rate[top]
            high += math.ceil(k[top] * (1.3 * math.sqrt(blur) if {*self.rises} <= {"cosine", "quadratic"} else blur))
        high += {*self.rises} <= {"logarithmic"}  # its logarithm of k + 1 is there one step before
        if top and self.rises == ("constant",):
            return few(Band(low, low, int(k[top])), MOST_LENGTHS)
        return few(Band(self.crossing(low, high), low, max(high, low)), MOST_LENGTHS)

    def crossing(self, low: int, high: int) -> int:
        """Where the line of the rising rows meets the line of the first two rows after them; else the first step."""
        k, y, top = self.rows.step.astype(np.float64), self.rows.rate, self.top
        if high - low < MOST_LENGTHS or top < 2 or top + 2 >= len(k):
            return low
        up, down = ((y[a + 1] - y[a]) / (k[a + 1] - k[a]) for a in (top - 2, top + 1))
        about = (y[top + 1] - down * k[top + 1] - y[top - 1] + up * k[top - 1]) / (up - down) if up != down else low
        return round(min(max(about, low), high))

    @cached_property
    def rises(self) -> tuple[str, ...]:
        """The ways of rising that explain the rows of the warm-up, the usual ones first; empty where all do."""
        before = self.rows.rows(slice(0, self.top)).sample(60)
        if len(before) < 3:
            return ()
        if not before.differs(0).any():
            return ("constant",)
        found = [name for name in ("linear", "quadratic", "logarithmic") if rises_as(name, before)[1] <= 1.15]
        if (y := before.rate).min() > 0:
            straight = replace(before, rate=np.log(y), slack=np.maximum(before.slack / y, 1e-12))
            found += ["exponential"] * (rises_as("linear", straight)[1] <= 1.02)
        return tuple(found) or ("cosine",)

    @property
    def tolerance(self) -> float:
        """How far off the best curve through the falling rows may be."""
        return 100.0 if (self.rows.slack < 1e-6 * self.rows.rate.max()).all() else 2.5

    @cached_property
    def inverse_sqrt(self) -> Band:
        """How long before step 0 a decay with the inverse of the square root of the steps would have begun."""
        rows = self.falling.sample(60)
        first, span = float(rows.step[0]), max(float(rows.step[-1] - rows.step[0]), 1.0)

        def columns(ahead: Floats) -> Floats:
            return np.asarray(1 / np.sqrt(ahead[:, None] + rows.step - first))[:, :, None]

        band = scanned(columns, rows, np.geomspace(1e-3 * span, 1e3 * span, 120))
        return Band(band.best - first, band.low - first, band.high - first, band.error)

    @cached_property
    def half_wave(self) -> tuple[Band, Band]:
        """Where the half wave begins that goes through the falling rows, and where it ends."""
        rows = self.falling.sample(60)
        first, span = float(rows.step[0]), max(float(rows.step[-1] - rows.step[0]), 1.0)

        def columns(halves: Floats) -> Floats:
            turn = np.pi * (rows.step - first) / halves[:, None]
            return np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn)], -1)

        found = scanned(columns, rows, np.geomspace(0.5 * span, 60 * span, 80))
        origins, halves = [], (found.best, found.low, found.high)
        for half in halves:
            _, cosine, sine = solved(columns(np.array([half])), rows)[0][0]
            origins.append(first + math.atan2(sine, cosine) * half / math.pi)
        ends = [origin + half for origin, half in zip(origins, halves, strict=True)]
        first_last = (Band(one[0], min(one), max(one), found.error) for one in (origins, ends))
        return next(first_last), next(first_last)

    def zero(self, power: float, final: bool) -> Band:
        """Where a polynomial through the falling rows ends, at 0 or at any ``final`` rate."""
        rows = self.rows.rows(slice(self.flat + 1, None)) if self.ends and not self.jumps else self.falling
        rows = rows.sample(60, len(self.falling))
        first, span = float(rows.step[0]), max(float(self.falling.step[-1]) - float(rows.step[0]), 1.0)

        def columns(ends: Floats) -> Floats:
            way = np.maximum(ends[:, None] - rows.step, 0.0) ** power
            return np.stack([way, np.ones_like(way)][: 1 + final], -1)

        return scanned(columns, rows, first + np.geomspace((0.6 if self.ends else 1.0) * span, 60 * span, 80))

    @cached_property
    def straight(self) -> bool:
        """Whether the falling rows lie on a line."""
        return rises_as("linear", self.falling.sample(60))[1] <= self.tolerance


def rises_as(name: str, rows: Observed) -> tuple[Floats, float]:
    """The beginning and the slope of rates that rise so, and how far off they are."""
    k = rows.step.astype(np.float64)
    ways = {"linear": k, "quadratic": k * k, "logarithmic": np.log1p(k)}
    factors, error = solved(np.stack([np.ones_like(k), ways[name]], -1)[None], rows)
    return factors[0], float(error[0])

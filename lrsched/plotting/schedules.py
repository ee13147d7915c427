"""The panels of schedules: learning rates, what there is to say of them, and what else a run schedules below."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from lrsched.plotting.canvas import Canvas
from lrsched.plotting.curves import RATE, Floats, Points, curve
from lrsched.plotting.labels import Mark, factor
from lrsched.schedule import LAST_ITERATION, Schedule
from lrsched.search import zero_from

__all__ = ["Curve", "draw_curves", "rate_limits"]

ALL, HALF = 0.13, 0.2  # how opaque all draws of a random rate are, and half of them on top of that
MOST_COUNTED = 10_000  # milestones
SAME = 1e-6  # rates of two schedules that differ by less, as a share, lie on each other in any picture
SPIKE, SHORT = 1.5, 0.1  # so far above the rate people look at, over less of the picture: it is cut off
WALKED = 2**26  # a schedule that does not know its pieces is searched for zeros only if its run is not longer


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A schedule in a picture: its name, what it is in one line, the images of an iteration where it knows.

    ``part`` is its name in a run of several schedules, ``first_rate`` whether it is the one people look at, ``prints``
    whether the log of its trainer prints rates with six decimals.
    """

    label: str
    caption: str
    schedule: Schedule
    part: str = ""
    panel: str = RATE
    first_rate: bool = True
    prints: bool = True
    batch: int | None = None
    per_epoch: int | None = None  # iterations
    first: int = 0  # the first iteration drawn
    last: int = 0  # the last iteration of the picture
    target: int | None = None

    @property
    def end(self) -> int:
        """The last iteration that is trained, as far as it is known."""
        return min([t for t in (self.schedule.horizon, self.target) if t is not None], default=self.last)

    @cached_property
    def line(self) -> Points:
        """The points up to the end of the run; all of them in a picture that begins after it."""
        horizon = self.last if self.schedule.horizon is None else self.schedule.horizon
        return curve(self.schedule, self.first, horizon if self.first <= horizon < self.last else self.last)

    @property
    def top(self) -> float:
        """The highest rate, and at least 0."""
        return float(np.nanmax(self.line[1], initial=0))

    @cached_property
    def zero(self) -> int | None:
        """From where on to the end of the run a log prints 0.000000; None when the picture does not show it."""
        long = self.end > WALKED and self.schedule.pieces(0, self.end) is None
        found = None if long or not self.prints or self.first > self.end else zero_from(self.schedule, 0, self.end)
        return None if found is None or found > self.last else found

    @property
    def bands(self) -> list[tuple[float, float]]:
        """The rates between which all draws of a random rate lie, and half of them."""
        return [band for band in (self.schedule.band(), self.schedule.band(0.25, 0.75)) if band is not None]

    def lies_on(self, other: "Curve") -> bool:
        """Whether nobody could see the two curves apart."""
        (x, y), (other_x, other_y) = self.line, other.line
        return np.array_equal(x, other_x) and np.allclose(y, other_y, rtol=SAME, atol=0, equal_nan=True)

    @property
    def drops(self) -> list[Mark]:
        """Where the rate jumps instead of bending, with its factor."""
        milestones = self.schedule.milestones(self.first + 1, min(self.last, self.end))
        at = np.array(list(islice(milestones, MOST_COUNTED)), np.int64)
        around = self.schedule(np.clip(at + np.array([[-2], [-1], [0], [1]]), 0, LAST_ITERATION)).astype(np.float64)
        with np.errstate(all="ignore"):
            before, jump, after = np.abs(np.diff(around, axis=0))
            jumps = (jump > 4 * np.maximum(before, after)) & np.isfinite(around).all(0)
            times = around[2] / around[1]
        return [Mark(t, factor(t, by), ":") for t, by in zip(at[jumps].tolist(), times[jumps].tolist(), strict=True)]


def _grouped(curves: Sequence[Curve]) -> list[list[Curve]]:
    """Curves that lie on each other together."""
    groups: list[list[Curve]] = []
    for one in curves:
        same = next((group for group in groups if one.lies_on(group[0])), [])
        same.append(one)
        groups += [same] if len(same) == 1 else []
    return groups


def draw_curves(canvas: Canvas, every: Sequence[Curve], marks: Sequence[Mark], *, log: bool) -> None:
    """Draw curves with their marks, and say in the legend what is to be seen; equal ones are drawn and named once."""
    curves = [one for one in every if one.panel == RATE]
    groups = _grouped(curves)
    alone, titled = len(groups) == 1, len({one.caption for one in every}) == 1
    usual = max(one.top for one in curves if one.first_rate)
    above = [group for group in groups if group[0].top > SPIKE * usual]
    cut = [] if log or not all(_is_short(canvas, group[0], usual) for group in above) else above
    for place, group in enumerate(groups):
        one, (x, _) = group[0], group[0].line
        style: dict[str, Any] = {"marker": "o" * (x.size == 1), "label": one.label or one.caption, "zorder": 2}
        line = canvas.draw(RATE, one.line, **canvas.line(place, alone=alone), **style)
        for (low, high), alpha in zip(one.bands, (ALL, HALF), strict=False):
            stretch = [max(one.schedule.warmup, one.first), x[-1]]
            canvas.panels[RATE].fill_between(stretch, low, high, color=line.get_color(), alpha=alpha, linewidth=0)
        # Axes of somebody else have room for names only
        words = _words(group, alone, titled) if canvas.own else _names(group) or one.caption
        if group in cut:
            words += f" · above the picture: {one.top:g} at iteration {x[np.nanargmax(one.line[1])]}"
        if words:
            canvas.say(words, line, needed=len(curves) > 1)
    canvas.mark(*marks)
    _mark(canvas, curves)
    if alone:
        _explain(canvas, curves[0], line.get_color())
    for panel in list(canvas.panels)[1:]:
        _draw_other(canvas, panel, [one for one in every if one.panel == panel], groups)
    for one in every:
        if one.panel not in canvas.panels and np.ptp(one.line[1]) == 0:
            canvas.say(f"{_names([one])}: {one.line[1][0]:g} at every iteration")
    seen = [group[0].line[1] for group in groups if group not in cut] + [np.ravel(one.bands) for one in curves]
    after = [one.line[1][one.line[0] >= one.schedule.warmup] for one in curves]
    limits = rate_limits(np.concatenate(seen), np.concatenate(after), log)
    canvas.limit(RATE, *limits, "no finite rate: NaN or infinity at every iteration")


def _is_short(canvas: Canvas, one: Curve, usual: float) -> bool:
    """Whether a curve is only for a short time so high that little would be seen of the others."""
    x, y = one.line
    above = x[y > SPIKE * usual]
    return bool(above[-1] - above[0] < SHORT * (canvas.last - canvas.first))


def _draw_other(canvas: Canvas, panel: str, curves: Sequence[Curve], rates: Sequence[Sequence[Curve]]) -> None:
    """Draw what is scheduled beside the rates, each in the colour of the rate of its run; the panel has its name."""
    for one in curves:
        runs = [[rate.label for rate in group if rate.first_rate] for group in rates]
        place = next((at for at, labels in enumerate(runs) if one.label in labels), 0)
        canvas.draw(panel, one.line, **canvas.line(place, alone=len(curves) == 1))
    if all((one.line[1] == np.rint(one.line[1])).all() for one in curves):
        canvas.panels[panel].yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _names(group: Sequence[Curve]) -> str:
    """The names of curves, those of one run together."""
    parts = {one.label: [each.part for each in group if each.label == one.label and each.part] for one in group}
    return ", ".join(filter(None, (": ".join(filter(None, (name, ", ".join(of)))) for name, of in parts.items())))


def _words(group: Sequence[Curve], alone: bool, titled: bool) -> str:
    """What the legend says of curves that lie on each other; of one caption the title says it."""
    one, names = group[0], _names(group)
    captions = list(dict.fromkeys(curve.caption for curve in group if curve.first_rate)) or [""]
    in_title = titled and (alone or bool(names))
    parts = [": ".join(filter(None, (names, "" if in_title else captions[0])))]
    parts += [f"the same curve: {text}" for text in captions[1:]]
    parts += ["median draw; shaded: half of the draws, all draws"] if one.bands else []
    parts += [f"a log prints 0.000000 from {one.zero} on"] if one.zero is not None and not alone else []
    return " · ".join(filter(None, parts))


def _mark(canvas: Canvas, curves: Sequence[Curve]) -> None:
    """Mark what the curves have in common: the end of the run, the target, the warm-up."""
    horizons, warmups = ({getattr(one.schedule, name) for one in curves} for name in ("horizon", "warmup"))
    horizon, target = horizons.pop() if len(horizons) == 1 else None, curves[0].target
    if horizon is not None and canvas.first <= horizon <= canvas.last:
        canvas.mark(Mark(horizon, f"last iteration{' = target' if horizon == target else ''} {horizon}", "-"))
    if target is not None and target != horizon and canvas.first <= target <= canvas.last:
        canvas.mark(Mark(target, f"target {target}", "--"))
    if len(warmups) == 1:
        canvas.shade(warmups.pop())


def _explain(canvas: Canvas, one: Curve, colour: Any) -> None:
    """Show what there is to see of a single curve: zeros, the time after the run, gaps, drops."""
    x, y = one.line
    if one.zero is not None:
        share = (one.end - one.zero + 1) / (one.end + 1)
        where = f"from iteration {one.zero} on, the last {share:.2%} of the run" if one.zero else "all the time"
        begin, end = max(one.zero, one.first), min(one.end, one.last)
        canvas.say(f"a log prints 0.000000 {where}", canvas.hatch(begin, end))
        canvas.mark(Mark(end, "0.000000", begin=begin))
    if (horizon := one.schedule.horizon) is not None and horizon < one.last:
        after = curve(one.schedule, max(horizon, one.first), one.last)
        text = f"the training has stopped after iteration {horizon}"
        canvas.draw(RATE, after, text, color=colour, linestyle=":", linewidth=1.2, label="_")
    if np.isnan(y).any():
        canvas.say(f"the rate is not finite (NaN or infinity), first at iteration {x[np.isnan(y).argmax()]}")
    if not one.per_epoch:  # its rate changes with every epoch
        canvas.mark(*one.drops, drops=True)


def rate_limits(seen: Floats, after: Floats, log: bool) -> tuple[float, float, bool]:
    """The limits of an axis of rates, of all that is seen and of those after the warm-up; whether it is logarithmic.

    A logarithmic axis shows neither what is below a printed zero nor how small a warm-up begins.
    """
    low, high = float(np.nanmin(seen, initial=0)), float(np.nanmax(seen, initial=0))
    if np.isnan(seen).all():
        return np.nan, np.nan, False
    if not log or high <= 0:
        beside = (high - low) * 0.04
        return low - (beside if low < 0 else beside / 2), high + (beside or 1e-6), False
    worth = after[after > 0] if (after > 0).any() else seen[seen > 0]
    low = max(float(worth.min()), min(5e-7, high / 1000))
    decades = max(np.log10(high / low), 1.0)
    return float(high / 10 ** (1.08 * decades)), float(high * 10 ** (0.05 * decades)), True

"""The picture of a run that goes on: the curve as written, the ways to go on, and the seam between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lrsched.planner import Extension, Plan
from lrsched.plotting.captions import Mark, epochs_of, thousands
from lrsched.plotting.curves import Source, evaluated
from lrsched.plotting.picture import picture_of
from lrsched.schedule import Schedule

__all__ = ["draw_going_on"]

NO_JUMP = 1e-4
"""A smaller relative change at the seam is the rounding of the numbers."""


@dataclass(frozen=True)
class _Behind:
    """The rates behind the seam, counted as the first run counts; nothing before it."""

    schedule: Schedule
    seam: int
    shift: int

    def __call__(self, iterations: Any) -> NDArray[np.float64]:
        t = np.atleast_1d(iterations)
        rates = np.full(t.shape, np.nan)
        behind = t >= self.seam
        rates[behind] = self.schedule(t[behind] - self.shift)
        return rates


def draw_going_on(plan: Plan, *, images: int | None = None, log_scale: bool = False) -> Figure:
    """Draw the run as its cfg is written and every way to go on from the start of the plan.

    Args:
        plan: a plan with a start, and a target past max_batches.
        images: the number of training images, for a second axis in epochs.
        log_scale: a logarithmic axis of rates.

    Raises:
        ValueError: when the plan holds no way to go on.
    """
    run = plan.run
    if not plan.extensions or run.target is None:
        raise ValueError(
            "there is nothing to go on with: name an iteration of the run with --start and a target past max_batches"
        )
    written: Source = run.schedule if run.net is None else run.net
    schedules: list[tuple[str, Source]] = [("as written", written)]
    schedules += [(way.name, _behind(way, run.start)) for way in plan.extensions]
    curves = evaluated(schedules, run.target, run.ngpus, 0, run.target, log_scale)
    told = [curves[0], *(replace(c, words=_words(way)) for c, way in zip(curves[1:], plan.extensions, strict=True))]
    seam = Mark(run.start, f"goes on from {thousands(run.start)}", "-")
    title = f"ways to go on from iteration {run.start} to {run.target}"
    figure = picture_of(told, None, epochs_of(told, images), log_scale, [seam], title).figure
    assert isinstance(figure, Figure)
    return figure


def _behind(way: Extension, seam: int) -> _Behind:
    return _Behind(way.run.schedule, seam, seam - way.run.start)


def _words(way: Extension) -> str:
    jump = "no jump" if abs(way.jump - 1) < NO_JUMP else f"a jump of \N{MULTIPLICATION SIGN}{way.jump:.3g}"
    return f"{way.why} \N{MIDDLE DOT} {jump}, {way.before:.3g} to {way.after:.3g}"

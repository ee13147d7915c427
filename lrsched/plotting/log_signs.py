"""What happened in a run, marked in all panels and named in the legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lrsched.logs import Log
from lrsched.plotting.captions import FAINT, HATCH, MOST_LABELS, SHADE, Mark
from lrsched.plotting.log_curves import Span, placed_above, saved_at
from lrsched.plotting.log_run import Run
from lrsched.plotting.panels import Panels
from lrsched.plotting.picture import PLOT_WIDTH
from lrsched.trainers.darknet import Net

__all__ = ["RED", "mark_ends", "mark_run"]

RED = "#d0021b"


def mark_run(panels: Panels, run: Run, span: Span, net: Net | None) -> None:
    """Mark what happened in a single run; with a plan its burn-in is the one shown."""
    log = run.log
    burn_in = run.burn_in if net is None else net.burn_in or None
    marks: list[Mark] = []
    if burn_in is not None and burn_in > span.first:
        end = min(burn_in - 1, span.last)
        panels.everywhere(lambda ax: ax.axvspan(span.first, end, color=SHADE, zorder=0.5))
        still = ", still rising" if net is None and burn_in > span.last else ""
        panels.say(f"burn-in: iterations {span.first} to {end}{still}", Patch(facecolor=SHADE), sign=True)
        marks.append(Mark(end, "burn-in", begin=span.first))
    if run.first_nan is not None:
        nan, bad = run.first_nan, int((np.isnan(log.loss) | np.isnan(log.avg_loss)).sum())
        _line(panels, nan, RED, "-")
        counted = f"{bad} record{'s' if bad > 1 else ''}"
        panels.say(f"first nan at iteration {nan}, {counted} in all", _swatch(RED, "-"), sign=True)
        marks.append(Mark(nan, f"nan {nan}", "-"))
    marks += _resumes(panels, log)
    drops = run.drops
    for drop in drops[: 4 * MOST_LABELS]:
        _line(panels, drop.x, FAINT, ":")
    named = placed_above([*marks, *(drops if len(drops) <= MOST_LABELS else ())], span, PLOT_WIDTH)
    panels.label(named)
    unnamed = [drop.text for drop in drops if drop not in [one.mark for one in named]]
    if drops:
        ends = unnamed if len(unnamed) < 3 else [unnamed[0], "\N{HORIZONTAL ELLIPSIS}", unnamed[-1]]
        more = f": {', '.join(ends)}"
        counted = "the rate changes" + (f" {len(drops)} times" if len(drops) > 1 else "")
        panels.say(counted + (more if unnamed else ""), _swatch(FAINT, ":"), sign=True)
    _gaps(panels, run.gaps)
    _saved(panels, log, span)


def _resumes(panels: Panels, log: Log) -> Iterator[Mark]:
    """Where the run went on from saved weights."""
    at = {event.iteration for event in log.events if event.kind in ("resumed", "restarted")}
    at |= {seam.iteration for seam in log.seams if seam.kind in ("overlap", "gap")}
    inside = sorted(t for t in at if log.iteration[0] <= t <= log.iteration[-1])
    for t in inside:
        _line(panels, t, FAINT, "--")
        yield Mark(t, f"resumed {t}", "--")
    if inside:
        counted = f"resumed at iteration {inside[0]}" if len(inside) == 1 else f"resumed {len(inside)} times"
        panels.say(counted, _swatch(FAINT, "--"), sign=True)


def _gaps(panels: Panels, gaps: Sequence[Span]) -> None:
    style: dict[str, Any] = {"facecolor": "none", "edgecolor": HATCH, "hatch": "///", "linewidth": 0}

    def draw(ax: Axes) -> None:
        for gap in gaps:
            ax.axvspan(gap.first, gap.last, **style, zorder=0.6)

    panels.everywhere(draw)
    if gaps:
        where = f"{gaps[0].first} to {gaps[0].last}" if len(gaps) == 1 else f"{len(gaps)} times"
        panels.say(f"no record: {where}", Patch(facecolor="none", edgecolor=HATCH, hatch="/////"), sign=True)


def _saved(panels: Panels, log: Log, span: Span) -> None:
    at = [t for t in saved_at(log) if span.first <= t <= span.last]
    if at:
        ax = panels["loss"]
        [ticks] = ax.plot(at, [0.0] * len(at), "^", color="black", markersize=5, clip_on=False, zorder=5)
        ticks.set_transform(ax.get_xaxis_transform())
        times = f"{len(at)} times, the last after {at[-1]}" if len(at) > 1 else f"after {at[0]}"
        panels.say(f"weights saved {times}", ticks, sign=True)


def mark_ends(panels: Panels, runs: Sequence[Run]) -> None:
    """Mark where the numbers of several runs end, and the burn-in that they share."""
    ax = panels["loss"]
    for run in runs:
        if run.first_nan is not None:
            [cross] = ax.plot([run.first_nan], [0.04], "X", color=run.colour, markersize=9, clip_on=False, zorder=5)
            cross.set(transform=ax.get_xaxis_transform(), markeredgecolor="white")
    burn_ins = {run.burn_in for run in runs}
    if len(burn_ins) == 1 and (burn_in := burn_ins.pop()) is not None and burn_in > panels.span.first:
        first, end = panels.span.first, min(burn_in - 1, panels.span.last)
        panels.everywhere(lambda ax: ax.axvspan(first, end, color=SHADE, zorder=0.5))
        panels.say(f"burn-in: iterations {first} to {end}", Patch(facecolor=SHADE))


def _line(panels: Panels, x: int, colour: str, dashes: Any) -> None:
    def draw(ax: Axes) -> None:
        ax.axvline(x, color=colour, linewidth=1.0, linestyle=dashes, zorder=1.8)

    panels.everywhere(draw)


def _swatch(colour: str, dashes: Any) -> Line2D:
    return Line2D([], [], color=colour, linestyle=dashes, linewidth=1.0)

"""Curves and captions as matplotlib artists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from lrsched.plotting.captions import (
    ALL,
    FAINT,
    GAP,
    HALF,
    HATCH,
    LANE,
    LARGE,
    MOST_LABELS,
    MOST_LINES,
    NORMAL,
    SHADE,
    SMALL,
    Mark,
    Placed,
    Row,
    Style,
    drops_of,
    epochs_of,
    margins,
    marks_of,
    placed_marks,
    rows_of_many,
    rows_of_one,
    share_burn_in,
    thousands,
    wrapped,
)
from lrsched.plotting.curves import Curve, Source, evaluated
from lrsched.plotting.sampling import log_floor
from lrsched.trainers.darknet import Policy, Random

__all__ = ["draw", "picture_of", "plot_schedule"]

# neighbours differ in lightness and dashes, so that they can be told apart in grey
COLOURS = ("#173a63", "#e08a00", "#a11d33", "#45a9d6", "#2c6e49", "#b07cc6", "#000000", "#9a9a2a")

DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (7, 2, 1.5, 2)), (0, (12, 3)))

# lengths are in points, of which an inch has 72
INCH = 72.0

WIDTH, HEIGHT, LEFT, RIGHT = 720.0, 403.2, 68.0, 22.0

PLOT_WIDTH, LEAST_PLOT_HEIGHT = WIDTH - LEFT - RIGHT, 240.0

BELOW_AXIS, ABOVE_AXIS = 40.0, 32.0


def plot_schedule(
    schedule_or_net: Source,
    *,
    ax: Axes | None = None,
    target: int | None = None,
    ngpus: int = 1,
    images: int | None = None,
    first: int = 0,
    last: int | None = None,
    log_scale: bool = False,
    label: str | None = None,
    decorate: bool = True,
) -> Axes:
    r"""Draw the learning rate over the iterations.

    >>> from lrsched.trainers.darknet import parse_cfg
    >>> net = parse_cfg("[net]\nlearning_rate=0.01\npolicy=poly\nmax_batches=392480\nburn_in=1000\n")
    >>> plot_schedule(net, ngpus=4).get_title(loc="left")
    'poly · learning_rate 0.01 · power 4 · max_batches 392480 · burn_in 1000 · 4 GPUs'

    Args:
        schedule_or_net: a Net, a Schedule or any callable iteration -> rate.
        ax: where to draw; the Axes of a new Figure, without pyplot, when None.
        target: the iteration the user wants to reach.
        ngpus: the number of GPUs; counts for a Net only, a Schedule has it in its rates.
        images: the number of training images, for a second axis in epochs; for a Net only.
        first: the first iteration to draw.
        last: the last iteration to draw; the larger of max_batches and ``target`` when None.
        log_scale: a logarithmic axis of rates.
        label: the name of the curve, as plain text.
        decorate: say what is to be seen; False draws the bare curve, for instance over another.

    Raises:
        ValueError: when neither ``last`` nor ``target`` nor max_batches ends the picture, when nothing is left to
            draw, and for ``images`` without a Net.
    """
    curves = evaluated([(label or "", schedule_or_net)], target, ngpus, first, last, log_scale)
    epochs = epochs_of(curves, images)
    if decorate:
        return picture_of(curves, ax, epochs, log_scale)
    bare = _new_axes() if ax is None else ax
    bare.plot(curves[0].iterations, curves[0].rates, label=label)
    _name_axes(bare)
    if log_scale and (curves[0].rates > 0).any():
        bare.set_yscale("log")
    return bare


def draw(
    schedules: Sequence[tuple[str, Source]],
    *,
    target: int | None = None,
    ngpus: int = 1,
    images: int | None = None,
    first: int = 0,
    last: int | None = None,
    log_scale: bool = False,
) -> Figure:
    """One picture of one or several schedules, 1000 pixels wide.

    Args:
        schedules: pairs of a label (plain text) and a Net, a Schedule or a callable.
        target: as in ``plot_schedule``, like all that follow.
        ngpus: the number of GPUs.
        images: the number of training images.
        first: the first iteration to draw.
        last: the last iteration to draw; the largest max_batches or ``target`` when None.
        log_scale: a logarithmic axis of rates.

    Raises:
        ValueError: for no schedule at all, and as in ``plot_schedule``.
    """
    if not schedules:
        raise ValueError("schedules must hold at least one pair (label, schedule), got none")
    curves = evaluated(schedules, target, ngpus, first, last, log_scale)
    figure = picture_of(curves, None, epochs_of(curves, images), log_scale).figure
    assert isinstance(figure, Figure)
    return figure


def picture_of(
    curves: list[Curve],
    ax: Axes | None,
    epochs: tuple[float, str] | None,
    log_scale: bool,
    more: Sequence[Mark] = (),
    title: str | None = None,
) -> Axes:
    """Put curves, marks and legend together; ``more`` are marks that the curves do not know of."""
    alone = curves[0] if len(curves) == 1 else None
    room = PLOT_WIDTH if ax is None else _points(ax)[0]
    styles = [_style(index, alone is not None) for index in range(len(curves))]
    marks, drops = [*marks_of(curves), *more], drops_of(alone) if alone else []
    orders = [marks + drops, marks + drops[::-1]] if len(drops) <= MOST_LABELS else []
    placed = max((placed_marks(order, curves[0], room) for order in orders), key=len, default=[])
    crowded = len(placed) < len(marks) + len(drops)
    if crowded:
        placed = placed_marks(marks, curves[0], room)
    said = rows_of_one(alone, drops, crowded, styles[0]) if alone else rows_of_many(curves, styles)
    rows = [replace(row, text=wrapped(row.text, room - 5 * NORMAL, row.size)) for row in said]
    usual = alone.words if alone else f"learning rates of {len(curves)} schedules"
    title = wrapped(usual if title is None else title, room, LARGE)
    if ax is None:
        ax = _new_axes(title, rows, epochs is not None)
    for curve, style in zip(curves, styles, strict=True):
        _line(ax, curve, style, alone is not None)
    _name_axes(ax)
    # a layout engine will shrink the axes to make room for the legend
    height = _points(ax)[1] * (1.0 if ax.figure.get_layout_engine() is None else 0.6)
    head = min((max((one.lane + 1 for one in placed), default=0) * LANE + 2 * GAP) / height, 0.6)
    _limit(ax, curves, head, log_scale)
    if share_burn_in(curves):
        ax.axvspan(curves[0].first, min(curves[0].burn_in, curves[0].last), color=SHADE, zorder=0.5)
    if alone:
        _hatch(ax, alone, head)
    if crowded and len(drops) <= MOST_LINES:
        for drop in drops:
            ax.axvline(drop.x, ymax=1 - head, color=FAINT, linewidth=0.5, linestyle=":", zorder=1)
    for one in placed:
        _label(ax, one, height)
    ax.set_title(title, loc="left", fontsize=LARGE, parse_math=False)
    if epochs:
        _epoch_axis(ax, *epochs)
    _legend(ax, rows)
    return ax


def _style(index: int, alone: bool) -> Style:
    width = 1.8 if alone else max(3.0 - 0.5 * index, 1.4)
    return COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)], width


def _points(ax: Axes) -> tuple[float, float]:
    """Width and height of the Axes."""
    return ax.bbox.width * INCH / ax.figure.dpi, ax.bbox.height * INCH / ax.figure.dpi


def _new_axes(title: str = "", rows: Sequence[Row] = (), epochs: bool = False) -> Axes:
    """Axes in a Figure of their own, with room above for the title and below for the legend."""
    above = 12 + 1.35 * LARGE * len(title.splitlines()) + (ABOVE_AXIS if epochs else 0)
    below = BELOW_AXIS + 8 + sum(row.height for row in rows)
    height = max(HEIGHT, LEAST_PLOT_HEIGHT + above + below)
    figure = Figure(figsize=(WIDTH / INCH, height / INCH), dpi=100)
    FigureCanvasAgg(figure)
    ax = figure.add_axes((LEFT / WIDTH, below / height, PLOT_WIDTH / WIDTH, 1 - (above + below) / height))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _line(ax: Axes, curve: Curve, style: Style, alone: bool) -> None:
    colour, dashes, width = style
    shown = curve.trained
    iterations, rates = curve.iterations[shown], curve.rates[shown]
    ax.plot(iterations, rates, color=colour, linestyle=dashes, linewidth=width, label=curve.label)
    if alone and not shown.all():
        after = slice(iterations.size - 1, None)
        ax.plot(curve.iterations[after], curve.rates[after], color=colour, linestyle=":", linewidth=1.2)
    if not alone and curve.zero is not None and curve.zero >= curve.first:
        height = np.interp(curve.zero, iterations, rates)
        ax.plot([curve.zero], [height], "X", color=colour, markersize=9, markeredgecolor="white", clip_on=False)
    if isinstance(curve.policy, Random):
        begin = max(curve.burn_in, curve.first)
        for quantiles, alpha in (((0.0, 1.0), ALL), ((0.25, 0.75), HALF)):
            low, high = (float(rate) for rate in curve.policy.band(*quantiles))
            ax.fill_between([begin, iterations[-1]], low, high, color=colour, alpha=alpha, linewidth=0)


def _name_axes(ax: Axes) -> None:
    ax.set_xlabel("iteration", fontsize=NORMAL)
    ax.set_ylabel("learning rate", fontsize=NORMAL)
    ax.tick_params(labelsize=NORMAL)
    ax.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 2.5, 5, 10], integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(thousands))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    ax.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    ax.set_axisbelow(True)


def _limit(ax: Axes, curves: list[Curve], head: float, log_scale: bool) -> None:
    """Set the limits so that the curves stay out of the lanes, which take ``head`` of the height."""
    ax.set_xlim(*margins(curves[0]))
    bands = [curve.policy.band() for curve in curves if isinstance(curve.policy, Random)]
    seen = np.concatenate([*(curve.rates[curve.trained] for curve in curves), *bands]).astype(np.float64)
    seen = seen[np.isfinite(seen)]
    if not seen.size:
        text = "no finite rate: NaN or infinity at every iteration"
        if isinstance(curves[0].policy, Policy) and curves[0].policy.max_batches == 0:
            text += "\n(max_batches is 0 or missing)"
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=LARGE)
        ax.set_ylim(0, 1)
        ax.set_yticks([])
        return
    low, high = float(min(seen.min(), 0)), float(max(seen.max(), 0))
    logarithmic = log_scale and high > 0
    if logarithmic:
        low, high = np.log10(max(seen[seen > 0].min(), log_floor(seen))), np.log10(high)
        low = min(low, high - 1)
    elif high == low:
        high = 1e-6
    low -= (high - low) / 50
    high += (high - low) * (head + 0.02) / (0.98 - head)
    if logarithmic:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high - low < 2.5 else (1,)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())
        low, high = 10**low, 10**high
    elif log_scale:
        ax.set_ylabel("learning rate (never above 0: no logarithm)")
    ax.set_ylim(low, high)


def _hatch(ax: Axes, curve: Curve, head: float) -> None:
    """Hatch what a log prints as 0.000000, and write that there when the curve leaves room."""
    if curve.zero is None:
        return
    begin, end = max(curve.zero, curve.first), min(curve.end, curve.last)
    ax.axvspan(begin, end, ymax=1 - head, facecolor="none", edgecolor=HATCH, hatch="///", linewidth=0.5, zorder=0.6)
    low, high = margins(curve)
    width = (end - begin) / (high - low) * _points(ax)[0]
    inside = curve.rates[(curve.iterations >= begin) & (curve.iterations <= end)]
    height = ax.transAxes.inverted().transform(ax.transData.transform((begin, np.nanmax(inside))))[1]
    if width > 2 * SMALL and height < 0.25:
        ax.text(
            (begin + end) / 2,
            0.5,
            "0.000000",
            transform=ax.get_xaxis_transform(),
            rotation=0 if width > 8 * SMALL else 90,
            ha="center",
            va="center",
            fontsize=SMALL,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
        )


def _label(ax: Axes, placed: Placed, height: float) -> None:
    mark, down = placed.mark, placed.lane * LANE + GAP
    if mark.style:
        ax.axvline(mark.x, ymax=1 - down / height, color=FAINT, linewidth=1, linestyle=mark.style, zorder=1.5)
    x = mark.x if placed.side != "center" or mark.begin is None else (mark.begin + mark.x) / 2
    ax.annotate(
        mark.text,
        (x, 1),
        xycoords=ax.get_xaxis_transform(),
        xytext=({"left": GAP, "center": 0, "right": -GAP}[placed.side], -down),
        textcoords="offset points",
        ha=placed.side,
        va="top",
        fontsize=SMALL,
    )


def _epoch_axis(ax: Axes, per_iteration: float, name: str) -> None:
    def epochs(iterations: Any) -> Any:
        return iterations * per_iteration

    def iterations(epochs: Any) -> Any:
        return epochs / per_iteration

    second = ax.secondary_xaxis("top", functions=(epochs, iterations))
    second.set_xlabel(name, fontsize=NORMAL, parse_math=False)
    second.tick_params(labelsize=NORMAL)
    second.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 2.5, 5, 10]))
    second.xaxis.set_major_formatter(FuncFormatter(thousands))


def _legend(ax: Axes, rows: list[Row]) -> None:
    """A legend under the axis of iterations, where there is no curve."""
    if not rows:
        return
    legend = ax.legend(
        [_swatch(row) for row in rows],
        # the texts follow: a legend leaves out a label that begins with _
        ["text"] * len(rows),
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=ax.transAxes + ScaledTranslation(0, -BELOW_AXIS / INCH, ax.figure.dpi_scale_trans),
        borderaxespad=0,
        borderpad=0,
        frameon=False,
        handlelength=3.5,
        labelspacing=0.4,
        fontsize=NORMAL,
    )
    for shown, row in zip(legend.get_texts(), rows, strict=True):
        shown.set(text=row.text, parse_math=False, fontsize=row.size)


def _swatch(row: Row) -> Patch | Line2D:
    if row.patch:
        return Patch(**row.patch)
    if row.line is None:
        return Line2D([], [], linestyle="none")
    colour, dashes, width = row.line
    return Line2D([], [], color=colour, linestyle=dashes, linewidth=width)

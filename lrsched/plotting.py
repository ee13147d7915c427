"""Pictures of learning rates: schedules in, matplotlib Axes and Figures out."""

from __future__ import annotations

import os
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from lrsched.darknet import ALEXEYAB, BurnIn, Net, Policy, Random, Step, Steps
from lrsched.planner.search import first_where, last_where, zero_from
from lrsched.sampling import log_floor, sample
from lrsched.schedule import FunctionSchedule, Iterations, Schedule, as_schedule, params, printed_zero

__all__ = ["draw", "plot_schedule", "save", "show"]

Source: TypeAlias = Net | Schedule | Callable[[Any], Any]
Style: TypeAlias = tuple[str, Any, float]
Span: TypeAlias = tuple[float, float]

ENDINGS = (".png", ".svg", ".pdf")
WITHOUT_WINDOWS = frozenset({"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"})

SHADE, HATCH, FAINT = "#f3e3c0", "#8c8c8c", "#5f5f5f"
# neighbours differ in lightness, so that they differ in grey too
COLOURS = ("#173a63", "#e08a00", "#a11d33", "#45a9d6", "#2c6e49", "#b07cc6", "#000000", "#9a9a2a")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (7, 2, 1.5, 2)), (0, (12, 3)))

INCH = 72.0
WIDTH, HEIGHT, LEFT, RIGHT = 10 * INCH, 5.6 * INCH, 0.95 * INCH, 0.3 * INCH
PLOT_WIDTH = WIDTH - LEFT - RIGHT
BELOW_AXIS, ABOVE_AXIS = 40.0, 38.0
SMALL, NORMAL, LARGE = 8.0, 9.0, 10.5
LANES, LANE_HEIGHT = 5, 13.0
CHARACTER = 0.66
"""Width of a character as a share of its size: no less than what digits and the words used here have on average."""

MOST_LABELS, MOST_LINES, MOST_COUNTED = 24, 120, 100_000


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """A schedule over the iterations of a picture, evaluated."""

    label: str
    words: str
    schedule: Schedule
    first: int
    last: int
    target: int | None
    images_per_iteration: int | None
    iterations: Iterations
    rates: NDArray[np.float64]

    @property
    def horizon(self) -> int | None:
        return self.schedule.horizon

    @property
    def end(self) -> int:
        """The last iteration of the run, as far as it is known."""
        return min([end for end in (self.horizon, self.target) if end is not None], default=self.last)

    @property
    def policy(self) -> Schedule:
        return self.schedule.then if isinstance(self.schedule, BurnIn) else self.schedule

    @property
    def burn_in(self) -> int:
        """The first iteration after the burn-in; 0 without one."""
        return self.schedule.end if isinstance(self.schedule, BurnIn) else 0

    @property
    def trained(self) -> NDArray[np.bool_]:
        """The samples up to max_batches; all, where the picture begins later."""
        stop = self.last if self.horizon is None or self.horizon <= self.first else self.horizon
        return np.asarray(self.iterations <= stop)

    def zero(self) -> int | None:
        """From where on, to the end of the run, a log prints 0.000000; None when that is not in the picture."""
        if not self.first < self.end:
            return None
        if self.schedule.pieces(self.first, self.end) is not None:
            found = zero_from(self.schedule, 0, self.end)
            return found if found is not None and found <= self.last else None
        # nothing is known about the schedule but its samples: look closer only where it dies
        inside = self.iterations <= self.end
        alive = np.flatnonzero(~printed_zero(self.rates) & inside)
        if self.end > self.last or not alive.size or alive[-1] == inside.sum() - 1:
            return self.first if self.end <= self.last and not alive.size else None
        low, high = self.iterations[alive[-1] : alive[-1] + 2].tolist()
        found = last_where(self.schedule, low, high, lambda rates: ~printed_zero(rates))
        return (low if found is None else found) + 1


@dataclass(frozen=True)
class _Mark:
    """A label in the lanes above the curve, over a line when it has a style."""

    x: float
    text: str
    style: str | None = None
    centred: bool = False


@dataclass(frozen=True)
class _Placed:
    """A mark with its lane (0 is the highest), on one side of its line; left and right are points along the axis."""

    mark: _Mark
    lane: int
    side: str
    x: float
    left: float
    right: float

    def meets(self, other: _Placed) -> bool:
        """Whether the labels overlap or one stands on the line of the other."""
        if self.lane == other.lane:
            return self.left < other.right and other.left < self.right
        high, low = sorted((self, other), key=lambda placed: placed.lane)
        return high.mark.style is not None and low.left - 2 < high.x < low.right + 2


@dataclass(frozen=True)
class _Row:
    """One entry of the legend."""

    handle: Artist
    text: str
    size: float = NORMAL


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

    >>> from lrsched.darknet import parse_cfg
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
        decorate: say what can be seen; False draws nothing but the curve.

    Returns:
        The Axes.

    Raises:
        ValueError: when neither ``last`` nor ``target`` nor max_batches ends the picture, when nothing is left to
            draw, and for ``images`` without a Net.
    """
    curves = _curves([(label or "", schedule_or_net)], target, ngpus, first, last, log_scale)
    epochs = _epochs(curves, images, ngpus)
    if decorate:
        return _picture(curves, ax, epochs, log_scale)
    bare = _new_axes(0.0, 0.0) if ax is None else ax
    bare.plot(curves[0].iterations, curves[0].rates, label=label)
    _name_axes(bare, log_scale)
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
    curves = _curves(schedules, target, ngpus, first, last, log_scale)
    figure = _picture(curves, None, _epochs(curves, images, ngpus), log_scale).figure
    assert isinstance(figure, Figure)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a picture as PNG, SVG or PDF, by the ending of ``path``; a picture that is there is replaced.

    Raises:
        ValueError: for another ending.
        OSError: when the file cannot be written.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"{path}: a picture must end in .png, .svg or .pdf, got {path.suffix or 'no ending'!r}")
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    # without the date the same schedule gives the same file
    metadata = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[ending]
    try:
        with _missing_glyphs_allowed(), beside.open("wb") as file:
            figure.savefig(file, format=ending[1:], metadata=metadata)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def show(figure: Figure) -> None:
    """Open a window with the picture and wait until it is closed.

    Raises:
        RuntimeError: where matplotlib cannot open windows.
    """
    import matplotlib.pyplot as plt  # noqa: PLC0415  # nothing else needs it, and it is slow to import

    if plt.get_backend().lower() in WITHOUT_WINDOWS:
        raise RuntimeError(
            f"matplotlib's backend {plt.get_backend()} cannot open a window here; save the picture to a file instead"
        )
    window = plt.figure(figsize=figure.get_size_inches(), dpi=figure.dpi)
    window.canvas.figure = figure
    figure.set_canvas(window.canvas)
    with _missing_glyphs_allowed():
        plt.show()


@contextmanager
def _missing_glyphs_allowed() -> Iterator[None]:
    """A name in a script the font lacks is drawn with boxes; that is no reason to complain."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _curves(
    schedules: Sequence[tuple[str, Source]],
    target: int | None,
    ngpus: int,
    first: int,
    last: int | None,
    log_scale: bool,
) -> list[_Curve]:
    """Evaluate every schedule over the iterations they share in the picture."""
    made = [source.schedule(ngpus) if isinstance(source, Net) else as_schedule(source) for _, source in schedules]
    if last is None:
        last = max([end for end in (target, *(one.horizon for one in made)) if end is not None], default=None)
    if last is None:
        raise ValueError("the end of the run is not known, as there is no max_batches; give last=... or target=...")
    if not 0 <= first < last:
        raise ValueError(f"first must be 0 or more and less than last, got first={first} and last={last}")
    curves = []
    for (label, source), schedule in zip(schedules, made, strict=True):
        iterations, rates = sample(schedule, first, last, log_scale=log_scale)
        wide = rates.astype(np.float64)
        curves.append(
            _Curve(
                label=_plain(label),
                words=_plain(" · ".join(_words(source, schedule, ngpus))),
                schedule=schedule,
                first=first,
                last=last,
                target=target,
                images_per_iteration=source.effective_batch * ngpus if isinstance(source, Net) else None,
                iterations=iterations,
                rates=np.where(np.isfinite(wide), wide, np.nan),
            )
        )
    return curves


def _plain(text: str) -> str:
    """What can be drawn and written of a name: no line ends, no halves of characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _words(source: Source, schedule: Schedule, ngpus: int) -> Iterator[str]:
    """The policy and the parameters that matter."""
    policy = schedule.then if isinstance(schedule, BurnIn) else schedule
    if isinstance(policy, FunctionSchedule):
        yield getattr(policy.function, "__name__", type(policy.function).__name__)
        return
    yield policy.KEY if isinstance(policy, Policy) else type(policy).__name__
    values = {name: getattr(policy, name) for name in params(type(policy))}
    if isinstance(source, Net):
        # as the cfg has it, without the factor of the GPUs
        values["learning_rate"] = source.learning_rate
    for name in sorted(values, key=lambda name: name == "max_batches"):
        value = values[name]
        if value is not None and (name, value) not in {("max_batches", 0), ("u", 0.5)}:
            yield f"{name} {_value(value)}"
    if isinstance(schedule, BurnIn):
        power = "" if "power" in values or schedule.power == 4 else f" (power {_value(schedule.power)})"
        yield f"burn_in {schedule.burn_in}{power}"
    if isinstance(source, Net):
        if ngpus > 1:
            yield f"{ngpus} GPUs"
        if source.dialect != ALEXEYAB:
            yield source.dialect.name


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        shown = [*value[:5], "…", value[-1]] if len(value) > 7 else value
        return ",".join(map(_value, shown)) or "none"
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _thousands(value: float, _: Any = None) -> str:
    for unit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.10g}{sign}"
    return f"{value:.10g}"


def _epochs(curves: list[_Curve], images: int | None, ngpus: int) -> tuple[float, str] | None:
    """Epochs per iteration and the name of their axis."""
    if images is None:
        return None
    known = [curve for curve in curves if curve.images_per_iteration is not None]
    if images < 1 or not known:
        why = "needs a Net, which knows its batch" if images >= 1 else f"must be at least 1, got {images}"
        raise ValueError(f"images {why}")
    whose = len({curve.images_per_iteration for curve in curves}) > 1
    return (known[0].images_per_iteration or 1) / images, f"epochs of {images} images" + (
        f", as {known[0].label} counts them" if whose else ""
    )


def _picture(curves: list[_Curve], ax: Axes | None, epochs: tuple[float, str] | None, log_scale: bool) -> Axes:
    alone = curves[0] if len(curves) == 1 else None
    room = PLOT_WIDTH if ax is None else _points(ax)[0]
    marks, drops = list(_marks(curves)), _drops(alone) if alone else []
    placed = _place(marks + drops if len(drops) <= MOST_LABELS else marks, curves[0], room)
    in_words = len(placed) < len(marks) + len(drops)
    if in_words:
        placed = _place(marks, curves[0], room)
    styles = [
        (COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)], max(3.0 - 0.5 * i, 1.4) if not alone else 1.8)
        for i in range(len(curves))
    ]
    if alone:
        rows = list(_rows(alone, drops if in_words else [], styles[0]))
    else:
        rows = [_row(curve, style, room) for curve, style in zip(curves, styles, strict=True)]
        rows += [_burn_in_row(curves[0])] if _shared_burn_in(curves) else []
    title = _wrapped(alone.words if alone else f"learning rates of {len(curves)} schedules", room, LARGE)
    if ax is None:
        above = 10 + 1.4 * LARGE * (title.count("\n") + 1) + (ABOVE_AXIS if epochs else 0)
        ax = _new_axes(above, sum(1.6 * row.size + 1.2 * row.size * row.text.count("\n") for row in rows))
    for curve, style in zip(curves, styles, strict=True):
        _line(ax, curve, style, past=alone is not None)
    _name_axes(ax, log_scale)
    lanes = max((one.lane + 1 for one in placed), default=0)
    head = min((lanes * LANE_HEIGHT + 8) / _points(ax)[1], 0.6)
    _limit(ax, curves, head, log_scale)
    if _shared_burn_in(curves):
        ax.axvspan(
            curves[0].first, min(curves[0].burn_in, curves[0].last), facecolor=SHADE, edgecolor=SHADE, zorder=0.5
        )
    if alone:
        _hatch(ax, alone)
        if in_words and len(drops) <= MOST_LINES:
            for drop in drops:
                ax.axvline(drop.x, ymax=1 - head, color=FAINT, linewidth=0.5, linestyle=":", zorder=1)
    for one in placed:
        _label(ax, one, _points(ax)[1])
    ax.set_title(title, loc="left", fontsize=LARGE, parse_math=False)
    if epochs:
        _epoch_axis(ax, *epochs)
    if rows:
        _legend(ax, rows)
    return ax


def _points(ax: Axes) -> tuple[float, float]:
    """Width and height of the Axes in points."""
    return ax.bbox.width * INCH / ax.figure.dpi, ax.bbox.height * INCH / ax.figure.dpi


def _new_axes(above: float, below: float) -> Axes:
    """Axes in a Figure of their own, with room above for a title and below for a legend."""
    bottom = BELOW_AXIS + below + 8
    height = max(HEIGHT, 230 + above + bottom)
    figure = Figure(figsize=(WIDTH / INCH, height / INCH), dpi=100)
    FigureCanvasAgg(figure)
    ax = figure.add_axes((LEFT / WIDTH, bottom / height, PLOT_WIDTH / WIDTH, 1 - (above + bottom) / height))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _wrapped(text: str, room: float, size: float) -> str:
    """Break lines between the parts of a text, none of them wider than ``room`` points."""
    parts = text.replace(" · ", "\0· ").replace(" ", "\1").replace("\0", " ")
    lines = textwrap.wrap(parts, max(int(room / (size * 0.6)), 8), break_on_hyphens=False)
    return "\n".join(lines).replace("\1", " ")


def _shared_burn_in(curves: list[_Curve]) -> bool:
    return curves[0].first < curves[0].burn_in and len({curve.burn_in for curve in curves}) == 1


def _marks(curves: list[_Curve]) -> Iterator[_Mark]:
    """What every curve of the picture has in common: the end of the run, the target, the burn-in."""
    one, target = curves[0], curves[0].target
    horizon = one.horizon if len({curve.horizon for curve in curves}) == 1 else None
    if horizon is not None and one.first <= horizon <= one.last:
        name = "max_batches" if isinstance(one.policy, Policy) else "end"
        yield _Mark(horizon, f"{name} = target {horizon}" if horizon == target else f"{name} {horizon}", "-")
    if target is not None and one.first <= target <= one.last and target != horizon:
        yield _Mark(target, f"target {target}", "--")
    if _shared_burn_in(curves):
        yield _Mark(one.burn_in, "burn-in", span=(one.first, min(one.burn_in, one.last)))


def _drops(curve: _Curve) -> list[_Mark]:
    """The drops of step and steps that happen in the picture."""
    policy, stop = curve.policy, min(curve.last, curve.horizon or curve.last)
    if not isinstance(policy, (Step, Steps)):
        return []
    begin = max(curve.burn_in, curve.first + 1)
    at = np.array(list(islice(policy.milestones(begin, stop), MOST_COUNTED)), np.int64)
    with np.errstate(all="ignore"):
        factors = policy(at).astype(np.float64) / policy(at - 1)
    return [
        _Mark(t, f"{_thousands(t)} ×{factor:.3g}", ":")
        for t, factor in zip(at.tolist(), factors.tolist(), strict=True)
        if np.isfinite(factor)
    ]


def _place(marks: list[_Mark], curve: _Curve, room: float) -> list[_Placed]:
    """Find a lane for every mark, beside its line, where its label meets no other; those without one are left out."""
    low, high = _margins(curve.first, curve.last)
    placed: list[_Placed] = []
    for mark in marks:
        x = (mark.x - low) / (high - low) * room
        length = len(mark.text) * SMALL * CHARACTER
        choices = [
            _Placed(mark, 0, "left", x, x + 3, x + 3 + length),
            _Placed(mark, 0, "right", x, x - 3 - length, x - 3),
        ]
        if mark.span is not None:
            a, b = ((t - low) / (high - low) * room for t in mark.span)
            if length + 4 < b - a:
                middle = (a + b) / 2
                choices = [_Placed(mark, 0, "center", middle, middle - length / 2, middle + length / 2)]
        for lane, choice in product(range(LANES), choices):
            tried = replace(choice, lane=lane)
            if tried.left >= 0 and tried.right <= room and not any(tried.meets(other) for other in placed):
                placed.append(tried)
                break
    return placed


def _margins(first: float, last: float) -> tuple[float, float]:
    beside = (last - first) / 100
    return first - beside, last + beside


def _rows(curve: _Curve, drops: list[_Mark], style: Style) -> Iterator[_Row]:
    """What the legend says of a picture with one curve."""
    nothing = Line2D([], [], linestyle="none")
    colour, dashes, width = style
    line = Line2D([], [], color=colour, linestyle=dashes, linewidth=width)
    policy = curve.policy
    if isinstance(policy, Random):
        name = f"{curve.label}: " if curve.label else ""
        yield _Row(line, f"{name}the draw at quantile {policy.u:g}" + (", the median" if policy.u == 0.5 else ""))
        yield _Row(Patch(facecolor=colour, alpha=0.3), "half of the draws")
        yield _Row(Patch(facecolor=colour, alpha=0.12), "all draws")
    elif curve.label:
        yield _Row(line, curve.label)
    if _shared_burn_in([curve]):
        yield _burn_in_row(curve)
    zero = curve.zero()
    if zero is not None:
        share = (curve.end - zero + 1) / (curve.end + 1)
        yield _Row(
            Patch(facecolor="white", edgecolor=HATCH, hatch="////", linewidth=0.5),
            f"a log prints 0.000000 from iteration {zero} on: the last {share:.2g} of the run",
        )
    yield from ()

"""What a picture says, as values: labels in lanes above the curve, entries of the legend, wrapped titles."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any, TypeAlias

import numpy as np

from lrsched.plotting.curves import Curve
from lrsched.schedule import printed_zero
from lrsched.search import first_where
from lrsched.trainers.darknet import Policy, Random, Sgdr, Step, Steps

__all__ = [
    "ALL",
    "FAINT",
    "GAP",
    "HALF",
    "HATCH",
    "LANE",
    "LARGE",
    "MOST_LABELS",
    "MOST_LINES",
    "NORMAL",
    "SHADE",
    "SMALL",
    "Mark",
    "Placed",
    "Row",
    "Style",
    "drops_of",
    "epochs_of",
    "margins",
    "marks_of",
    "placed_marks",
    "rows_of_many",
    "rows_of_one",
    "share_burn_in",
    "thousands",
    "wrapped",
]

Style: TypeAlias = tuple[str, Any, float]

SHADE, HATCH, FAINT = "#f3e3c0", "#8c8c8c", "#5f5f5f"

ALL, HALF = 0.12, 0.3

SMALL, NORMAL, LARGE = 8.0, 9.0, 10.5

LANES, LANE, GAP = 6, 13.0, 3.0

# width of a character as a share of its size: of digits, and on average in a sentence
DIGIT, LETTER = 0.66, 0.57

MOST_LABELS, MOST_LINES, MOST_CYCLES, MOST_COUNTED = 24, 120, 300, 10_000

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Mark:
    """A label above the curve, with a line down from it when it has a style, or over a span when it has a begin."""

    x: int
    text: str
    style: str | None = None
    begin: int | None = None


@dataclass(frozen=True)
class Placed:
    """A mark in its lane, the highest of which is 0; places are points from the left of the axes."""

    mark: Mark
    lane: int
    side: str
    x: float
    left: float
    right: float

    def meets(self, other: Placed) -> bool:
        """Whether the labels overlap, or one stands on the line of the other."""
        overlap = self.lane == other.lane and self.left < other.right + GAP and other.left < self.right + GAP
        return overlap or self.crosses(other) or other.crosses(self)

    def crosses(self, other: Placed) -> bool:
        """Whether the line of this mark, which reaches up to its lane, runs through the other label."""
        reaches = self.mark.style is not None and self.lane <= other.lane
        return reaches and other.left - 1 < self.x < other.right + 1


@dataclass(frozen=True)
class Row:
    """An entry of the legend: a text beside a piece of line, a patch or nothing."""

    text: str
    line: Style | None = None
    patch: dict[str, Any] = field(default_factory=dict)
    size: float = NORMAL

    @property
    def height(self) -> float:
        return self.size * (0.4 + 1.25 * len(self.text.splitlines()))


def wrapped(text: str, room: float, size: float) -> str:
    """Break a text between its parts, or else between words, into lines of at most ``room`` points."""
    letters = max(int(room / (size * LETTER)), 8)
    lines: list[str] = []
    for part in text.split(" · "):
        if lines and len(lines[-1]) + len(part) + 3 <= letters:
            lines[-1] += f" · {part}"
        else:
            lines += textwrap.wrap(part, letters)
    return "\n".join(lines)


def share_burn_in(curves: Sequence[Curve]) -> bool:
    """Whether all curves have one burn-in, and the picture shows it."""
    return curves[0].first < curves[0].burn_in and len({curve.burn_in for curve in curves}) == 1


def marks_of(curves: Sequence[Curve]) -> Iterator[Mark]:
    """What the curves of a picture have in common: the end of the run, the target, the burn-in."""
    one, target = curves[0], curves[0].target
    horizon = one.horizon if len({curve.horizon for curve in curves}) == 1 else None
    if horizon is not None and one.first <= horizon <= one.last:
        name = _end_name(one) + (" = target" if horizon == target else "")
        yield Mark(horizon, f"{name} {horizon}", "-")
    if target is not None and one.first <= target <= one.last and target != horizon:
        yield Mark(target, f"target {target}", "--")
    if share_burn_in(curves):
        yield Mark(min(one.burn_in, one.last), "burn-in", begin=one.first)


def _end_name(curve: Curve) -> str:
    return "max_batches" if isinstance(curve.policy, Policy) else "end"


def drops_of(curve: Curve) -> list[Mark]:
    """The drops of step and steps that happen in the picture."""
    policy, stop = curve.policy, min(curve.last, curve.horizon or curve.last)
    if not isinstance(policy, (Step, Steps)):
        return []
    at = np.array(list(islice(policy.milestones(max(curve.burn_in, curve.first + 1), stop), MOST_COUNTED)), np.int64)
    with np.errstate(all="ignore"):
        factors = policy(at).astype(np.float64) / policy(at - 1)
    found = zip(at.tolist(), factors.tolist(), strict=True)
    return [Mark(t, f"{thousands(t)} {TIMES}{factor:.3g}", ":") for t, factor in found if np.isfinite(factor)]


def placed_marks(marks: Sequence[Mark], curve: Curve, room: float) -> list[Placed]:
    """Give every mark the highest lane in which its label meets no other; one that fits nowhere is left out."""
    low, high = margins(curve)
    placed: list[Placed] = []
    for mark in marks:
        x, begin = ((at - low) / (high - low) * room for at in (mark.x, mark.x if mark.begin is None else mark.begin))
        length = len(mark.text) * SMALL * DIGIT
        choices = [(x + GAP, x + GAP + length, "left"), (x - GAP - length, x - GAP, "right")]
        if length < x - begin:
            choices = [((begin + x - length) / 2, (begin + x + length) / 2, "center")]
        for lane, (left, right, side) in product(range(LANES), choices):
            tried = Placed(mark, lane, side, x, left, right)
            if left >= 0 and right <= room and not any(tried.meets(other) for other in placed):
                placed.append(tried)
                break
    return placed


def margins(curve: Curve) -> tuple[float, float]:
    """The limits of the axis of iterations: a hundredth more on either side."""
    beside = (curve.last - curve.first) / 100
    return curve.first - beside, curve.last + beside


def rows_of_one(curve: Curve, drops: list[Mark], crowded: bool, style: Style) -> Iterator[Row]:
    """What the legend says of a single curve."""
    policy, colour, name = curve.policy, style[0], curve.label
    if isinstance(policy, Random):
        name += (": " if name else "") + ("median draw" if policy.u == 0.5 else f"draw at quantile {policy.u:g}")
    if name:
        yield Row(name, style)
    if isinstance(policy, Random):
        yield Row("half of the draws lie here", patch={"facecolor": colour, "alpha": HALF + ALL})
        yield Row("all draws lie here", patch={"facecolor": colour, "alpha": ALL})
    if isinstance(policy, Sgdr):
        cycles = sum(1 for _ in islice(policy.milestones(curve.first, curve.last), MOST_COUNTED))
        if cycles > MOST_CYCLES:
            counted = "more than " * (cycles == MOST_COUNTED) + str(cycles)
            yield Row(f"{counted} restarts, so close that only the range of the rate can be seen")
    if share_burn_in([curve]):
        yield from _burn_in_rows(curve)
    if curve.zero is not None:
        share = (curve.end - curve.zero + 1) / (curve.end + 1)
        where = f"from iteration {curve.zero} on, the last {share:.2%} of the run" if curve.zero else "all the time"
        hatched = {"facecolor": "none", "edgecolor": HATCH, "hatch": "/////"}
        yield Row(f"a log prints 0.000000 {where}", patch=hatched)
    if crowded and drops:
        counted = "more than " * (len(drops) == MOST_COUNTED) + str(len(drops))
        yield Row(f"{counted} drops: the first {drops[0].text}, the last {drops[-1].text}")
    if isinstance(policy, Steps) and curve.first == 0 and not any(policy.milestones(1, max(curve.last, curve.end))):
        yield Row("no step is reached, the rate never drops")
    if curve.horizon is not None and curve.horizon < curve.last:
        dots = (colour, ":", 1.2) if curve.horizon > curve.first else None
        yield Row(f"past {_end_name(curve)} {curve.horizon} the trainer has stopped", dots)
    gaps = np.isnan(curve.rates[curve.trained])
    if gaps.any() and not gaps.all():
        start = curve.iterations[gaps.argmax()]
        until = "on" if gaps[gaps.argmax() :].all() else "on, with gaps"
        yield Row(f"no finite rate (NaN or infinity) from iteration {start} {until}")


def _burn_in_rows(curve: Curve) -> Iterator[Row]:
    end = min(curve.burn_in - 1, curve.last)
    yield Row(f"burn-in: iterations {curve.first} to {end}", patch={"facecolor": SHADE})
    dead = curve.zero is not None and curve.zero < curve.burn_in
    if dead or curve.first > 1 or end < 2 or curve.schedule.pieces(1, end) is None:
        return
    alive = first_where(curve.schedule, 1, end, lambda rates: ~printed_zero(rates))
    if alive != 1:
        until = end if alive is None else alive - 1
        yield Row(f"a log prints 0.000000 up to iteration {until} of it, which is normal", size=SMALL)


def rows_of_many(curves: list[Curve], styles: list[Style]) -> Iterator[Row]:
    """What the legend says of several curves: one entry each."""
    for curve, style in zip(curves, styles, strict=True):
        text = f"{curve.label}: {curve.words}" if curve.label else curve.words
        if isinstance(curve.policy, Random):
            text += " · the median draw, half of the draws, all draws"
        if curve.zero is not None:
            text += f" · from {curve.zero} on (cross) a log prints 0.000000"
        if np.isnan(curve.rates).all():
            text += " · no finite rate"
        yield Row(text, style)
    if share_burn_in(curves):
        end = min(curves[0].burn_in - 1, curves[0].last)
        yield Row(f"burn-in: iterations {curves[0].first} to {end}", patch={"facecolor": SHADE})


def thousands(value: float, _: Any = None) -> str:
    """An iteration as it stands on an axis: 400k, 1.5M; the second argument is the place of a tick."""
    for unit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.10g}{sign}"
    return f"{value:.10g}"


def epochs_of(curves: list[Curve], images: int | None) -> tuple[float, str] | None:
    """Epochs per iteration, and the name of their axis."""
    if images is None:
        return None
    if images < 1:
        raise ValueError(f"images must be at least 1, got {images}")
    for curve in curves:
        if curve.images is not None:
            alike = len({other.images for other in curves}) == 1
            return curve.images / images, f"epochs of {images} images" + ("" if alike else f" ({curve.label})")
    raise ValueError("images needs a Net, as only a Net knows how many images an iteration has")

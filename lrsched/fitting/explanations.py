"""fit(): the simplest schedule and clock that explain observed rates; clock_of() and pieces() for those that differ."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lrsched.fitting.clocks import Clock
from lrsched.fitting.forms import Guess
from lrsched.fitting.lags import followed, lagging
from lrsched.fitting.observed import Observed
from lrsched.fitting.sentences import clock_sentence
from lrsched.fitting.shape import Shape
from lrsched.fitting.simplicity import roundness
from lrsched.fitting.smooth import smooth
from lrsched.fitting.solving import sampled
from lrsched.fitting.stairs import constant, drops, lines
from lrsched.schedule import Schedule

__all__ = ["FORMS", "Fit", "Forms", "beginning", "clock_of", "fit", "pieces", "shifts"]

MOST_STEPS = 2_000_000
"""A schedule that is early or late is looked for up to here."""

MOST_SHIFTS = 1000
"""So many ways to be early or late are compared with all rates."""

FEW_SKIPPED = 3
"""Where more steps were skipped, it may be another clock."""

FURTHER = 6
"""A beginning that was made longer so often is made longer by half."""

MOST_FACTOR = 64
"""No clock is so many times faster or slower than the steps of the log."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A schedule that explains the rates of a log; ``print(fit)`` shows code that makes it again.

    Attributes:
        schedule: logged step -> rate, clock included.
        curve: the schedule by its own count of steps.
        family: the name of the curve.
        parameters: what defines it, in steps and rates.
        clock: which count of the schedule belongs to a logged step.
        matched: how many rates it explains.
        total: how many there are.
        open: what the log leaves undetermined, each with the reason.
        cost: how much has to be said to name it.
        others: the names of other curves that were found to explain every rate as well, the simplest first.
    """

    schedule: Schedule
    curve: Schedule
    family: str
    parameters: Mapping[str, Any]
    clock: Clock
    matched: int
    total: int
    open: Mapping[str, str] = field(default_factory=dict)
    cost: int = 0
    others: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every rate is explained."""
        return self.matched == self.total

    def sentence(self, usual: Clock) -> str:
        """How the run differs from its plan, why, and what to write instead; empty when it does not."""
        return clock_sentence(self.clock, usual, self.total) if self.complete else ""

    def __str__(self) -> str:
        return repr(self.schedule)


@dataclass(frozen=True, kw_only=True)
class Forms:
    """The curves that are tried, and how much may have to be said of one that is believed.

    Attributes:
        guesses: those that explain a sample of rows, the simplest first; ``step`` is the schedule's own count.
        cheap: an explanation that costs no more is taken at once, of rounded rates one that costs 2 less.
        simple: a stretch of rows is only explained by what costs no more.
        dear: an explanation that costs more is none: with so many free numbers anything fits.
        shortest: no stretch has fewer rows.
        strict: whether a rate is only explained by the clocks that are given.
    """

    guesses: Callable[[Observed], Iterator[Guess]]
    cheap: int = 5
    simple: int = 11
    dear: int = 16
    shortest: int = 4
    strict: bool = False


def guesses(rows: Observed) -> Iterator[Guess]:
    """Curves of any trainer."""
    rows = rows.rows(np.concatenate([[True], np.diff(rows.step) != 0]))
    same = list(constant(rows))
    yield from same
    if not same:
        yield from drops(rows)
        yield from smooth(rows.changing())
        yield from lines(rows)


FORMS = Forms(guesses=guesses)


def fit(observed: Observed, clocks: Sequence[Clock] = (Clock(),), forms: Forms = FORMS) -> Fit | None:
    """The simplest schedule that explains the rates; else the one that explains most of them; None without rates.

    ``clocks`` are those that the trainer uses, the likeliest first; ``forms`` are the curves that it draws.
    """
    if not len(observed):
        return None
    best: Fit | None = None
    costs: dict[str, int] = {}  # of the simplest complete one of each family
    for found in _tried(observed, clocks, forms, costs):
        if found.cost > forms.dear:
            continue
        if best is None or _order(found) < _order(best):
            best = found
        if found.complete:
            costs[found.family] = min(found.cost, costs.get(found.family, found.cost))
        if best.complete and best.cost <= (forms.cheap if observed.exact else forms.cheap - 2):
            break
    if best is None or not best.complete:
        return best
    best = _by_the_horizon(observed, best, clocks, forms)
    return replace(best, others=tuple(name for name in sorted(costs, key=costs.__getitem__) if name != best.family))


def _order(found: Fit) -> tuple[int, int]:
    return -found.matched, found.cost


def _tried(observed: Observed, clocks: Sequence[Clock], forms: Forms, costs: Mapping[str, int]) -> Iterator[Fit]:
    """Explanations, the likeliest clocks first; ``costs`` are those of the complete ones that were taken meanwhile."""

    def least() -> int:
        return min(costs.values(), default=forms.dear + 1)

    usual = clocks[0]
    for number, clock in enumerate(clocks):
        yield from _explained(observed, clock, number, forms, costs)
        if least() <= forms.cheap:
            return
    if forms.strict:
        return
    for guess in lagging(observed, usual) if least() >= forms.simple - 4 else ():
        behind = followed(observed, guess, usual)
        if behind is not None:
            told = 1 + len(set(behind.skipped))
            yield _judged(observed, guess, behind, min(told, 4) if observed.exact else told)
            return
    others: Iterator[Clock] = iter(())
    if least() > forms.dear:
        others = _unusual(observed, clocks)
    elif least() > forms.simple - 2:
        others = itertools.chain(_by_factor(observed, usual), _by_a_step(clocks))
    for clock in others:
        yield from _explained(observed, clock, 3, forms, costs)
        if least() <= forms.simple:
            return


def _explained(observed: Observed, clock: Clock, extra: int, forms: Forms, costs: Mapping[str, int]) -> Iterator[Fit]:
    """What explains the rates by a clock, but for what costs more than another curve of its kind that does."""
    for guess in forms.guesses(replace(observed, step=clock.count(observed.step))):
        if guess.cost + extra < costs.get(guess.family, math.inf):
            yield _judged(observed, guess, clock, extra)


def _judged(observed: Observed, guess: Guess | Fit, clock: Clock, extra: int = 0) -> Fit:
    own = guess.parameters.get("horizon")
    off = 0 if observed.horizon is None or own is None else abs(own - observed.horizon)
    return Fit(
        schedule=clock.applied(guess.curve),
        curve=guess.curve,
        family=guess.family,
        parameters=guess.parameters,
        clock=clock,
        matched=int(observed.matches(guess.curve(clock.count(observed.step))).sum()),
        total=len(observed),
        open=guess.open,
        cost=guess.cost + extra + min(3 * off, 6),
    )


def _unusual(observed: Observed, clocks: Sequence[Clock]) -> Iterator[Clock]:
    """Other clocks that may explain the rates, the simplest first."""
    usual = clocks[0]
    yield from _by_factor(observed, usual)
    yield from _by_a_step(clocks)
    for each, late in _stairs(observed):
        yield replace(usual, late=late, each=each)


def _by_a_step(clocks: Sequence[Clock]) -> Iterator[Clock]:
    """Clocks that are one step later or earlier."""
    lates = dict.fromkeys([1, 0, -1, *(clock.late + by for clock in clocks for by in (1, -1))])
    yield from (replace(clocks[0], late=late) for late in lates if all(clock.late != late for clock in clocks))


def _by_factor(observed: Observed, usual: Clock) -> Iterator[Clock]:
    """Clocks so many times as fast, or slow, that the rates lead to the trainer's own horizon."""
    rows = replace(observed, step=usual.count(observed.step))
    shape, horizon = Shape(rows=rows), observed.horizon or 0
    if not horizon or len(shape.falling) < 4:
        return
    powers = (shape.zero(power, False) for power in (1.0, 2.0, 0.5, 3.0))
    ends = [band.best for band in (shape.half_wave[1], *powers)]
    fast = [round(horizon / end) for end in ends if end > 0]
    slow = [round(end / horizon) for end in ends] + [round(float(rows.step[-1]) / horizon)]
    yield from (replace(usual, times=n) for n in dict.fromkeys(fast) if 1 < n <= MOST_FACTOR)
    yield from (replace(usual, each=n) for n in dict.fromkeys(slow) if 1 < n <= MOST_FACTOR)


def _stairs(observed: Observed) -> Iterator[tuple[int, int]]:
    """How many steps each rate stays, and where the first one begins, where the rates change like clockwork."""
    k, y = observed.step, observed.rate
    changes = np.flatnonzero(np.abs(np.diff(y)) > observed.slack[1:] + observed.slack[:-1])
    if not 2 <= len(changes) <= len(y) // 2:
        return
    low, high = k[changes], k[changes + 1]  # each change lies above low, up to high
    gaps = np.arange(1, len(changes))
    shortest, longest = float(((low[1:] - high[0]) / gaps).max()), float(((high[1:] - low[0]) / gaps).min())
    first = max(math.ceil(shortest), 2)
    for late in (0, 1):
        found = [
            each
            for each in range(first, min(math.floor(longest), first + 5000) + 1)
            if ((high - late) // each == (low - late) // each + 1).all()
        ]
        if found:
            yield max(found, key=roundness), late
            yield from ((each, late) for each in found[:2])


def _by_the_horizon(observed: Observed, found: Fit, clocks: Sequence[Clock], forms: Forms) -> Fit:
    """The same rates by the trainer's own horizon, where a clock that is so many times as fast leads there."""
    own, horizon = found.parameters.get("horizon", 0), observed.horizon or 0
    if not own or not horizon or found.clock.each > 1 or abs(own - horizon) <= 1:
        return found
    fast, slow = round(horizon / own), round(own / horizon)
    if 1 < fast <= MOST_FACTOR and abs(own * fast - horizon) <= fast:
        tried = [replace(clock, times=fast) for clock in clocks]
    elif 1 < slow <= MOST_FACTOR and abs(horizon * slow - own) <= slow:
        tried = [replace(clock, each=slow) for clock in clocks]
    else:
        return found
    others = [other for clock in tried for other in _explained(observed, clock, 1, forms, {}) if other.complete]
    best = min([found, *others], key=_order)
    ended = best.clock.count(observed.step[-1:])[0] >= horizon
    if best.clock.times > 1 and best.family == "cosine" and not ended:
        restarts = f"a cosine with {best.clock.times} cycles has the same rates: the log ends before it would restart"
        return replace(best, open={**best.open, "clock": restarts})
    return best


# --- a plan and its clock ---------------------------------------------------------------------------------------------


def clock_of(curve: Schedule, observed: Observed, clocks: Sequence[Clock]) -> Fit | None:
    """The clock by which a planned curve explains every rate, the simplest one; None when none does."""
    usual = clocks[0]
    planned = Guess(curve=curve, family="", parameters={})

    def first(tried: Sequence[Clock]) -> Fit | None:
        found = (_judged(observed, planned, clock) for clock in dict.fromkeys(tried))
        return next((one for one in found if one.complete), None)

    factors = range(2, MOST_FACTOR + 1)
    simple = first([*clocks, *(replace(usual, late=usual.late + by) for by in (1, -1))])
    lagged = None if simple else followed(observed, planned, usual)
    others = [replace(usual, times=n) for n in factors] + [replace(usual, each=n) for n in factors]
    if lagged is not None:
        others.insert(0 if len(lagged.skipped) <= FEW_SKIPPED else len(others), lagged)
    shifted = (_judged(observed, planned, clock) for clock in shifts(curve, observed, usual))
    return simple or first(others) or next(shifted, None)


def shifts(curve: Schedule, observed: Observed, usual: Clock) -> Iterator[Clock]:
    """Clocks that are early or late and explain every rate, the least so first.

    Of pairs of rows the one is looked for on the curve that stands at the fewest steps.
    """
    k = observed.step
    rates = curve(usual.count(np.arange(min(max(2 * int(k.max()), curve.horizon or 0) + 1000, MOST_STEPS))))
    low, high, on = observed.low, observed.high, np.flatnonzero(np.diff(k) > 0)
    changes = on[observed.rate[on + 1] != observed.rate[on]]
    places = []
    for row in {*on[sampled(len(on), 9)].tolist(), *changes[:1].tolist()} if changes.size else ():
        apart = int(k[row + 1] - k[row])
        one, two = rates[: max(len(rates) - apart, 0)], rates[apart:]
        here = (low[row] <= one) & (one <= high[row]) & (low[row + 1] <= two) & (two <= high[row + 1])
        places.append(np.flatnonzero(here) - k[row])
    ahead = min((found for found in places if len(found)), key=len, default=k[:0])
    for by in ahead[np.argsort(np.abs(ahead), kind="stable")][:MOST_SHIFTS].tolist():
        clock = replace(usual, late=usual.late - by)
        if observed.matches(curve(clock.count(observed.step))).all():
            yield clock


def beginning(observed: Observed, clocks: Sequence[Clock] = (Clock(),), forms: Forms = FORMS) -> tuple[int, Fit | None]:
    """How many rows from the first on one simple schedule explains, and that schedule."""
    forms = replace(forms, strict=True)  # by another clock the whole log goes, or none of it

    def simple(length: int) -> Fit | None:
        found = fit(observed.rows(slice(0, length)), clocks, forms)
        fits = found is not None and found.complete and found.cost <= min(forms.simple, length)
        return found if fits else None

    low, high = forms.shortest - 1, len(observed)
    best, further = None, 0
    while high - low > 1:
        # what explains no further row is rarely followed by what explains many more
        middle = low + 1 if 0 < further <= FURTHER else (low + high) // 2
        found = simple(middle)
        if found is not None:
            low = int(np.argmin(np.append(observed.matches(found.schedule(observed.step)), False)))
            best, further = replace(found, matched=low, total=low), further + 1
        elif middle > low + 1 and best is None:
            high = middle
        elif observed.exact or further > FURTHER + 2:
            break
        else:  # rounded rates may hide an explanation of a few rows more: it is looked for a few times
            high = middle if middle > low + 1 else high
            further = max(further, FURTHER) + 1
    return low, best and (simple(low) or best)  # what is open, by all of these rows


def pieces(
    observed: Observed, clocks: Sequence[Clock] = (Clock(),), most: int = 6, forms: Forms = FORMS
) -> list[tuple[int, Fit]]:
    """Fits of stretches of rows, each with the row it begins at, where no one schedule explains them all."""
    whole = fit(observed, clocks, forms)
    if (whole is not None and whole.complete) or most == 1 or len(observed) < 2 * forms.shortest:
        return [] if whole is None else [(0, whole)]
    length, best = beginning(observed, clocks, forms)
    if best is None:
        return [] if whole is None else [(0, whole)]
    after = observed.rows(slice(length, None))
    again = (_judged(after, best, clock) for clock in shifts(best.curve, after, clocks[0]))
    resumed = next(again, None) if best.family != "constant" and len(after) >= forms.shortest else None
    rest = [(0, resumed)] if resumed is not None else pieces(after, clocks, most - 1, forms)
    return [(0, best), *((length + row, found) for row, found in rest)]

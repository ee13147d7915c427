"""fit(): the simplest schedule and clock that explain observed rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from lrsched.fitting.clocks import Clock
from lrsched.fitting.forms import Guess
from lrsched.fitting.lines import lines
from lrsched.fitting.observed import Observed
from lrsched.fitting.smooth import smooth
from lrsched.fitting.stairs import constant, drops
from lrsched.fitting.unusual import by_a_step, by_factor, by_stairs, followed, lagging
from lrsched.schedule import Schedule

__all__ = ["FORMS", "Fit", "Forms", "fit", "judged"]


@dataclass(frozen=True, kw_only=True)
class Fit(Guess):
    """A curve and its clock, compared with the rates of a log; ``print(fit)`` shows code that makes the schedule."""

    clock: Clock  # which count of the curve belongs to a logged step
    matched: int  # how many rates are explained
    total: int  # how many there are
    words: int = 0  # how much has to be said to name the curve and the clock
    others: tuple[str, ...] = ()  # other curves that were found to explain every rate as well, the simplest first

    @property
    def schedule(self) -> Schedule:
        """Logged step -> rate."""
        return self.clock.applied(self.curve)

    @property
    def cost(self) -> int:
        """That of the guess, which a trainer's own may count differently, and of the clock."""
        return self.words

    @property
    def complete(self) -> bool:
        """Whether every rate is explained."""
        return self.matched == self.total

    def __str__(self) -> str:
        return repr(self.schedule)


@dataclass(frozen=True, kw_only=True)
class Forms:
    """The curves that are tried, and how much may have to be said of one that is believed."""

    # those that explain a sample of rows, the simplest first; ``step`` of the rows is the schedule's own count
    guesses: Callable[[Observed], Iterator[Guess]]
    cheap: int = 5  # an explanation that costs no more is taken at once, of rounded rates one that costs 2 less
    simple: int = 11  # a stretch of rows is only explained by what costs no more
    dear: int = 16  # an explanation that costs more is none: with so many free numbers anything fits
    shortest: int = 4  # no stretch has fewer rows
    strict: bool = False  # whether a rate is only explained by the clocks that are given


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
    others = tuple(name for name in sorted(costs, key=costs.__getitem__) if name != best.family)
    n, ended = best.clock.times, best.clock.count(observed.step[-1]) >= (observed.horizon or 0)
    if n == 1 or best.family != "cosine" or ended:
        return replace(best, others=others)
    restarts = f"a cosine with {n} cycles has the same rates: the log ends before it would restart"
    return replace(best, others=others, open={**best.open, "clock": restarts})


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
            yield judged(observed, guess, behind, min(told, 4) if observed.exact else told)
            return
    for enough, unusual in (  # the odder a clock, the dearer is what it has to replace
        (forms.simple - 4, by_factor(observed, usual)),
        (forms.simple - 2, by_a_step(clocks)),
        (forms.dear, by_stairs(observed, usual)),
    ):
        for clock in unusual:
            if least() <= enough:
                return
            yield from _explained(observed, clock, 3, forms, costs)


def _explained(observed: Observed, clock: Clock, extra: int, forms: Forms, costs: Mapping[str, int]) -> Iterator[Fit]:
    """What explains the rates by a clock, but for what costs more than another curve of its kind that does."""
    for guess in forms.guesses(replace(observed, step=clock.count(observed.step))):
        if guess.cost + extra < costs.get(guess.family, math.inf):
            yield judged(observed, guess, clock, extra)


def judged(observed: Observed, guess: Guess, clock: Clock, extra: int = 0) -> Fit:
    """A curve compared with every rate; another horizon than the trainer's own counts as unusual, as ``extra`` does."""
    own = guess.parameters.get("horizon")
    off = 0 if observed.horizon is None or own is None else abs(own - observed.horizon)
    return Fit(
        **{each.name: getattr(guess, each.name) for each in fields(Guess)},
        clock=clock,
        matched=int(observed.matches(guess.curve(clock.count(observed.step))).sum()),
        total=len(observed),
        words=guess.cost + extra + min(3 * off, 6),
    )

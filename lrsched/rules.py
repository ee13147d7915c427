"""What a run, a rule, a finding and a fix are, and what a config answers about itself: for planner and trainers alike.

A rule looks at a run and yields findings; the fixes beside it yield offers for one of them. An offer is only a
candidate: the planner writes it into the config, reads that again, and shows it when the finding is gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import Schedule
from lrsched.search import Curve, Question, curve_of
from lrsched.text import plain

if TYPE_CHECKING:
    from lrsched.shaping import Shaping

__all__ = ["MARGIN", "SHORTEST", "Changes", "Config", "Configs", "Finding", "Fix", "Offer", "Planning", "Rule"]
__all__ += ["Run", "Severity", "Terms", "change", "error", "note", "rule", "warning"]

Severity: TypeAlias = Literal["error", "warning", "note"]
Changes: TypeAlias = Mapping[str, Any]

ZERO_SHARE = 1e-9  # a rate below this share of the peak is 0 where a trainer gives no bound of its own
MARGIN = 2.0  # an offer has to stay so many times below the thresholds that make a finding
SHORTEST = 10  # a run of fewer iterations can neither warm up nor decay; a target so near asks for a rate


class Terms(NamedTuple):
    """The words and bounds of a trainer."""

    horizon: str = ""  #: what is written before the last iteration of a run
    warmup: str = "warmup"  #: the name of the warm-up, in messages and in finding codes
    zero: str = "0"  #: what the log shows of a rate that is too small
    zero_below: float | None = None  #: the size below which a rate counts as zero, a billionth of the peak if None
    decay: float | None = None  #: how many times the rate usually falls below its peak, not judged if None
    again: str = "count from 0 again"  #: how a run begins anew with the weights it has
    kept: str = ""  #: the key that keeps its value unless the user says so, as people know their learning rate


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something the planner noticed.

    Attributes:
        code: a stable name, such as ``rate-reaches-zero``.
        severity: ``error`` and ``warning``: the run is useless or not what was meant; ``note``: worth knowing.
        first: the first iteration it concerns.
        last: the last iteration it concerns.
        message: one sentence: what happens, since when, what it means.
    """

    code: str
    severity: Severity
    first: int
    last: int
    message: str

    @property
    def serious(self) -> bool:
        """Whether this is more than a note."""
        return self.severity != "note"


def _finding(severity: Severity, message: str, first: int = -1, last: int = -1) -> Finding:
    return Finding(code="", severity=severity, first=first, last=last, message=message)


Made: TypeAlias = Callable[..., Finding]

error: Made = partial(_finding, "error")
warning: Made = partial(_finding, "warning")
note: Made = partial(_finding, "note")
"""Findings about some iterations or the whole run, to which the rule adds its code."""


class Offer(NamedTuple):
    """A change that may fix a finding."""

    changes: Changes  #: key -> value; None deletes the key
    text: str  #: what the values do, in a few words
    target: int | None = None  #: the iteration to stop at, when the change only makes sense then
    exact: Changes = MappingProxyType({})  #: key -> the value that just does it, where the change has a rounder one


class Config(Protocol):
    """A trainer's config as a value that answers for itself.

    Only where its trainer has keys that can be changed is ``with_values`` asked for. A run that does not begin at
    iteration 0 also has a ``start``, one that knows them ``iterations_per_epoch``.
    """

    @property
    def source(self) -> str:
        """Where it was read from, as messages name it."""

    def caption(self, ngpus: int = 1) -> str:
        """The schedule of a run in one line."""

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """Every schedule of a run by name; the first is the learning rate people look at."""

    def with_values(self, changes: Changes) -> Config:
        """The config with other values, written into its text and read again; a value of None deletes the key."""


class Planning:
    """What a trainer knows about a config: a base that knows nothing, for trainers that know only some of it.

    A method gives None (or nothing) where no key of the config can do it.
    """

    terms: ClassVar[Terms] = Terms()
    """The words and bounds of its trainer."""

    rules: ClassVar[tuple[Rule, ...]] = ()
    """The rules about its own keys, in the order in which their findings are shown."""

    fixes: ClassVar[Mapping[str, tuple[Fix, ...]]] = MappingProxyType({})
    """Fixes of its own for findings about any schedule, by their code."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def stretched(self, horizon: int) -> Offer | None:
        """The same curve, longer or shorter, so that it ends (or is still of use) at ``horizon``."""
        return None

    def decaying(self, horizon: int, start: int = 0) -> Changes | None:
        """The keys of a usual decay until ``horizon``, which begins after ``start`` where that can be written."""
        return None

    def warmed(self, iterations: int) -> Changes | None:
        """The keys of a usual warm-up for a run of so many iterations."""
        return None

    def reaching(self, rate: float, iteration: int, ngpus: int = 1) -> Iterable[Offer]:
        """The keys that bend the curve, one offer each, so that the rate at an iteration is ``rate`` or just above."""
        return ()

    def continued(self, start: int, horizon: int, ngpus: int = 1) -> Changes | None:
        """The keys with which the curve goes on from ``start`` to a later horizon without a jump."""
        return None

    def held(self, rate: float, horizon: int, ngpus: int = 1) -> Changes | None:
        """The keys of a constant rate until ``horizon``."""
        return None

    def about(self) -> Mapping[str, Any]:
        """The config in a JSON document."""
        return {"config": self.config.source}

    def files(self) -> Mapping[str, str]:
        """The texts of the config by the names of their files; none where it comes from no file."""
        return {}

    def place_of(self, key: str) -> tuple[str, int] | None:
        """The file and the line that give a key its value; None where there is none."""
        return None

    def line(self, key: str, value: Any) -> str:
        """What is written to give a key a value."""
        return f"(delete the line with {key})" if value is None else f"{key}={plain(value)}"

    def lines(self, changes: Changes) -> list[str]:
        """What is written to make changes."""
        return [self.line(key, value) for key, value in changes.items()]


class Configs(NamedTuple):
    """What a trainer's configs are, loaded when one is read."""

    read: Callable[..., Any]  #: ``read(source, changes, **options)`` a path or an open file, as if it had the changes
    options: frozenset[str] = frozenset()  #: the trainer's own (a dialect), and the facts of the data set it wants
    schedules: tuple[Callable[..., Any], ...] = ()  #: what its schedules are made of, by whose names they are stored
    config_of: Callable[[Schedule], Config | None] = lambda schedule: None  #: the config one of them would come from
    planning: type[Planning] = Planning  #: what its configs know about themselves for the planner
    shaping: Callable[[Any], Shaping] | None = None  #: what can be shaped by hand, its fields if None
    points: tuple[str, ...] = ()  #: of these fields those of the peak, the warm-up, the end and the length of its curve


@dataclass(frozen=True, kw_only=True)
class Run:
    """A schedule with the stretch of iterations it is wanted for, and what every rule wants to know of it."""

    schedule: Schedule  #: the rates, GPU factor included
    config: Any = None  #: the config they come from
    planning_of: Callable[[Any], Planning] = Planning  #: what its trainer knows about a config
    start: int = 0  #: the iteration the run begins (or resumes) at
    target: int | None = None  #: the iteration the user wants to reach, if one was named
    ngpus: int = 1
    classes: int | None = None  #: of the data set, if they were said
    images: int | None = None  #: for training, if they were said
    margin: float = 1.0  #: the thresholds of the rules are divided by it, to see if an offer is well below them

    @cached_property
    def planning(self) -> Planning:
        """What the config knows about itself: nothing where there is none."""
        return self.planning_of(self.config)

    @property
    def terms(self) -> Terms:
        """The words and bounds that messages and rules use."""
        return self.planning.terms

    @property
    def horizon(self) -> int | None:
        """The iteration the trainer stops at, or None when it has none."""
        return self.schedule.horizon

    @cached_property
    def last(self) -> int | None:
        """The last iteration of the run: the smaller of target and horizon; None when the run is over or endless."""
        known = [t for t in (self.target, self.horizon) if t is not None]
        return min(known) if known and min(known) >= self.start else None

    @property
    def final(self) -> int:
        """The last iteration; the start where the run has none."""
        return self.start if self.last is None else self.last

    @property
    def goal(self) -> int | None:
        """The iteration that counts: the target, or the horizon when nobody named one."""
        return self.horizon if self.target is None else self.target

    @property
    def length(self) -> int:
        """Iterations from the start to the last one, both included."""
        return 0 if self.last is None else self.last - self.start + 1

    @cached_property
    def curve(self) -> Curve:
        """The rates from the start to the last iteration; needs a run with a length."""
        return curve_of(self.schedule, self.start, self.final)

    @cached_property
    def peak(self) -> tuple[float, int]:
        """The largest size of the rate from iteration 0 to the last, and the first looked-at iteration that has it."""
        curve = curve_of(self.schedule, 0, self.last or 0) if self.start else self.curve
        sizes = np.abs(np.where(np.isfinite(curve.rates), curve.rates, 0))
        at = int(sizes.argmax())
        return float(sizes[at]), int(curve.iterations[at])

    def is_zero(self, rates: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rates count as zero."""
        sizes, below = np.abs(rates), self.terms.zero_below
        return np.asarray((sizes == 0) | (sizes < (self.peak[0] * ZERO_SHARE if below is None else below)))

    @cached_property
    def zeros(self) -> list[tuple[int, int]]:
        """The stretches after the warm-up over which the rate counts as zero."""
        first = max(self.start, self.schedule.warmup)
        return curve_of(self.schedule, first, self.final).stretches(self.is_zero) if first <= self.final else []

    def tail(self, low: Question, share: float = 0.0) -> int | None:
        """The first iteration of the stretch up to the last one over which the rate is low.

        None where that is no more than a share of the run.
        """
        enough = max(self.final - int(share * self.length), self.start)
        if not self.length or not low(self.schedule([enough])).all():
            return None  # as most often, and without a search
        first = self.curve.tail(low)
        return None if first is None or self.final - first + 1 <= share * self.length else first

    def rate(self, iteration: int) -> float:
        """The exact rate at one iteration."""
        return float(self.schedule(iteration))

    @cached_property
    def last_rate(self) -> float:
        """The rate at the last iteration; NaN when the run has none."""
        return math.nan if self.last is None else float(self.curve.rates[-1])

    def changed(self, changes: Changes, **others: Any) -> Run:
        """The same run with other keys of its config, and other fields of the run.

        Raises:
            ValueError: when the trainer would not run with them.
        """
        if not changes:
            return replace(self, **others)
        config = self.config.with_values(changes)
        return replace(self, config=config, schedule=next(iter(config.schedules(self.ngpus).values())), **others)

    def of_file(self) -> Run:
        """The run of the file, without what the user said about it."""
        return replace(self, target=None, classes=None, images=None)

    def strictly(self) -> Run:
        """The same run, judged by lower thresholds; what is known of its curve is kept, as replace() would not."""
        judged = copy(self)
        object.__setattr__(judged, "margin", MARGIN)
        return judged


Look: TypeAlias = Callable[[Run], Iterator[Finding]]
Fix: TypeAlias = Callable[[Run, Finding], Iterable[Offer]]


def change(text: str, changes: Callable[[Run], Changes | None]) -> Fix:
    """The fix that offers one change, where the function gives one."""
    return lambda run, _: [Offer(found, text)] if (found := changes(run)) else []


class Rule(NamedTuple):
    """One rule: what it looks for, under which code, and how that is fixed."""

    code: str  #: the code of its findings; ``{warmup}`` in it becomes the trainer's own word
    look: Look  #: yields what it finds; its docstring says why it matters and which thread it comes from
    fixes: tuple[Fix, ...]  #: each yields offers for one of its findings; the simplest comes first
    hides: frozenset[str]  #: codes of findings with the same cause, which are left out beside one of this rule
    misread: bool = False  #: whether an error means that the config was misread, so that there is no more to say
    notes: bool = False  #: whether it only ever notes, so that an offer need not be tried against it
    shape: bool = False  #: whether it looks at the shape of the curve, which says nothing about a few iterations

    def code_in(self, terms: Terms) -> str:
        """The code in the words of a trainer."""
        return self.code.replace("{warmup}", terms.warmup)

    def findings(self, run: Run) -> Iterator[Finding]:
        """What the rule finds in a run, under its code."""
        for found in self.look(run):
            first = run.start if found.first < 0 else found.first
            last = run.final if found.last < 0 else found.last
            message = found.message.replace("iteration", run.schedule.unit)
            yield replace(found, code=self.code_in(run.terms), message=message, first=first, last=max(first, last))


def rule(code: str, *fixes: Fix, hides: str = "", **flags: bool) -> Callable[[Look], Rule]:
    """Make a rule of a function that looks at a run; ``hides`` are codes separated by blanks."""
    return lambda look: Rule(code, look, fixes, frozenset(hides.split()), **flags)

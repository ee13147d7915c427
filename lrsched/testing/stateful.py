"""Schedulers with state, as those of torch: something with a rate that a call moves one iteration on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsched.testing.answers import Answers, ask, quiet, shown
from lrsched.testing.check import CHECKS, Check, named, reported, run_check
from lrsched.testing.declared import Declared
from lrsched.testing.results import Counterexample, NotJudged, Result
from lrsched.testing.subject import Subject

__all__ = ["CHECKS_OF_THE_RECORD", "STATEFUL_CHECKS", "Machine", "Scheduler", "check_stateful"]

STOPS = 24
"""Iterations at which a run is saved and gone on with, at most."""


@dataclass(frozen=True)
class Raised:
    """That a call raised, and what."""

    error: Exception


@dataclass(frozen=True, eq=False)
class Machine:
    """How to make a scheduler, move it on and read it."""

    make: Callable[[], Any]
    step: Callable[[Any], object]
    get: Callable[[Any], Any]

    def run(self, count: int) -> Tape:
        """What is read at iterations 0 to ``count``; after an error nothing is called any more."""
        outcomes: list[Any] = []
        state = None
        with quiet():
            for iteration in range(count + 1):
                try:
                    if iteration:
                        self.step(state)
                    else:
                        state = self.make()
                    outcomes.append(_kept(self.get(state)))
                except Exception as error:
                    outcomes.append(Raised(error))
                    break
        return Tape(tuple(outcomes))


def _kept(value: Any) -> Any:
    """A copy of what was read: a scheduler may write to it later."""
    return value if isinstance(value, (int, float, complex, str, type(None))) else copy.deepcopy(value)


@dataclass(frozen=True, eq=False)
class Tape:
    """What a scheduler was read to give, as a function of the iteration; an error stays to the end."""

    outcomes: tuple[Any, ...]

    def __call__(self, iteration: int) -> Any:
        outcome = self.outcomes[min(iteration, len(self.outcomes) - 1)]
        if isinstance(outcome, Raised):
            raise outcome.error
        return outcome

    def answers(self, count: int) -> Answers:
        """The answers at iterations 0 to ``count``."""
        return ask(self, range(count + 1))

    @property
    def good(self) -> int:
        """The last iteration that was reached without an error, -1 for none."""
        return len(self.outcomes) - 1 - isinstance(self.outcomes[-1], Raised)


@dataclass(frozen=True, eq=False)
class Scheduler:
    """A scheduler with state that is checked: how it works, and a record of one run as a subject."""

    machine: Machine
    tape: Tape
    subject: Subject
    save: Callable[[Any], Any] | None
    load: Callable[[Any, Any], object] | None
    make_for: Callable[[int], Any] | None

    @property
    def last(self) -> int:
        """The last iteration of the run that is reached without an error.

        Raises:
            NotJudged: when none is.
        """
        if self.tape.good < 0:
            raise NotJudged("it cannot be made")
        return min(self.tape.good, self.subject.horizon)

    def other_than(self, other: Tape, how: str, begin: int = 0) -> Counterexample | None:
        """The first iteration at which another run, from iteration ``begin`` on, differs from the record."""
        last = self.last
        one, two = self.tape.answers(last), other.answers(last - begin)
        for place in range(last - begin + 1):
            a, b = float(one.rates[begin + place]), float(two.rates[place])
            same = abs(a - b) <= self.subject.slack or a == b or (np.isnan(a) and np.isnan(b))
            if one.kinds[begin + place] != two.kinds[place] or not same:
                return Counterexample(
                    f"at iteration {begin + place} it {one.told(begin + place)}, {how} it {two.told(place)}",
                    begin + place,
                )
        return None


def reading_changes_nothing(scheduler: Scheduler) -> Counterexample | None:
    """Reading the rate twice gives the same rate, and does not move the schedule on."""
    machine = scheduler.machine

    def twice(state: Any) -> Any:
        machine.get(state)
        return machine.get(state)

    read = Machine(machine.make, machine.step, twice).run(scheduler.last)
    return scheduler.other_than(read, "read twice")


def second_run_is_the_same(scheduler: Scheduler) -> Counterexample | None:
    """A second scheduler, moved on while another one lives and moves, gives the same rates."""
    machine, last = scheduler.machine, scheduler.last

    def both() -> tuple[Any, Any]:
        return machine.make(), machine.make()

    def step(states: tuple[Any, Any]) -> None:
        for state in states:
            machine.step(state)

    second = Machine(both, step, lambda states: machine.get(states[0])).run(last)
    return scheduler.other_than(second, "beside another one")


def resumes(scheduler: Scheduler) -> Counterexample | None:
    """Saved at an iteration and loaded into a new scheduler, it goes on with the same rates."""
    machine, save, load, last = scheduler.machine, scheduler.save, scheduler.load, scheduler.last
    if save is None or load is None:
        raise NotJudged("not declared: save and load")
    marks = [each for each in scheduler.subject.landmarks if each <= last]
    stops = {*np.linspace(0, last, STOPS // 2).astype(int).tolist(), *marks[: STOPS // 2]}
    saved = {}
    with quiet():
        state = machine.make()
        for iteration in range(last + 1):
            if iteration:
                machine.step(state)
            if iteration in stops:
                saved[iteration] = copy.deepcopy(save(state))
    for stop, kept in saved.items():

        def resumed(kept: Any = kept) -> Any:
            fresh = machine.make()
            load(fresh, copy.deepcopy(kept))
            return fresh

        tail = Machine(resumed, machine.step, machine.get).run(last - stop)
        found = scheduler.other_than(tail, f"saved and loaded at iteration {stop}", stop)
        if found is not None:
            return found
    return None


def stretches(scheduler: Scheduler) -> Counterexample | None:
    """Made for twice or three times the horizon, it is the same curve, stretched."""
    make_for, horizon = scheduler.make_for, scheduler.subject.horizon
    if make_for is None:
        raise NotJudged("not declared: make_for")

    def run(factor: int) -> Answers:
        end = factor * horizon
        machine = Machine(lambda: make_for(end), scheduler.machine.step, scheduler.machine.get)
        return machine.run(end).answers(end)

    one = run(1)
    for factor in (2, 3):
        other = run(factor)
        for at in range(horizon + 1):
            if not abs(float(one.rates[at]) - float(other.rates[factor * at])) <= scheduler.subject.tolerance:
                return Counterexample(
                    f"with horizon {horizon} the rate at iteration {at} is {shown(one.rates[at])}, with horizon "
                    f"{factor * horizon} at iteration {factor * at} it {other.told(factor * at)}",
                    at,
                )
    return None


OF_FUNCTIONS = {
    "input-not-written",
    "int-is-int64",
    "no-overflow",
    "pickles",
    "pure",
    "same-in-every-process",
    "scalar-is-array",
    "stretches",
}

CHECKS_OF_THE_RECORD: tuple[Check, ...] = tuple(check for check in CHECKS if check.name not in OF_FUNCTIONS)
"""Checks of the rates that one run has given."""

STATEFUL_CHECKS: tuple[Check, ...] = (
    Check(reading_changes_nothing),
    Check(second_run_is_the_same),
    Check(resumes),
    Check(stretches),
)
"""Checks that need more than one run."""


def check_stateful(
    make: Callable[[], Any],
    step: Callable[[Any], object],
    get: Callable[[Any], Any],
    *,
    horizon: int,
    save: Callable[[Any], Any] | None = None,
    load: Callable[[Any, Any], object] | None = None,
    make_for: Callable[[int], Any] | None = None,
    name: str = "scheduler",
    expected_failures: Mapping[str, str] | None = None,
    raises: bool = True,
    **declared: Any,
) -> list[Result]:
    """Check a scheduler that is moved on step by step, as those of torch are.

    Args:
        make: makes a new scheduler at iteration 0.
        step: moves it one iteration on.
        get: reads its rate.
        horizon: the last iteration of the run; the record goes on to twice as many, to see what follows.
        save: what a checkpoint keeps of a scheduler.
        load: restores a new scheduler from that.
        make_for: makes the scheduler for another horizon.
        name: what to call it.
        expected_failures: names of checks that may fail, and why.
        raises: whether failures are raised at the end, all together.
        **declared: what is promised; the fields of :class:`Declared`.

    Raises:
        ScheduleCheckError: when checks fail, with the smallest counterexample of each.
        TypeError, ValueError: for a promise that makes no sense, or a name no check has.
    """
    if "picklable" in declared:
        raise TypeError("picklable is a promise of functions; a scheduler is saved with save=... and load=...")
    checks = CHECKS_OF_THE_RECORD + STATEFUL_CHECKS
    expected = named(checks, expected_failures or {}, "expected_failures")
    promises = Declared(horizon=horizon, **declared)
    machine = Machine(make, step, get)
    reach = 2 * promises.horizon + 1
    tape = machine.run(reach)
    record = Subject(name, tape, promises, reach=reach, recorded=True)
    scheduler = Scheduler(machine, tape, record, save, load, make_for)
    results = [
        run_check(check, scheduler if check in STATEFUL_CHECKS else record, promises, expected.get(check.name))
        for check in checks
    ]
    return reported(name, results, raises=raises)

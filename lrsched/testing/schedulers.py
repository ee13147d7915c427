"""Checks of schedulers with state, as those of torch: made, moved on by a call, saved and loaded."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from lrsched.testing.expectations import Expectations, expectations
from lrsched.testing.rate_checks import RATE_CHECKS
from lrsched.testing.results import Check, Failure, Result, Skip, check, known, reported, run_check
from lrsched.testing.subject import Rates, Subject, called, quiet, rates_of

__all__ = ["SCHEDULER_CHECKS", "Scheduler", "check_scheduler"]

STOPS = 8  # iterations at which a run is saved and resumed
GROUPED = ("initial", "peak", "final", "minimum", "maximum")  # may be a list, with a rate for each parameter group


def _load(scheduler: Any, saved: Any) -> None:
    scheduler.optimizer.load_state_dict(saved[0])
    scheduler.load_state_dict(saved[1])


@dataclass(frozen=True, eq=False)
class Scheduler:
    """A scheduler to be checked: how it is made, moved on, read, saved and loaded."""

    make: Callable[[], Any]
    step: Callable[[Any], object]
    read: Callable[[Any], Any]
    save: Callable[[Any], Any]
    load: Callable[[Any, Any], object]
    expected: Expectations

    def run(self, make: Callable[[], Any], count: int) -> list[Rates]:
        """The rates at ``count`` iterations, for each parameter group; after an error nothing is called."""
        rows: list[Any] = []
        try:
            state = make()
            for iteration in range(count):
                if iteration:
                    self.step(state)
                read = self.read(state)
                # copied, because a scheduler may write to it later
                rows.append(copy.deepcopy(list(read) if isinstance(read, (list, tuple)) else [read]))
        except Exception as error:
            rows += [[error] * len(rows[0] if rows else [0])] * (count - len(rows))
        return [rates_of(group) for group in zip(*rows, strict=False)]

    @cached_property
    def recorded(self) -> list[Rates]:
        """The first run, up to the horizon, and as far again where something is expected there."""
        horizon = self.expected.horizon
        return self.run(self.make, 2 * horizon + 2 if self.expected.after else horizon + 1)

    def resumed(self, stop: int) -> Any:
        """A new scheduler that goes on from what another one saved."""
        old, new = self.make(), self.make()
        for _ in range(stop):
            self.step(old)
        self.load(new, copy.deepcopy(self.save(old)))
        return new


@check()
def check_resumes(scheduler: Scheduler) -> Failure | None:
    """Saved at an iteration and loaded into a new scheduler, it continues with the same rates."""
    if scheduler.recorded[0].notes:
        raise Skip("it raises before the run is over")
    horizon = scheduler.expected.horizon
    spread = np.linspace(0, horizon, STOPS // 2).astype(int).tolist()
    for stop in sorted({*spread, *scheduler.expected.places[: STOPS - len(spread)]}):
        rest = scheduler.run(partial(scheduler.resumed, stop), horizon + 1 - stop)
        for group, (whole, two) in enumerate(zip(scheduler.recorded, rest, strict=False)):
            one = whole.part(np.arange(stop, horizon + 1))
            place = one.first_other(two, 4 * whole.epsilon * float(np.max(np.abs(whole.values))))
            if place is not None:
                where = f" in parameter group {group}" if len(scheduler.recorded) > 1 else ""
                got = f"{one.text(place)}{where}, saved and loaded at iteration {stop} it {two.text(place)}"
                return Failure(f"at iteration {stop + place} it {got}", stop + place)
    return None


SCHEDULER_CHECKS: tuple[Check, ...] = (*RATE_CHECKS, check_resumes)  # in the order of the results


@quiet()
def check_scheduler(
    make: Callable[[], Any],
    *,
    step: Callable[[Any], object] = lambda scheduler: scheduler.step(),
    read: Callable[[Any], Any] = lambda scheduler: [group["lr"] for group in scheduler.optimizer.param_groups],
    save: Callable[[Any], Any] = lambda scheduler: (scheduler.optimizer.state_dict(), scheduler.state_dict()),
    load: Callable[[Any, Any], object] = _load,
    expected_failures: Mapping[str, str] | None = None,
    raises: bool = True,
    **expected: Any,
) -> list[Result]:
    """Check a scheduler that is moved on step by step: one of torch, or any other with the four functions.

    Args:
        make: makes a new scheduler at iteration 0, with an optimizer of its own.
        step: moves it one iteration on.
        read: reads its rate, or a list of the rates of all parameter groups.
        save: what a checkpoint keeps of it, and of its optimizer.
        load: restores a new scheduler from that.
        expected_failures: names of checks that may fail, and why.
        raises: whether failures are raised at the end, all together.
        **expected: as in :func:`check_schedule`; a list of rates has one for each parameter group.

    Raises:
        ScheduleCheckError: when checks fail, with the first iteration of each failure.
        TypeError, ValueError: for an expectation that makes no sense, or a name no check has.
    """
    reasons = expected_failures or {}
    known(SCHEDULER_CHECKS, reasons, "expected_failures")
    if "picklable" in expected:
        raise TypeError("picklable is for functions; a scheduler is saved with save=... and loaded with load=...")
    alike = expectations(None, {key: each for key, each in expected.items() if key not in GROUPED})
    scheduler = Scheduler(make, step, read, save, load, alike)
    groups = scheduler.recorded
    lists = {key: rates for key, rates in expected.items() if key in GROUPED and isinstance(rates, Sequence)}
    for key, rates in lists.items():
        if len(rates) != len(groups):
            raise ValueError(f"{key} has {len(rates)} rates, but there are {len(groups)} parameter groups")
    iterations, asked = np.arange(alike.horizon + 1), []
    for group, answers in enumerate(groups):
        own = expectations(None, expected | {key: rates[group] for key, rates in lists.items()})
        after = own.later[own.later < answers.values.size]
        asked.append(Subject(called(make), own, iterations, answers.part(iterations), (after, answers.part(after))))
    results = [_worst([run_check(each, one, reasons) for one in asked]) for each in RATE_CHECKS]
    results.append(run_check(check_resumes, scheduler, reasons))
    return reported(called(make), results, raises=raises)


def _worst(results: list[Result]) -> Result:
    """Of the results of all groups the first that failed, or the first that was not skipped."""
    order = ("failed", "xfail", "passed", "skipped")
    group, worst = min(enumerate(results), key=lambda each: order.index(each[1].status))
    return replace(worst, got=f"group {group}: {worst.got}") if worst.got and len(results) > 1 else worst

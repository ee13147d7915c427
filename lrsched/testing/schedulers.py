"""Checks of schedulers with state, as those of torch: made, moved on by a call, saved and loaded."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from lrsched.testing.checking import Check, check, known, raise_failures, run_check
from lrsched.testing.evaluate import Rates, quiet, rates_of
from lrsched.testing.expectations import Expectations, expectations
from lrsched.testing.functions import RATE_CHECKS
from lrsched.testing.pace import Pace
from lrsched.testing.results import Failure, Result, Skip
from lrsched.testing.subject import Subject, later_than

__all__ = ["SCHEDULER_CHECKS", "Scheduler", "check_scheduler"]

STOPS = 10
"""Iterations at which a run is saved and resumed."""

TRIED = 20
"""Steps that are made to learn how long one takes."""

RUNS = 2 + 1 + 2 + STOPS / 2
"""Steps of all checks together, per iteration of the run: recorded, read twice, two at once, resumed."""

Groups: TypeAlias = tuple[Rates, ...]


def step_torch(scheduler: Any) -> None:
    """Move a scheduler of torch on; the weights stay as they are."""
    scheduler.step()


def rates_of_torch(scheduler: Any) -> list[Any]:
    """The rates of all parameter groups of a scheduler of torch."""
    return [group["lr"] for group in scheduler.optimizer.param_groups]


def save_torch(scheduler: Any) -> Any:
    """What a checkpoint keeps of a scheduler of torch and its optimizer."""
    return scheduler.optimizer.state_dict(), scheduler.state_dict()


def load_torch(scheduler: Any, saved: Any) -> None:
    """Restore a new scheduler of torch, and its optimizer, from a checkpoint."""
    optimizer, state = saved
    scheduler.optimizer.load_state_dict(optimizer)
    scheduler.load_state_dict(state)


@dataclass(frozen=True, eq=False)
class Scheduler:
    """A scheduler to be checked: how it is made, moved on, read, saved and loaded.

    The checks of state look at this; ``recorded`` is what the first run gave, for each parameter group.
    """

    make: Callable[[], Any]
    step: Callable[[Any], object]
    read: Callable[[Any], Any]
    save: Callable[[Any], Any]
    load: Callable[[Any, Any], object]
    expected: Expectations

    def run(
        self,
        count: int,
        *,
        make: Callable[[], Any] | None = None,
        step: Callable[[Any], object] | None = None,
        read: Callable[[Any], Any] | None = None,
    ) -> Groups:
        """The rates at iterations 0 to ``count``, for each group; after an error nothing is called any more."""
        make, step, read = make or self.make, step or self.step, read or self.read
        rows: list[Any] = []
        state = None
        with quiet():
            for iteration in range(count + 1):
                try:
                    if iteration:
                        step(state)
                    else:
                        state = make()
                    rows.append(_copied(read(state)))
                except Exception as error:
                    rows += [error] * (count + 1 - iteration)
                    break
        groups = len(rows[0]) if isinstance(rows[0], tuple) else 1
        return tuple(
            rates_of([row if isinstance(row, Exception) else row[group] for row in rows]) for group in range(groups)
        )

    @cached_property
    def recorded(self) -> Groups:
        """The first run, up to the horizon, and as far again where something is expected there."""
        horizon = self.expected.horizon
        return self.run(2 * horizon + 1 if self.expected.after else horizon)

    def subject(self, name: str, group: int, expected: Expectations) -> Subject:
        """The recording of one group, for the checks of rates."""
        rates, horizon = self.recorded[group], expected.horizon
        iterations = np.arange(horizon + 1, dtype=np.int64)
        later = later_than(horizon)
        later = later[later < rates.values.size]
        return Subject(name, expected, iterations, _part(rates, iterations), (later, _part(rates, later)))

    def first_other(self, other: Groups, how: str, begin: int = 0) -> Failure | None:
        """The first iteration at which another run, begun at iteration ``begin``, differs from the recording."""
        found = []
        for group, (one, two) in enumerate(zip(self.recorded, other, strict=False)):
            count = min(two.values.size, self.expected.horizon + 1 - begin)
            a, b = one.values[begin : begin + count], two.values[:count]
            slack = 4 * float(np.finfo(one.dtype).eps) * float(np.max(np.abs(a), initial=0, where=np.isfinite(a)))
            same = (a == b) | (np.abs(a - b) <= slack) | (np.isnan(a) & np.isnan(b))
            place = int(np.argmin(same))
            if not same[place]:
                where = f" in group {group}" if len(self.recorded) > 1 else ""
                found.append(
                    Failure(
                        f"at iteration {begin + place} it {one.text(begin + place)}{where}, {how} it {two.text(place)}",
                        begin + place,
                    )
                )
        return min(found, key=lambda failure: failure.iteration or 0) if found else None


def _copied(read: Any) -> tuple[Any, ...]:
    """What was read, for each group, copied: a scheduler may write to it later."""
    rates = tuple(read) if isinstance(read, (list, tuple)) else (read,)
    return tuple(rate if isinstance(rate, (int, float)) else copy.deepcopy(rate) for rate in rates)


def _part(rates: Rates, places: np.ndarray) -> Rates:
    notes = {at: rates.notes[place] for at, place in enumerate(places.tolist()) if place in rates.notes}
    return Rates(rates.values[places], notes, rates.dtype)


@check()
def check_reading_twice(scheduler: Scheduler) -> Failure | None:
    """Reading the rate twice gives the same rate, and does not advance the schedule."""

    def read_twice(state: Any) -> Any:
        scheduler.read(state)
        return scheduler.read(state)

    return scheduler.first_other(scheduler.run(scheduler.expected.horizon, read=read_twice), "read twice")


@check()
def check_two_at_once(scheduler: Scheduler) -> Failure | None:
    """A second scheduler, moved on beside another one, gives the same rates."""

    def make() -> tuple[Any, Any]:
        return scheduler.make(), scheduler.make()

    def step(both: tuple[Any, Any]) -> None:
        for each in both:
            scheduler.step(each)

    first = scheduler.run(scheduler.expected.horizon, make=make, step=step, read=lambda both: scheduler.read(both[0]))
    return scheduler.first_other(first, "beside another one")


@check()
def check_resumes(scheduler: Scheduler) -> Failure | None:
    """Saved at an iteration and loaded into a new scheduler, it continues with the same rates."""
    if scheduler.recorded[0].notes:
        raise Skip("it raises before the run is over")
    horizon = scheduler.expected.horizon
    spread = np.linspace(0, horizon, STOPS // 2).astype(int).tolist()
    stops = {*spread, *scheduler.expected.places[: STOPS - len(spread)]}
    saved: dict[int, Any] = {}
    state = scheduler.make()
    for iteration in range(horizon + 1):
        if iteration:
            scheduler.step(state)
        if iteration in stops:
            try:
                saved[iteration] = copy.deepcopy(scheduler.save(state))
            except Exception as error:
                return Failure(f"saving it at iteration {iteration} raises {type(error).__name__}: {error}", iteration)
    for stop, kept in saved.items():

        def resumed(kept: Any = kept) -> Any:
            fresh = scheduler.make()
            scheduler.load(fresh, copy.deepcopy(kept))
            return fresh

        rest = scheduler.run(horizon - stop, make=resumed)
        found = scheduler.first_other(rest, f"saved and loaded at iteration {stop}", stop)
        if found is not None:
            return found
    return None


STATE_CHECKS: tuple[Check, ...] = (check_reading_twice, check_two_at_once, check_resumes)
SCHEDULER_CHECKS: tuple[Check, ...] = RATE_CHECKS + STATE_CHECKS
"""All checks of a scheduler, in the order of the results."""


def check_scheduler(
    make: Callable[[], Any],
    *,
    step: Callable[[Any], object] = step_torch,
    read: Callable[[Any], Any] = rates_of_torch,
    save: Callable[[Any], Any] = save_torch,
    load: Callable[[Any, Any], object] = load_torch,
    name: str | None = None,
    expected_failures: Mapping[str, str] | None = None,
    raises: bool = True,
    budget: float | None = None,
    progress: Callable[[str], object] = print,
    **expected: Any,
) -> list[Result]:
    """Check a scheduler that is moved on step by step: one of torch, or any other with the four functions.

    Args:
        make: makes a new scheduler at iteration 0, with an optimizer of its own.
        step: moves it one iteration on.
        read: reads its rate, or a list of the rates of all parameter groups.
        save: what a checkpoint keeps of it.
        load: restores a new scheduler from that.
        name: what to call it.
        expected_failures: names of checks that may fail, and why.
        raises: whether failures are raised at the end, all together.
        budget: seconds; checks that need further runs are skipped when they would take longer.
        progress: called with a sentence when it will take long; it is printed when absent.
        **expected: as in :func:`check_schedule`; a list of rates has one for each parameter group.

    Raises:
        ScheduleCheckError: when checks fail, with the first iteration of each failure.
        TypeError, ValueError: for an expectation that makes no sense, or a name no check has.
    """
    reasons = known(SCHEDULER_CHECKS, expected_failures or {}, "expected_failures")
    if "picklable" in expected:
        raise TypeError("picklable is for functions; a scheduler is saved with save=... and loaded with load=...")
    per_group = {key: each for key, each in expected.items() if key in GROUPED and isinstance(each, Sequence)}
    alike = expectations(None, {key: each for key, each in expected.items() if key not in per_group})
    scheduler = Scheduler(make, step, read, save, load, alike)
    title = getattr(make, "__qualname__", type(make).__name__).rpartition("<locals>.")[2] if name is None else name
    seconds = _announced(scheduler, Pace(budget, progress))
    count = len(scheduler.recorded)
    for key, rates in per_group.items():
        if len(rates) != count:
            raise ValueError(f"{key} has {len(rates)} rates, but there are {count} parameter groups")
    groups = [
        scheduler.subject(title, group, expectations(None, {**expected, **{k: v[group] for k, v in per_group.items()}}))
        for group in range(count)
    ]
    results = [_worst([run_check(each, one, one.expected, reasons) for one in groups]) for each in RATE_CHECKS]
    for each in STATE_CHECKS:
        if budget is not None and seconds > budget:
            why = f"it would take {seconds:.0f} s, more than budget={budget:g}"
            results.append(Result(check=each.name, status="skipped", expected=each.expected, why=why))
        else:
            results.append(run_check(each, scheduler, alike, reasons))
    return raise_failures(title, results, raises=raises)


GROUPED = ("initial", "peak", "final", "minimum", "maximum")


def _announced(scheduler: Scheduler, pace: Pace) -> float:
    """How many seconds all checks will take, and the caller told when that is long."""
    steps = min(TRIED, scheduler.expected.horizon)
    begin = perf_counter()
    scheduler.run(steps)
    each = (perf_counter() - begin) / (steps + 1)
    total = int(RUNS * scheduler.expected.horizon)
    pace.announce(total * each, f"{total} steps of {each:.2g} s")
    return total * each


def _worst(results: list[Result]) -> Result:
    """Of the results of all groups the first that failed, or the first that was not skipped."""
    for status in ("failed", "xfail", "passed"):
        for group, result in enumerate(results):
            if result.status == status:
                where = f"group {group}: " if result.got and len(results) > 1 else ""
                return Result(**{**result.to_dict(), "got": where + result.got})
    return results[0]

"""Families of schedules: what a function makes of its parameters, checked where the parameters are in a corner."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, TypeAlias, get_type_hints

from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from lrsched.numbers import declarations
from lrsched.testing.functions import CHECKS
from lrsched.testing.results import Result, known, reported, run_check
from lrsched.testing.schedulers import SCHEDULER_CHECKS, check_scheduler
from lrsched.testing.strategies import of_hint, of_param
from lrsched.testing.subject import called, raised, subject

__all__ = ["check_family"]

Expect: TypeAlias = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]

WALKED = 2**12  # iterations looked at in a schedule: hundreds are drawn, and a fault of the family shows in short ones
PATIENCE = 0.1  # seconds that one slow schedule may take
# numbers that people write, and random ones never are: with them formulas come to 0 / 0
FRACTIONS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.75, 0.9, 1.0)
MADE = Result(check="made", status="passed", expected="Parameters make a schedule, or are refused by a ValueError.")


def check_family(
    make: Callable[..., Any],
    *,
    expect: Expect | None = None,
    expected_failures: Mapping[str, str] | None = None,
    max_examples: int = 200,
    seed: int = 0,
    raises: bool = True,
    **parameters: Any,
) -> list[Result]:
    """Check the schedules that a function makes of parameters which Hypothesis draws; show the smallest that fail.

    >>> from hypothesis import strategies as st
    >>> def decay(peak, horizon):
    ...     return lambda t: peak * (1 - t / (horizon - 1))
    >>> check_family(decay, peak=st.floats(0.001, 1), horizon=st.integers(2, 1000))
    Traceback (most recent call last):
        ...
    lrsched.testing.results.ScheduleCheckError: decay fails 1 of 8 checks
      not-negative, smallest parameters: peak=1.0, horizon=2
        expected: No rate is below 0: it would increase the loss.
        got: the rate at iteration 2 is -1

    Args:
        make: makes a schedule, a function of the iteration or a scheduler of torch; it may refuse parameters by a
            ValueError.
        expect: what is expected of each: a dict, whose values may be functions of the parameters, or a function of
            the parameters that returns one.
        expected_failures: names of checks that may fail, and why.
        max_examples: how many choices of parameters are drawn, again for each check that fails.
        seed: others are drawn with another seed.
        raises: whether failures are raised at the end, all together.
        **parameters: strategies, or plain values, for the parameters of ``make``; those without one are drawn by
            their type hints, or keep their defaults. One named ``horizon`` is the last iteration of the run too.

    Raises:
        ScheduleCheckError: when checks fail, with the smallest parameters of each.
        TypeError, ValueError: for parameters that cannot be drawn, an expectation or a check that does not exist.
    """
    reasons = expected_failures or {}
    known((*CHECKS, *SCHEDULER_CHECKS), reasons, "expected_failures")
    results = partial(_results, make, expect or {}, reasons)
    return reported(called(make), _searched(results, _drawn(make, parameters), max_examples, seed), raises=raises)


def _results(
    make: Callable[..., Any],
    expect: Expect,
    reasons: Mapping[str, str],
    values: Mapping[str, Any],
    wanted: Callable[[str], bool],
) -> list[Result]:
    """The results of the wanted checks for the schedule of some parameters.

    Raises:
        ValueError: when the parameters are refused, or what is expected does not fit them.
    """
    again = partial(make, **{name: values[name] for name in _accepted(make, values)})
    try:
        made = again()
    except ValueError:
        raise
    except Exception as error:
        return [replace(MADE, status="failed", got=f"it {raised(error)}")]
    given = expect(values) if callable(expect) else expect
    expected = {name: value(values) if callable(value) else value for name, value in given.items()}
    if "horizon" in values:
        expected = {"horizon": values["horizon"], **expected}
    if callable(made) or isinstance(made, str):
        asked = subject(made, expected, most=WALKED, budget=PATIENCE)
        return [MADE, *(run_check(each, asked, reasons) for each in CHECKS if wanted(each.name))]
    return [MADE, *check_scheduler(again, expected_failures=reasons, raises=False, **expected)]


def _searched(
    results: Callable[[Mapping[str, Any], Callable[[str], bool]], list[Result]],
    drawn: dict[str, st.SearchStrategy[Any]],
    max_examples: int,
    seed: int,
) -> list[Result]:
    """The worst result of each check, with the smallest parameters of those that fail."""
    worst: dict[str, Result] = {}
    refusals: list[ValueError] = []
    sought: list[str] = []
    done: set[str] = set()

    def wanted(check: str) -> bool:
        # one check at a time, or the smallest parameters of one would be shown for another
        return check in sought if sought else check not in done

    def fails(parameters: dict[str, Any]) -> bool:
        try:
            found = results(parameters, wanted)
        except ValueError as error:
            refusals.append(error)
            return False
        for result in found:
            if worst.setdefault(result.check, result).status == "skipped":
                worst[result.check] = result
            if result.status == "failed" and wanted(result.check):
                sought[:] = [result.check]
                worst[result.check] = replace(result, parameters=parameters)
                return True
        return False

    corners = {name: st.sampled_from(_corners(each)) if _corners(each) else each for name, each in drawn.items()}
    anything = st.fixed_dictionaries(drawn) | st.fixed_dictionaries(corners)
    options = settings(max_examples=max_examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    with suppress(NoSuchExample):
        while True:
            find(anything, fails, settings=options, random=Random(seed))
            done.update(sought)
            sought.clear()
    if not worst:
        raise ValueError(f"no schedule could be made, the last time because: {refusals[-1]}") from refusals[-1]
    return list(worst.values())


def _drawn(make: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, st.SearchStrategy[Any]]:
    """What is drawn: what the caller gives, and what the type hints of the other parameters say."""
    drawn = {name: each if isinstance(each, st.SearchStrategy) else st.just(each) for name, each in given.items()}
    for name in given.keys() - _accepted(make, given) - {"horizon"}:
        raise TypeError(f"{called(make)} has no parameter {name!r}")
    hints, declared = get_type_hints(make), declarations(make)
    for name, each in inspect.signature(make).parameters.items():
        named = each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        if name not in drawn and each.default is each.empty and named:
            if name not in hints:
                raise TypeError(f"{name} has no type hint; say what to draw, as in {name}=st.integers(1, 100)")
            drawn[name] = of_param(*declared[name]) if name in declared else of_hint(hints[name])
    return drawn


def _accepted(make: Callable[..., Any], given: Collection[str]) -> set[str]:
    """Those of the given parameters that a function takes."""
    signature = inspect.signature(make).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in signature.values())
    return {name for name in given if takes_any or name in signature}


def _corners(strategy: st.SearchStrategy[Any]) -> list[Any]:
    """Small, first and last, and round numbers within the bounds of a strategy, which its repr tells."""
    bounds = re.fullmatch(r"(integers|floats)\(min_value=([-+.e\d]+), max_value=([-+.e\d]+)\)", repr(strategy))
    if bounds is None:
        return []
    if bounds[1] == "integers":
        low, high = int(bounds[2]), int(bounds[3])
        return [*range(low, min(low + 11, high)), high]
    first, last = float(bounds[2]), float(bounds[3])
    return [first, *(each for each in FRACTIONS if first < each < last), last]

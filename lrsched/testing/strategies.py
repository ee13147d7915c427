"""What Hypothesis can draw: schedules of every kind, and values of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, get_args, get_origin

from hypothesis import assume, reject
from hypothesis import strategies as st

from lrsched.numbers import Param, declarations, params
from lrsched.schedule import Schedule
from lrsched.schedules import NAMED
from lrsched.trainers import TRAINERS

__all__ = ["of_hint", "of_param", "schedules"]


def of_hint(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a parameter by its type hint, small ones of numbers."""
    usual: dict[Any, st.SearchStrategy[Any]] = {int: st.integers(0, 1000), float: st.floats(0, 1)}
    return usual[hint] if hint in usual else st.from_type(hint)


def of_param(kind: Any, param: Param) -> st.SearchStrategy[Any]:
    """Values of a declared parameter as people use them."""
    low, high = param.typical
    whole = param.text == "time" or int in (kind, *get_args(kind))
    number = st.integers(int(low), int(high)) if whole else st.floats(low, high)
    return st.lists(number, min_size=1, max_size=4) if get_origin(kind) in (Sequence, tuple) else number


def schedules(*, max_horizon: int = 600_000) -> st.SearchStrategy[Schedule]:
    """Schedules of every kind with parameters as people use them: of the trainers, and the named ones.

    Raises:
        ValueError: for a run shorter than two iterations.
    """
    if max_horizon < 2:
        raise ValueError(f"max_horizon must be at least 2, got {max_horizon!r}")
    of_trainers = [import_module(each.strategies).schedules(max_horizon) for each in TRAINERS if each.strategies]
    return st.one_of(_named(max_horizon), *of_trainers)


@st.composite
def _named(draw: st.DrawFn, max_horizon: int) -> Schedule:
    """Named schedules, where the parameters that are drawn fit together."""
    numbers_only = [each for each in NAMED.values() if all(param.text != "schedule" for param in params(each).values())]
    function = draw(st.sampled_from(numbers_only))
    values = {name: draw(of_param(kind, param)) for name, (kind, param) in declarations(function).items()}
    try:
        schedule: Schedule = function(**values)
    except ValueError:
        reject()
    assume((schedule.horizon or max_horizon + 1) <= max_horizon)
    return schedule

"""What Hypothesis can draw: iterations, policies, schedules of every kind, and cfgs that a fork can read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, get_type_hints

from hypothesis import strategies as st

from lrsched.schedule import LAST_ITERATION, Schedule, params
from lrsched.schedules import named as shapes
from lrsched.trainers.darknet import DIALECTS, POLICIES, BurnIn, Dialect, Steps, as_dialect

__all__ = ["cfgs", "from_policy", "iterations", "schedules"]

LANDMARKS = (0, 1, 2**15, 2**16, 2**24, 2**24 + 1, LAST_ITERATION)

LEVELS = st.floats(2.0**-20, 1.0)


def iterations(
    *, min_value: int = 0, max_value: int = LAST_ITERATION, near: Iterable[int] = ()
) -> st.SearchStrategy[int]:
    """Iterations, often the first and last ones, those where small numbers end, and those beside ``near``.

    Args:
        min_value: the smallest iteration.
        max_value: the largest iteration.
        near: iterations worth asking for, such as the milestones and the horizon of a schedule.

    Raises:
        ValueError: when there is no iteration between the two.
    """
    if not 0 <= min_value <= max_value <= LAST_ITERATION:
        raise ValueError(
            f"iterations lie in [0, {LAST_ITERATION}]; got min_value={min_value!r} and max_value={max_value!r}"
        )
    marks = [min_value, max_value, *LANDMARKS, *near]
    beside = {mark + side for mark in marks for side in (-1, 0, 1)}
    usable = sorted(each for each in beside if min_value <= each <= max_value)
    return st.integers(min_value, max_value) | st.sampled_from(usable)


def from_policy(policy: type[Schedule], **parts: Any) -> st.SearchStrategy[Any]:
    """Values of one of darknet's policies, or of its burn-in, with parameters as people use them.

    Args:
        policy: the class, such as ``Poly`` or ``BurnIn``.
        **parts: strategies, or plain values, for some of its fields.

    Raises:
        TypeError: for a class that is no policy, or a field it does not have.
    """
    if not (isinstance(policy, type) and (policy is BurnIn or policy in POLICIES)):
        raise TypeError(f"from_policy takes a policy of lrsched.trainers.darknet or BurnIn, got {policy!r}")
    names = [field.name for field in fields(policy)]
    for name in parts:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            meant = f"write {near[0]}" if near else f"it has {', '.join(names)}"
            raise TypeError(f"{policy.__name__} has no field {name}; {meant}")
    given = {name: part if isinstance(part, st.SearchStrategy) else st.just(part) for name, part in parts.items()}
    drawn = {**_typical(policy), **given}
    if policy is Steps and not {"steps", "scales"} & set(given):
        return st.integers(0, 5).flatmap(lambda count: st.builds(policy, **{**drawn, **_lists(count)}))
    if policy is Steps and not {"steps", "scales"} <= set(given):
        return _matched(drawn, given)
    return st.builds(policy, **drawn)


def _typical(policy: type[Schedule]) -> dict[str, st.SearchStrategy[Any]]:
    hints = get_type_hints(policy)
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for name, param in params(policy).items():
        low, high = param.typical
        if name in ("steps", "scales"):
            continue
        drawn[name] = st.integers(int(low), int(high)) if hints[name] in (int, int | None) else _floats(low, high)
    if policy is BurnIn:
        drawn["then"] = st.one_of([from_policy(each) for each in POLICIES])
    return drawn


def _floats(low: float, high: float) -> st.SearchStrategy[float]:
    # float32 is what a cfg can hold; its nearest numbers may lie just outside
    return st.floats(low, high).map(lambda number: round(number, 9)) | st.sampled_from([low, high])


def _lists(count: int) -> dict[str, st.SearchStrategy[Any]]:
    notes = params(Steps)
    low, high = notes["steps"].typical
    steps = st.lists(st.integers(int(low), int(high)), min_size=count, max_size=count, unique=True)
    scales = st.lists(_floats(*notes["scales"].typical), min_size=count, max_size=count)
    return {"steps": steps.map(sorted).map(tuple), "scales": scales.map(tuple)}


def _matched(drawn: dict[str, Any], given: dict[str, Any]) -> st.SearchStrategy[Any]:
    """One list is given, the other is drawn as long as it."""
    name = "steps" if "steps" in given else "scales"

    def fitting(values: tuple[Any, ...]) -> st.SearchStrategy[Any]:
        return st.builds(Steps, **{**drawn, **_lists(len(values)), name: st.just(values)})

    chosen: st.SearchStrategy[tuple[Any, ...]] = given[name]
    return chosen.flatmap(fitting)


def schedules(*, max_horizon: int = 600_000) -> st.SearchStrategy[Schedule]:
    """Schedules of every kind with parameters as people use them: darknet's policies and the named ones.

    Args:
        max_horizon: the longest run.

    Raises:
        ValueError: for a run shorter than two iterations.
    """
    if max_horizon < 2:
        raise ValueError(f"max_horizon must be at least 2, got {max_horizon!r}")
    length = st.integers(min(500, max_horizon), max_horizon)
    policies = [from_policy(policy, max_batches=length) for policy in POLICIES]
    warm = st.builds(
        BurnIn,
        then=st.one_of(policies),
        burn_in=st.integers(1, min(4_000, max_horizon)),
        power=st.sampled_from([1.0, 2.0, 4.0]),
    )
    return st.one_of(*policies, warm, _named(max_horizon))


@st.composite
def _named(draw: st.DrawFn, max_horizon: int) -> Schedule:
    """The schedules that have names, their corners in the order that they demand."""
    horizon = draw(st.integers(2, max_horizon))
    warmup = draw(st.integers(0, min(horizon - 2, horizon // 4)))
    low, peak = sorted(draw(st.tuples(LEVELS, LEVELS)))
    start = draw(st.sampled_from([0.0, low]))
    kinds: list[Callable[[], Schedule]] = [
        lambda: shapes.linear(start=peak, end=low, horizon=horizon),
        lambda: shapes.exponential(start=peak, end=low, horizon=horizon),
        lambda: shapes.polynomial(start=peak, end=low, power=draw(st.floats(0.5, 4)), horizon=horizon),
        lambda: shapes.cosine(peak=peak, end=low, horizon=horizon, warmup=warmup, start=start),
        lambda: shapes.one_cycle(peak=peak, start=start, end=low, horizon=horizon, warmup=warmup),
        lambda: shapes.warmup_stable_decay(
            peak=peak, end=low, horizon=horizon, warmup=warmup, decay=draw(st.integers(1, horizon - warmup - 1))
        ),
        lambda: shapes.inverse_sqrt(peak=peak, warmup=max(warmup, 1), horizon=horizon, start=start),
    ]
    return draw(st.sampled_from(kinds))()


@st.composite
def _cfgs(draw: st.DrawFn, dialect: Dialect) -> str:
    key = draw(st.sampled_from(sorted(dialect.policies)))
    policy = draw(from_policy(next(each for each in POLICIES if key == each.KEY)))
    shown = {name: _written(getattr(policy, name)) for name in params(type(policy)) if name != "u"}
    if key == "steps" and not policy.steps:
        shown |= {"steps": "400000", "scales": "0.1"}
    common: dict[str, st.SearchStrategy[str]] = {
        "batch": st.sampled_from(["64", "32", "128"]),
        "subdivisions": st.sampled_from(["1", "8", "16"]),
        "burn_in": st.integers(0, 4_000).map(str),
        "momentum": st.just("0.9"),
        "decay": st.just("0.0005"),
        "width": st.sampled_from(["416", "608"]),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(common))))
    # more parts than images end some forks
    chosen |= {"batch"} if "subdivisions" in chosen else set()
    lines = {name: draw(common[name]) for name in sorted(chosen)} | {"policy": key}
    lines |= {name: text for name, text in shown.items() if text is not None and name in dialect.reads(key, adam=False)}
    order = draw(st.permutations(sorted(lines)))
    equals = draw(st.sampled_from(["=", " = "]))
    rows = ["[net]", *(f"{name}{equals}{lines[name]}" for name in order)]
    rows.insert(draw(st.integers(1, len(rows))), draw(st.sampled_from(["", "# a note"])))
    rows += draw(st.sampled_from([[], ["", "[convolutional]", "filters=8"]]))
    return "\n".join(rows) + "\n"


def _written(value: Any) -> str | None:
    """A number in digits, as every fork reads it."""
    if value is None:
        return None
    if isinstance(value, tuple):
        return ",".join(str(_written(each)) for each in value)
    return str(value) if isinstance(value, int) else f"{value:.9f}".rstrip("0").rstrip(".") or "0"


def cfgs(*, dialect: str | Dialect | None = None) -> st.SearchStrategy[str]:
    """Texts of cfgs that a fork reads without refusing.

    Args:
        dialect: "pjreddie", "alexeyab", "hank-ai" or a Dialect; any of the three when absent.

    Raises:
        ValueError: for an unknown dialect.
    """
    return st.one_of([_cfgs(each) for each in DIALECTS]) if dialect is None else _cfgs(as_dialect(dialect))

"""What Hypothesis can draw of darknet: policies with parameters as people use them, and cfgs that a fork can read."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_origin

from hypothesis import strategies as st

from lrsched.numbers import declarations, params
from lrsched.schedule import Schedule
from lrsched.text import did_you_mean, plain
from lrsched.trainers.darknet.dialects import DIALECTS, Dialect, as_dialect
from lrsched.trainers.darknet.policies import POLICIES
from lrsched.trainers.darknet.policy import BurnIn, Policy

__all__ = ["cfgs", "from_policy", "schedules"]

COMMON_KEYS: dict[str, st.SearchStrategy[str]] = {
    "batch": st.sampled_from(["64", "32", "128"]),
    "subdivisions": st.sampled_from(["1", "8", "16"]),
    "burn_in": st.integers(0, 4_000).map(str),
    "momentum": st.just("0.9"),
    "decay": st.just("0.0005"),
    "width": st.sampled_from(["416", "608"]),
}


def from_policy(policy: type[Any], /, **parts: Any) -> st.SearchStrategy[Any]:
    """Values of one of darknet's policies, or of its burn-in, with parameters as people use them.

    Args:
        policy: the class, such as ``Poly`` or ``BurnIn``; ``Policy`` for any of them.
        **parts: strategies, or plain values, for some of its fields.

    Raises:
        TypeError: for a class that is not a policy, or a field that it does not have.
    """
    if not (isinstance(policy, type) and issubclass(policy, (Policy, BurnIn))):
        raise TypeError(f"from_policy takes a policy of lrsched.trainers.darknet or BurnIn, got {policy!r}")
    if policy is Policy:
        return st.sampled_from(POLICIES).flatmap(lambda each: from_policy(each, **parts))
    names = [field.name for field in fields(policy)]
    for name in parts:
        if name not in names:
            raise TypeError(f"{policy.__name__} has no field {name!r}{did_you_mean(name, names)}")
    return _values(policy, parts)


@st.composite
def _values(draw: st.DrawFn, kind: Any, parts: dict[str, Any]) -> Any:
    values = {name: draw(part) if isinstance(part, st.SearchStrategy) else part for name, part in parts.items()}
    # lists, as steps and scales, are equally long
    count = next((len(each) for each in values.values() if isinstance(each, tuple)), None)
    count = draw(st.integers(0, 5)) if count is None else count
    for name, (hint, param) in declarations(kind).items():
        if name in values:
            continue
        whole = int in (hint, *get_args(hint))
        low, high = param.typical
        number = st.integers(int(low), int(high)) if whole else st.floats(low, high).map(lambda x: round(x, 9))
        if get_origin(hint) is tuple:
            many = draw(st.lists(number, min_size=count, max_size=count, unique=whole))
            values[name] = tuple(sorted(many) if whole else many)
        else:
            values[name] = draw(number)
    if kind is BurnIn and "policy" not in values:
        values["policy"] = draw(from_policy(Policy))
    return kind(**values)


def schedules(max_horizon: int = 600_000) -> st.SearchStrategy[Schedule]:
    """Policies of every kind, half of them behind a burn-in."""
    length = st.integers(min(500, max_horizon), max_horizon)
    policies = from_policy(Policy, max_batches=length)
    return policies | from_policy(BurnIn, policy=policies, burn_in=st.integers(1, min(4_000, max_horizon)))


def cfgs(*, dialect: str | Dialect | None = None) -> st.SearchStrategy[str]:
    """Texts of cfgs that a fork reads without refusing; of any of the forks when ``dialect`` is absent.

    Raises:
        ValueError: for an unknown dialect.
    """
    return st.sampled_from(DIALECTS).flatmap(_cfgs) if dialect is None else _cfgs(as_dialect(dialect))


@st.composite
def _cfgs(draw: st.DrawFn, dialect: Dialect) -> str:
    policy = draw(st.sampled_from([each for each in POLICIES if each.KEY in dialect.policies]))
    # forks refuse a list of no steps
    values = vars(draw(from_policy(policy).filter(lambda drawn: getattr(drawn, "steps", True))))
    lines = {name: plain(values[name]) for name in params(policy) if name in dialect.reads(policy.KEY, adam=False)}
    chosen = draw(st.sets(st.sampled_from(sorted(COMMON_KEYS))))
    # more parts than images end some forks
    chosen |= {"batch"} if "subdivisions" in chosen else set()
    lines |= {"policy": policy.KEY} | {name: draw(COMMON_KEYS[name]) for name in sorted(chosen)}
    equals = draw(st.sampled_from(["=", " = "]))
    rows = [f"{name}{equals}{lines[name]}" for name in draw(st.permutations(sorted(lines)))]
    rows.insert(draw(st.integers(0, len(rows))), draw(st.sampled_from(["", "# a note"])))
    return "\n".join(["[net]", *rows, *draw(st.sampled_from([[], ["", "[convolutional]", "filters=8"]])), ""])

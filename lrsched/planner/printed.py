"""A plan as text: the verdict first, then each finding with its fix as lines to paste."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lrsched.schedule import params, printed_zero
from lrsched.text import WIDTH, coloured, counted, number, plain, wrapped
from lrsched.trainers.darknet import POLICIES, Net

if TYPE_CHECKING:
    from lrsched.planner.plan import Plan
    from lrsched.planner.resume import Extension
    from lrsched.planner.suggestions import Suggestion

__all__ = ["changed_lines", "plan_text", "suggestions_text", "summary", "verdict"]

NO_JUMP = 1e-4
"""A smaller relative change of the rate is the rounding of the numbers that were written."""


def verdict(plan: Plan) -> str:
    """The result of a plan in a few words."""
    if not plan.findings:
        return "OK: no problems found."
    counts = {kind: sum(finding.severity == kind for finding in plan.findings) for kind in ("error", "warning")}
    serious = [counted(count, kind) for kind, count in counts.items() if count]
    return f"{' and '.join(serious)}." if serious else "OK (see notes)."


def plan_text(plan: Plan, *, width: int = WIDTH, colour: bool = False) -> str:
    """A plan for a person, in lines of at most ``width`` columns."""
    run = plan.run
    about = repr(run.schedule) if run.net is None else f"{run.net.source}: {summary(run.net, run.ngpus)}"
    worst = "good" if plan.ok else plan.findings[0].severity
    lines = [coloured(verdict(plan), worst, colour), wrapped(about, width, hanging=4), ""]
    fixes = list(_of_different_kinds(plan.suggestions))
    for finding in plan.findings:
        lines.append(f"{coloured(finding.severity, finding.severity, colour)}: {finding.code}")
        lines.append(wrapped(finding.message, width, indent=2))
        for at, fix in fixes:
            if fix.cures == finding.code:
                lines += _offer(f"Fix {at}", fix, width)
        lines.append("")
    if plan.extensions:
        lines.append(wrapped(f"Options for extending the run from {run.start} to {run.target}:", width))
        for way in plan.extensions:
            lines += _extension(way, width)
        lines.append("")
    if run.end is not None:
        lines.append(f"Rate at iteration {run.end}: {rate(run.rate(run.end))}")
    return "\n".join(lines)


def suggestions_text(suggestions: Sequence[Suggestion], *, width: int = WIDTH) -> str:
    """Suggestions as lines to paste."""
    if not suggestions:
        return "No setting of this policy reaches that rate."
    lines = [_offer(f"Option {at}", option, width) for at, option in _of_different_kinds(suggestions)]
    return "\n".join(line for offer in lines for line in offer)


def _of_different_kinds(suggestions: Sequence[Suggestion]) -> Iterator[tuple[int, Suggestion]]:
    """The suggestions with their numbers, without those that change the same keys for the same reason as one before."""
    seen = set()
    for at, suggestion in enumerate(suggestions, 1):
        kind = (suggestion.cures, frozenset(suggestion.changes))
        if kind not in seen:
            yield at, suggestion
        seen.add(kind)


def _offer(name: str, suggestion: Suggestion, width: int) -> Iterator[str]:
    goal = suggestion.run.goal
    there = "" if goal is None else f"; rate at {goal}: {rate(suggestion.rate_at_target)}"
    yield wrapped(f"{name}: {suggestion.why}{there}", width, indent=2, hanging=2)
    yield from changed_lines(suggestion.changes, 6)


def _extension(way: Extension, width: int) -> Iterator[str]:
    yield wrapped(f"{way.name}: {way.why}", width, indent=2, hanging=2)
    rates = f"{rate(way.before)} before and {rate(way.after)} after the switch ({_jump(way.jump)}); "
    yield wrapped(f"{rates}{rate(way.rate_at_target)} at {way.run.goal}", width, indent=6)
    yield from changed_lines(way.changes, 6)


def _jump(factor: float) -> str:
    if not math.isfinite(factor):
        return "jump undefined"
    if abs(factor - 1) < NO_JUMP:
        return "no jump"
    return f"{factor - 1:+.2%}" if abs(factor - 1) < 0.1 else f"x {number(factor)}"


def changed_lines(changes: Mapping[str, Any], indent: int = 0) -> Iterator[str]:
    """Changes as the lines to paste into the config."""
    return (f"{' ' * indent}{key}={plain(value)}" for key, value in changes.items())


def rate(value: float) -> str:
    """A rate as a log prints it, and its value where the log prints zero."""
    return f"{value:f} ({number(value)})" if value and printed_zero(value) else f"{value:f}"


def summary(net: Net, ngpus: int = 1) -> str:
    """A cfg in one line: the policy and the parameters that matter."""
    policy = next(p for p in POLICIES if net.policy == p.KEY)
    shown = {name: getattr(net, name) for name in params(policy) if hasattr(net, name)}
    if net.burn_in:
        shown["burn_in"] = net.burn_in
    parts = [net.policy, *(f"{key} {plain(value)}" for key, value in shown.items() if value is not None)]
    if ngpus > 1:
        parts.append(counted(ngpus, "GPU"))
    return " · ".join([*parts, net.dialect.name])

"""A plan as text: the verdict first, then each finding with its fix as lines to paste."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lrsched.planner.extending import Extension
from lrsched.planner.fixing import Suggestion
from lrsched.schedule import printed_zero
from lrsched.text import WIDTH, coloured, counted, number, plain, wrapped

if TYPE_CHECKING:
    from lrsched.planner.plan import Plan

__all__ = ["changed_lines", "plan_text", "suggestions_text", "verdict"]

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
    about = repr(run.schedule) if run.config is None else f"{run.config.source}: {run.config.caption(run.ngpus)}"
    worst = "good" if plan.ok else plan.findings[0].severity
    lines = [coloured(verdict(plan), worst, colour), wrapped(about, width, hanging=4), ""]
    for finding in plan.findings:
        lines.append(f"{coloured(finding.severity, finding.severity, colour)}: {finding.code}")
        lines.append(wrapped(finding.message, width, indent=2))
        for at, fix in enumerate(plan.suggestions, 1):
            lines += _offer(f"Fix {at}", fix, width) if fix.fixes == (finding.code,) else ()
        lines.append("")
    for at, fix in enumerate(plan.suggestions, 1):
        lines += [*_offer(f"Fix {at}", fix, width), ""] if len(fix.fixes) > 1 else ()
    if plan.extensions:
        lines.append(wrapped(f"Options for extending the run from {run.start} to {run.target}:", width))
        for option in plan.extensions:
            lines += _extension(option, width)
        lines.append("")
    if run.last is not None:
        lines.append(f"Rate at iteration {run.last}: {rate(run.last_rate)}")
    return "\n".join(lines)


def suggestions_text(suggestions: Sequence[Suggestion], *, width: int = WIDTH) -> str:
    """Suggestions as lines to paste."""
    if not suggestions:
        return "No setting of this policy reaches that rate."
    lines = [_offer(f"Option {at}", option, width) for at, option in enumerate(suggestions, 1)]
    return "\n".join(line for offer in lines for line in offer)


def _offer(name: str, suggestion: Suggestion, width: int) -> Iterator[str]:
    goal, at_goal = suggestion.run.goal, suggestion.rate_at_target
    there = "" if goal is None or at_goal is None else f"; rate at {goal}: {rate(at_goal)}"
    stop = "" if suggestion.target is None else f"; stop the run there (plan it with --target {suggestion.target})"
    yield wrapped(f"{name}: {suggestion.text}{there}{stop}", width, indent=2, hanging=2)
    yield from changed_lines(suggestion.changes, 6)


def _extension(way: Extension, width: int) -> Iterator[str]:
    yield wrapped(f"{way.name}: {way.text}", width, indent=2, hanging=2)
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
    for key, value in changes.items():
        yield " " * indent + (f"(delete the line with {key})" if value is None else f"{key}={plain(value)}")


def rate(value: float) -> str:
    """A rate as a log prints it, and its value where the log prints zero."""
    return f"{value:f} ({number(value)})" if value and printed_zero(value) else f"{value:f}"

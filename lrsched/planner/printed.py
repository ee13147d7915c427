"""A plan as text: the verdict first, then each finding with its fix as lines to paste."""

from __future__ import annotations

import math
from collections.abc import Iterable
from textwrap import indent
from typing import TYPE_CHECKING

from lrsched.planner.rules import serious
from lrsched.schedule import printed_zero
from lrsched.text import coloured, counted, number

if TYPE_CHECKING:
    from lrsched.planner.fixing import Extension, Suggestion
    from lrsched.planner.plan import Plan

__all__ = ["complete", "extension_text", "plan_text", "rate", "suggestion_text", "suggestions_text", "verdict"]

NO_JUMP = 1e-4  # a smaller relative change of the rate is the rounding of the numbers that were written


def plan_text(plan: Plan, *, colour: bool = False) -> str:
    """A plan for a person; long lines are not broken yet."""
    run = plan.run
    about = str(run.schedule) if run.config is None else f"{run.config.source}: {run.config.caption(run.ngpus)}"
    worst = "good" if plan.ok else plan.findings[0].severity
    lines = [coloured(verdict(plan), worst, colour), about, ""]
    whole, last = complete(plan), sum(finding.serious for finding in plan.findings) - 1
    offered = whole or plan.suggestions
    for at, finding in enumerate(plan.findings):
        lines.append(f"{coloured(finding.severity, finding.severity, colour)}: {finding.code}")
        lines.append(f"  {finding.message}")
        for fix in offered:
            if at == last if whole else fix.fixes[:1] == (finding.code,):
                name = f"Fix {plan.suggestions.index(fix) + 1}" if len(offered) > 1 else "Fix"
                lines.append(indent(f"{name}: {fix}", "  "))
        lines.append("")
    if plan.extensions:
        lines.append(f"Options for extending the run from {run.start} to {run.target}:")
        lines += [indent(str(extension), "  ") for extension in plan.extensions]
        lines.append("")
    if plan.left_out:
        would = f"the rate would be {run.terms.zero} for most of the {run.schedule.unit}s"
        lines += [f"Other options for extending the run ({', '.join(plan.left_out)}) were left out: {would}.", ""]
    if run.last is not None:
        lines.append(f"Rate at {run.schedule.unit} {run.last}: {rate(run.last_rate)}")
    return "\n".join(lines)


def complete(plan: Plan) -> list[Suggestion]:
    """The suggestions after which nothing serious is left."""
    return [fix for fix in plan.suggestions if not (plan.ok or serious(fix.found))]


def verdict(plan: Plan) -> str:
    """The plan in a few words."""
    if plan.ok:
        return "OK (see notes)." if plan.findings else "OK: no problems found."
    counts = {kind: sum(finding.severity == kind for finding in plan.findings) for kind in ("error", "warning")}
    return " and ".join(counted(count, kind) for kind, count in counts.items() if count) + "."


def suggestions_text(suggestions: Iterable[Suggestion]) -> str:
    """Suggestions as lines to paste."""
    offers = [indent(f"Option {at}: {fix}", "  ") for at, fix in enumerate(suggestions, 1)]
    return "\n".join(offers) or "No value of the keys that may change gives that rate."


def suggestion_text(fix: Suggestion) -> str:
    """What a suggestion does, and the lines to paste."""
    there = stop = ""
    if fix.rate_at_target is not None:
        there = f"; rate at {fix.run.goal}: {rate(fix.rate_at_target)}"
    if fix.target is not None:
        stop = f"; stop the run there (plan it with --target {fix.target})"
    return "\n    ".join([f"{fix.text}{there}{stop}", *fix.run.planning.lines(fix.changes)])


def extension_text(option: Extension) -> str:
    """What becomes of the curve, its rates at the switch and at the target, and the lines to paste."""
    before, after, there = map(rate, (option.before, option.after, option.rate_at_target))
    switch = f"{before} before and {after} after the switch ({_jump(option.jump)})"
    lines = [f"{option.name}: {option.text}", f"{switch}; {there} at {option.run.goal}"]
    return "\n    ".join([*lines, *option.run.planning.lines(option.changes)])


def _jump(factor: float) -> str:
    if not math.isfinite(factor):
        return "jump undefined"
    if abs(factor - 1) < NO_JUMP:
        return "no jump"
    return f"{factor - 1:+.2%}" if abs(factor - 1) < 0.1 else f"x {number(factor)}"


def rate(value: float) -> str:
    """A rate as a log prints it, and its value where the log prints zero."""
    return f"{value:f} ({number(value)})" if value and printed_zero(value) else f"{value:f}"

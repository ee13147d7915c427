"""A plan as text: the verdict first, then each finding with its fix as lines to paste."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lrsched.planner.fixing import Extension, Suggestion, serious
from lrsched.schedule import printed_zero
from lrsched.text import coloured, counted, number

if TYPE_CHECKING:
    from lrsched.planner.plan import Plan

__all__ = ["complete", "plan_text", "rate", "suggestions_text", "verdict"]

NO_JUMP = 1e-4
"""A smaller relative change of the rate is the rounding of the numbers that were written."""


def plan_text(plan: Plan, *, colour: bool = False) -> str:
    """A plan for a person; long lines are not broken yet."""
    run = plan.run
    about = str(run.schedule) if run.config is None else f"{run.config.source}: {run.config.caption(run.ngpus)}"
    worst = "good" if plan.ok else plan.findings[0].severity
    lines = [coloured(verdict(plan), worst, colour), about, ""]
    whole = complete(plan)
    for at, finding in enumerate(plan.findings):
        lines.append(f"{coloured(finding.severity, finding.severity, colour)}: {finding.code}")
        lines.append(f"  {finding.message}")
        last_serious = finding.serious and not any(later.serious for later in plan.findings[at + 1 :])
        mine = [] if whole else [fix for fix in plan.suggestions if fix.fixes[:1] == (finding.code,)]
        for fix in whole if whole and last_serious else mine:
            several = len(whole or plan.suggestions) > 1
            lines += _offer(f"Fix {plan.suggestions.index(fix) + 1}" if several else "Fix", fix)
        lines.append("")
    if plan.extensions:
        lines.append(f"Options for extending the run from {run.start} to {run.target}:")
        for extension in plan.extensions:
            lines += _extension(extension)
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


def suggestions_text(suggestions: Sequence[Suggestion]) -> str:
    """Suggestions as lines to paste."""
    offers = (line for at, fix in enumerate(suggestions, 1) for line in _offer(f"Option {at}", fix))
    return "\n".join(offers) or "No value of the keys that may change gives that rate."


def _offer(name: str, fix: Suggestion) -> Iterator[str]:
    there = stop = ""
    if fix.rate_at_target is not None:
        there = f"; rate at {fix.run.goal}: {rate(fix.rate_at_target)}"
    if fix.target is not None:
        stop = f"; stop the run there (plan it with --target {fix.target})"
    yield f"  {name}: {fix.text}{there}{stop}"
    yield from (f"      {fix.run.planning.line(key, value)}" for key, value in fix.changes.items())


def _extension(extension: Extension) -> Iterator[str]:
    yield f"  {extension.name}: {extension.text}"
    before, after, there = map(rate, (extension.before, extension.after, extension.rate_at_target))
    switch = f"{before} before and {after} after the switch ({_jump(extension.jump)})"
    yield f"      {switch}; {there} at {extension.run.goal}"
    yield from (f"      {extension.run.planning.line(key, value)}" for key, value in extension.changes.items())


def _jump(factor: float) -> str:
    if not math.isfinite(factor):
        return "jump undefined"
    if abs(factor - 1) < NO_JUMP:
        return "no jump"
    return f"{factor - 1:+.2%}" if abs(factor - 1) < 0.1 else f"x {number(factor)}"


def rate(value: float) -> str:
    """A rate as a log prints it, and its value where the log prints zero."""
    return f"{value:f} ({number(value)})" if value and printed_zero(value) else f"{value:f}"

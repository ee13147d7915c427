"""plan(): what will go wrong with a cfg or any schedule, from which iteration on, and what to write instead."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lrsched.darknet import Dialect, Net, read_cfg
from lrsched.planner.findings import RULES, Facts, Finding
from lrsched.planner.run import Run, checked_iteration
from lrsched.planner.search import zero_from
from lrsched.planner.suggestions import Suggestion, suggestions_for
from lrsched.schedule import Schedule, as_schedule

__all__ = ["Plan", "plan"]

SERIOUS = ("error", "warning")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the planner says about a run.

    Attributes:
        run: the run it is about: its schedule, start, target and GPUs.
        findings: what was noticed, the most serious first.
        suggestions: what to write instead, each evaluated on the exact rates.
        zero_from: the first iteration of the unbroken stretch, up to the end of the run, in which the rate is
            printed as 0.000000, or None.
    """

    run: Run
    findings: tuple[Finding, ...]
    suggestions: tuple[Suggestion, ...]
    zero_from: int | None

    @property
    def ok(self) -> bool:
        """Whether nothing was found that is more than a note."""
        return not any(finding.severity in SERIOUS for finding in self.findings)

    @property
    def schedule(self) -> Schedule:
        """The rates of the run, GPU factor included."""
        return self.run.schedule

    @property
    def target(self) -> int | None:
        """The iteration that counts: the target, or the end of the run when nobody named one."""
        return self.run.goal

    @property
    def rate_at_target(self) -> float | None:
        """The exact rate at the target, or None where the run has no end."""
        return None if self.target is None else self.run.rate(self.target)


def plan(
    source: str | os.PathLike[str] | Net | Schedule | Callable[[Any], Any],
    target: int | None = None,
    *,
    start: int = 0,
    ngpus: int = 1,
    dialect: str | Dialect = "alexeyab",
) -> Plan:
    """Say what will go wrong in a run, from which iteration on, and which numbers to write instead.

    The cost does not depend on the length of the run: rates are looked at where the schedule bends, and searched in
    between. Only a callable of unknown shape is walked, from its end.

    Args:
        source: a cfg's path, a Net, a Schedule or any callable iteration -> rate.
        target: the iteration you want to reach; max_batches when None. A callable needs one.
        start: the iteration the run begins at, or goes on from.
        ngpus: the number of GPUs (a cfg or Net only: other schedules give their rates as they are).
        dialect: the fork that reads the cfg (a path only).

    >>> from lrsched.darknet import Poly
    >>> story = plan(Poly(learning_rate=0.01, power=4.0, max_batches=392480))
    >>> story.zero_from, story.findings[0].code, dict(story.suggestions[0].changes)
    (359477, 'rate-reaches-zero', {'max_batches': 428514})

    Raises:
        CfgError: where the trainer refuses, crashes or hangs.
        OSError: when the file cannot be opened.
        TypeError, ValueError: for a start, target or ngpus that cannot be, or a callable without target.
    """
    start = checked_iteration("start", start)
    if target is not None:
        target = checked_iteration("target", target)
    if isinstance(source, (str, os.PathLike)):
        source = read_cfg(source, dialect)
    if isinstance(source, Net):
        run = Run(schedule=source.schedule(ngpus), net=source, start=start, target=target, ngpus=ngpus)
    else:
        if ngpus != 1:
            raise ValueError(f"ngpus={ngpus} needs a cfg or a Net; a schedule already gives the rates of the run")
        run = Run(schedule=as_schedule(source), net=None, start=start, target=target, ngpus=1)
        if run.end is None:
            raise ValueError(f"{run.schedule!r} does not say where it ends; give target=")
    return plan_run(run)


def plan_run(run: Run) -> Plan:
    """Plan a run that has been put together already."""
    end = run.end
    zero = zero_from(run.schedule, run.start, end) if end is not None and run.start <= end else None
    facts = Facts(run=run, zero_from=zero)
    findings = [finding for rule in RULES for finding in rule(facts)]
    order = ("error", "warning", "note")
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Plan(run=run, findings=tuple(findings), suggestions=suggestions_for(run), zero_from=zero)

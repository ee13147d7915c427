"""plan(): what will go wrong with a cfg or any schedule, from which iteration on, and what to write instead."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from lrsched.planner.cures import cures
from lrsched.planner.facts import Finding, facts_of
from lrsched.planner.findings import find
from lrsched.planner.printed import plan_text
from lrsched.planner.resume import Extension, extensions
from lrsched.planner.run import Run, make_run
from lrsched.planner.suggestions import Suggestion
from lrsched.schedule import Schedule
from lrsched.trainers.darknet import Dialect, Net

__all__ = ["Plan", "plan"]

SERIOUS = ("error", "warning")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the planner says about a run.

    Attributes:
        run: the run it is about: its schedule, start, target and GPUs.
        findings: what was noticed, the most serious first.
        suggestions: what to write instead, each evaluated on the exact rates.
        extensions: ways to go on, when a started run is to last longer than its cfg says.
        zero_from: the first iteration of the unbroken stretch, up to the end of the run, in which the rate is
            printed as 0.000000, or None.
    """

    run: Run
    findings: tuple[Finding, ...]
    suggestions: tuple[Suggestion, ...]
    extensions: tuple[Extension, ...]
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

    def _repr_html_(self) -> str:
        return f"<pre>{escape(plan_text(self))}</pre>"

    def __str__(self) -> str:
        return plan_text(self)


def plan(
    source: str | os.PathLike[str] | Net | Schedule | Callable[[Any], Any],
    target: int | None = None,
    *,
    start: int = 0,
    ngpus: int = 1,
    dialect: str | Dialect = "alexeyab",
    classes: int | None = None,
    images: int | None = None,
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
        classes: the number of classes, to judge the length of the run by.
        images: the number of training images, to judge the length of the run by.

    >>> from lrsched.trainers.darknet import Poly
    >>> story = plan(Poly(learning_rate=0.01, power=4.0, max_batches=392480))
    >>> story.zero_from, story.findings[0].code, dict(story.suggestions[0].changes)
    (359477, 'rate-reaches-zero', {'max_batches': 428514})

    Raises:
        CfgError: where the trainer refuses, crashes or hangs.
        OSError: when the file cannot be opened.
        TypeError, ValueError: for a start, target or ngpus that cannot be, or a callable without target.
    """
    return plan_run(make_run(source, target, start=start, ngpus=ngpus, dialect=dialect, classes=classes, images=images))


def plan_run(run: Run) -> Plan:
    """Plan a run that has been put together already."""
    facts = facts_of(run)
    findings = find(facts)
    return Plan(
        run=run,
        findings=findings,
        suggestions=cures(facts, findings),
        extensions=extensions(run),
        zero_from=facts.zero_from,
    )

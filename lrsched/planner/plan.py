"""plan(): what will go wrong with a config or any schedule, from which iteration on, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from lrsched.numbers import whole
from lrsched.planner.extending import Extension, extensions
from lrsched.planner.fixing import Suggestion, suggestions
from lrsched.planner.printed import plan_text
from lrsched.planner.rules import find
from lrsched.rules import Finding, Run
from lrsched.schedule import Schedule
from lrsched.sources import Source, as_config, as_schedule, config_of

__all__ = ["Plan", "make_run", "plan"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the planner says about a run; print it, or let a notebook show it.

    Attributes:
        run: the run it is about: its schedule, config, start, target and GPUs.
        findings: what was noticed, the most serious first.
        suggestions: what to write instead, each tried on the exact rates; the first fixes all that can be fixed.
        extensions: options for extending a started run whose target is past its horizon.
        zero_from: the first iteration of the unbroken stretch, up to the end of the run, over which the rate counts
            as zero (darknet: is printed as 0.000000), or None.
    """

    run: Run
    findings: tuple[Finding, ...]
    suggestions: tuple[Suggestion, ...]
    extensions: tuple[Extension, ...]
    zero_from: int | None

    @property
    def ok(self) -> bool:
        """Whether nothing was found that is more than a note."""
        return not any(finding.serious for finding in self.findings)

    @property
    def schedule(self) -> Schedule:
        """The rates of the run, GPU factor included."""
        return self.run.schedule

    @property
    def target(self) -> int | None:
        """The iteration that counts: the target, or the horizon when nobody named one."""
        return self.run.goal

    @property
    def rate_at_target(self) -> float | None:
        """The exact rate at the target, or None where the run has no end."""
        return None if self.target is None else self.run.rate(self.target)

    def __str__(self) -> str:
        return plan_text(self)

    def _repr_html_(self) -> str:
        text = f"<pre>{escape(str(self))}</pre>"
        first, last = self.run.start, self.run.goal
        if last is None or last <= first:
            return text
        t = np.unique(np.linspace(first, last, 400).astype(np.int64))
        rates = np.nan_to_num(self.schedule(t).astype(np.float64), posinf=0.0, neginf=0.0)
        top, low = max(rates.max(), 0.0), min(rates.min(), 0.0)
        x, y = (t - first) / (last - first) * 400, 2 + 96 * (top - rates) / ((top - low) or 1.0)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        line = f'<polyline points="{points}" fill="none" stroke="currentColor"/>'
        caption = f"<title>learning rate, iteration {first} to {last}, at most {top:g}</title>"
        return f'<svg width="400" height="100" role="img">{caption}{line}</svg>{text}'


def plan(
    source: Source,
    target: int | None = None,
    *,
    start: int = 0,
    ngpus: int = 1,
    dialect: Any = "alexeyab",
    classes: int | None = None,
    images: int | None = None,
) -> Plan:
    """Report what will go wrong in a run, from which iteration on, and which numbers to write instead.

    Args:
        source: a config's path, a config, a Schedule or any callable iteration -> rate.
        target: the iteration you want to reach; the horizon when None. A callable needs one.
        start: the iteration the run begins at, or resumes from.
        ngpus: the number of GPUs (a config only: other schedules give their rates as they are).
        dialect: the fork of darknet that reads the cfg (a path only).
        classes: the number of classes, to check the length of the run and the layers.
        images: the number of training images, to check the length of the run.

    >>> from lrsched.trainers.darknet import Poly
    >>> story = plan(Poly(learning_rate=0.01, power=4.0, max_batches=392480))
    >>> story.zero_from, story.findings[0].code, dict(story.suggestions[0].changes)
    (359477, 'rate-reaches-zero', {'power': 1.0})

    Raises:
        CfgError: where the trainer refuses, crashes or hangs.
        OSError: when the file cannot be opened.
        TypeError, ValueError: for a start, target or ngpus that cannot be, or a callable without target.
    """
    run = make_run(source, target, start=start, ngpus=ngpus, dialect=dialect, classes=classes, images=images)
    findings = find(run)
    return Plan(
        run=run,
        findings=findings,
        suggestions=suggestions(run, findings),
        extensions=extensions(run),
        zero_from=run.zero_from,
    )


def make_run(
    source: Source,
    target: int | None,
    *,
    start: int = 0,
    ngpus: int = 1,
    classes: int | None = None,
    images: int | None = None,
    **options: Any,
) -> Run:
    """A run of whatever the user has: a path, a config, a Schedule, a callable.

    Raises:
        OSError, ValueError: for a config that cannot be read.
        TypeError, ValueError: for a start, target or ngpus that cannot be, or a schedule without an end.
    """
    start = whole("start", start)
    target = None if target is None else whole("target", target)
    config = as_config(source, **options)
    if config is None and ngpus != 1:
        raise ValueError(f"ngpus={ngpus} needs a config; a schedule already gives the rates of the run")
    schedule = as_schedule(source if config is None else config, ngpus=ngpus)
    run = Run(
        schedule=schedule,
        config=config_of(schedule) if config is None else config,
        start=start,
        target=target,
        ngpus=ngpus,
        classes=classes,
        images=images,
    )
    if run.config is None and run.goal is None:
        raise ValueError(f"{schedule!r} has no last iteration; pass target=N")
    return run

"""plan() and suggest(): what will go wrong, from which iteration on, and which numbers to write instead."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrsched.numbers import whole
from lrsched.planner.fixing import Extension, Suggestion, extensions, suggestions
from lrsched.planner.printed import plan_text
from lrsched.planner.rules import DECAY, ROUNDING, find, serious
from lrsched.rules import Finding, Offer, Run
from lrsched.schedule import Schedule
from lrsched.sources import Source, as_config, as_schedule, config_of
from lrsched.text import did_you_mean, fitted
from lrsched.trainers import planning_of

__all__ = ["Plan", "plan", "suggest"]

JUST_ABOVE = 2.0  # a rate up to so many times the one that was wanted is offered
ALREADY = 1.01  # a rate up to so many times the one that was wanted needs no change


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
        left_out: the extensions that are not offered, as their rate would count as zero over most of the iterations.
    """

    run: Run
    findings: tuple[Finding, ...]
    suggestions: tuple[Suggestion, ...]
    extensions: tuple[Extension, ...]
    zero_from: int | None
    left_out: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found that is more than a note."""
        return not serious(self.findings)

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
        return fitted(plan_text(self))

    def _repr_html_(self) -> str:
        from html import escape  # noqa: PLC0415 (takes as long to load as the planner)

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
        caption = f"<title>learning rate, {self.run.schedule.unit} {first} to {last}, at most {top:g}</title>"
        return f'<svg width="400" height="100" role="img">{caption}{line}</svg>{text}'


def plan(
    source: Source,
    target: int | None = None,
    *,
    start: int = 0,
    ngpus: int = 1,
    classes: int | None = None,
    images: int | None = None,
    **options: Any,
) -> Plan:
    """Report what will go wrong in a run, from which iteration on, and which numbers to write instead.

    Args:
        source: a config's path, a config, a Schedule or any callable iteration -> rate.
        target: the iteration you want to reach; the horizon when None. A callable needs one.
        start: the iteration the run begins at, or resumes from.
        ngpus: the number of GPUs (a config only: other schedules give their rates as they are).
        classes: the number of classes, to check the length of the run and the layers.
        images: the number of training images, to check the length of the run.
        options: options of the trainer that reads the path, such as ``dialect`` or ``iterations_per_epoch``; the
            ``horizon`` of a callable or a scheduler.

    >>> from lrsched.trainers.darknet import Poly
    >>> story = plan(Poly(learning_rate=0.01, power=4.0, max_batches=392480))
    >>> story.zero_from, story.findings[0].code, dict(story.suggestions[0].changes)
    (359477, 'rate-reaches-zero', {'power': 1.0})

    Raises:
        CfgError: where the trainer refuses, crashes or hangs.
        OSError: when the file cannot be opened.
        TypeError, ValueError: for a start, target or ngpus that cannot be, or a callable without target.
    """
    run = _run_of(source, target, start, ngpus, options, classes=classes, images=images)
    if run.config is None and run.goal is None:
        raise ValueError(f"{run.schedule} has no last iteration; pass target=N")
    findings = find(run)
    longer = extensions(run)
    return Plan(
        run=run,
        findings=findings,
        suggestions=suggestions(run, findings),
        extensions=tuple(option for option in longer if option.trains),
        left_out=tuple(option.name for option in longer if not option.trains),
        zero_from=run.tail(run.is_zero),
    )


def _run_of(source: Source, target: int | None, start: int, ngpus: int, options: dict[str, Any], **data: Any) -> Run:
    """A run of whatever the user has; ``options`` are the trainer's, ``data`` what is known of the data set."""
    config = as_config(source, data=data, **options)
    for name, value in options.items() if config is None or config is source else ():
        if value is not None and not (config is None and name == "horizon"):
            raise TypeError(f"{name}={value!r} is an option of a config that is read from a path; leave it out here")
    if config is None and ngpus != 1:
        raise ValueError(f"ngpus={ngpus} needs a config; a schedule already gives the rates of the run")
    schedule = as_schedule(source, target=target, **options) if config is None else as_schedule(config, ngpus=ngpus)
    config = config_of(schedule) if config is None else config
    begin = whole("start", start) or getattr(config, "start", 0)
    goal = None if target is None else whole("target", target)
    return Run(schedule=schedule, config=config, planning_of=planning_of, start=begin, target=goal, ngpus=ngpus, **data)


def suggest(
    source: Source,
    target: int | None = None,
    *,
    end_rate: float | None = None,
    decay: float = DECAY,
    keep: str | None = None,
    start: int = 0,
    ngpus: int = 1,
    **options: Any,
) -> tuple[Suggestion, ...]:
    """Values for people who know what they want: a rate at the target, met, or at most twice as large.

    One suggestion without changes means that the rate is so already; none, that no key can do it without harm.

    Args:
        source: a config's path, a config, or a schedule of a trainer.
        target: the iteration the rate is wanted at; the horizon when None.
        end_rate: the rate wanted there; the peak divided by ``decay`` when None.
        decay: how many times smaller than the peak the rate should be there.
        keep: a key that must keep its value; the one of the learning rate when None.
        start: the iteration the run begins at.
        ngpus: the number of GPUs (a config only).
        options: options of the trainer that reads the path, such as ``dialect``.

    >>> from lrsched.trainers.darknet import Poly
    >>> story = Poly(learning_rate=0.01, power=4.0, max_batches=392480)
    >>> [(dict(s.changes), dict(s.exact)) for s in suggest(story, 592480, end_rate=0.0001)]
    [({'max_batches': 870000}, {'max_batches': 866488})]

    Raises:
        OSError, ValueError: for a config that cannot be read.
        TypeError, ValueError: for a target, rate or decay that cannot be.
    """
    run = _run_of(source, target, start, ngpus, options)
    goal = run.goal
    if run.config is None:
        raise ValueError(f"suggest changes a trainer's config, and {run.schedule} is none")
    if goal is None:
        raise ValueError(f"{run.config.source} has no last iteration; pass target=N")
    if not 0 < decay < math.inf:
        raise ValueError(f"decay must be above 0 and finite, got {decay}")
    keep = run.terms.kept if keep is None else keep
    if keep and keep not in (keys := vars(run.config)):
        raise ValueError(f"keep names no key of the config: {keep!r}{did_you_mean(keep, keys)}")
    wanted = run.peak[0] / decay if end_rate is None else end_rate
    if not wanted > 0:
        raise ValueError(f"the rate wanted at the end must be above 0, got {wanted}")
    rate, known = run.rate(goal), serious(find(run, notes=False))
    if run.last == goal and wanted * (1 - ROUNDING) <= rate <= wanted * ALREADY:
        return (Suggestion.of(Offer({}, f"already {rate:g} at {goal}; no change needed"), run),)
    usual = Offer(run.planning.decaying(goal) or {}, f"the rate at {goal} is {wanted:g} or just above")
    found: dict[frozenset[str], Suggestion] = {}
    for offer in filter(None, (run.planning.stretched(goal), usual, *run.planning.reaching(wanted, goal, run.ngpus))):
        with suppress(ValueError):
            changes = {key: value for key, value in offer.changes.items() if vars(run.config).get(key) != value}
            one = Suggestion.of(offer._replace(changes=changes), replace(run, target=goal))
            enough = wanted * (1 - ROUNDING) <= (one.rate_at_target or 0.0) <= wanted * JUST_ABOVE
            if changes and enough and keep not in changes and serious(one.found) <= known:
                found.setdefault(frozenset(changes), one)
    return tuple(found.values())

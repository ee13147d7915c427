"""A run: what is planned, from which iteration to which, and the same run with other cfg keys."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from lrsched.schedule import LAST_ITERATION, Schedule
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import BurnIn, Dialect, Net, Policy, cfg_value, parse_cfg, read_cfg, with_values

__all__ = ["Run", "checked_iteration", "make_run"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A schedule with the stretch of iterations it is wanted for.

    Attributes:
        schedule: the rates, GPU factor included.
        net: the cfg they come from, or None.
        start: the iteration the run begins (or goes on) at.
        target: the iteration the user wants to reach, or None when nobody said.
        ngpus: the number of GPUs.
        classes: the number of classes of the data set, or None when nobody said.
        images: the number of training images, or None when nobody said.
    """

    schedule: Schedule
    net: Net | None
    start: int
    target: int | None
    ngpus: int
    classes: int | None = None
    images: int | None = None

    @property
    def max_batches(self) -> int | None:
        """The iteration the trainer stops at, or None when it has none."""
        return self.schedule.horizon

    @property
    def end(self) -> int | None:
        """The last iteration of the run: the smaller of target and max_batches."""
        known = [t for t in (self.target, self.max_batches) if t is not None]
        return min(known) if known else None

    @property
    def goal(self) -> int | None:
        """The iteration that counts: the target, or the end when nobody named one."""
        return self.end if self.target is None else self.target

    @property
    def policy(self) -> Policy | None:
        """The darknet policy behind the schedule, without its burn-in, or None."""
        inner = self.schedule.policy if isinstance(self.schedule, BurnIn) else self.schedule
        return inner if isinstance(inner, Policy) else None

    def rate(self, iteration: int) -> float:
        """The exact rate at one iteration."""
        return float(self.schedule(iteration))

    def with_keys(self, changes: Mapping[str, Any]) -> Run:
        """The same run with other values for some cfg keys, as numbers: nothing is written or read again.

        Raises:
            ValueError: when there is neither a cfg nor a darknet policy to change, or a value does not fit.
        """
        if self.net is not None:
            net = replace(self.net, **changes)
            return replace(self, net=net, schedule=net.schedule(self.ngpus))
        if self.policy is None:
            raise ValueError(f"{self.schedule!r} has no cfg keys to change")
        inner = {f.name for f in fields(self.policy)}
        policy = replace(self.policy, **{key: value for key, value in changes.items() if key in inner})
        if not isinstance(self.schedule, BurnIn):
            return replace(self, schedule=policy)
        outer = {key: value for key, value in changes.items() if key in ("burn_in", "power")}
        return replace(self, schedule=replace(self.schedule, policy=policy, **outer))

    def rewritten(self, changes: Mapping[str, Any]) -> Run:
        """The same run with other cfg keys, written into the text of the cfg and read again.

        Raises:
            CfgError: when the trainer would not run with them.
        """
        if self.net is None or self.net.text is None:
            return self.with_keys(changes)
        text = with_values(self.net.text, {key: cfg_value(value) for key, value in changes.items()})
        net = parse_cfg(text, self.net.dialect, source=self.net.source)
        return replace(self, net=net, schedule=net.schedule(self.ngpus))


def checked_iteration(name: str, value: Any) -> int:
    """``value`` as an iteration.

    Raises:
        TypeError: when it is no whole number.
        ValueError: when it is negative or past 2**31 - 1.
    """
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None
    if not 0 <= number <= LAST_ITERATION:
        raise ValueError(f"{name} must be an iteration from 0 to 2**31 - 1, got {number}")
    return number


def make_run(
    source: Any,
    target: int | None,
    *,
    start: int = 0,
    ngpus: int = 1,
    dialect: str | Dialect = "alexeyab",
    classes: int | None = None,
    images: int | None = None,
) -> Run:
    """Put a run together from whatever the user has: a path, a Net, a Schedule, a callable.

    Raises:
        CfgError, OSError: for a cfg that cannot be read.
        TypeError, ValueError: for a start, target or ngpus that cannot be, or a callable without target.
    """
    start = checked_iteration("start", start)
    target = None if target is None else checked_iteration("target", target)
    if target is not None and target < start:
        raise ValueError(f"the target {target} lies before the start {start}: the run is past it; name a later target")
    if isinstance(source, (str, os.PathLike)):
        source = read_cfg(source, dialect)
    if isinstance(source, Net):
        schedule = source.schedule(ngpus)
        return Run(
            schedule=schedule, net=source, start=start, target=target, ngpus=ngpus, classes=classes, images=images
        )
    if ngpus != 1:
        raise ValueError(f"ngpus={ngpus} needs a cfg or a Net; a schedule already gives the rates of the run")
    run = Run(
        schedule=as_schedule(source), net=None, start=start, target=target, ngpus=1, classes=classes, images=images
    )
    if run.end is None:
        raise ValueError(f"{run.schedule!r} does not say where it ends; name a target")
    return run

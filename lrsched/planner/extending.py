"""Options for extending a run past its horizon: named ways, with the rate before and after the switch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsched.rules import Run

__all__ = ["Extension", "extensions"]

MOST_WASTED = 0.5


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One option for extending a run.

    Attributes:
        name: ``stretch``, ``continuous``, ``hold`` or ``restart``.
        changes: key -> value.
        text: what becomes of the curve.
        before: the rate at the switch with the config as written.
        after: the rate at the switch with the changes; a restart begins again at iteration 0.
        rate_at_target: the exact rate at the target with the changes.
        run: the run with the changes; a restart counts from 0 again.
    """

    name: str
    changes: Mapping[str, Any]
    text: str
    before: float
    after: float
    rate_at_target: float
    run: Run

    @property
    def jump(self) -> float:
        """How many times larger the rate is after the switch; infinite from a rate of 0."""
        if self.before == 0:
            return 1.0 if self.after == 0 else math.inf
        return self.after / self.before if math.isfinite(self.before) else math.nan


def extensions(run: Run) -> tuple[Extension, ...]:
    """Options for a started run whose target is past its horizon; none for a schedule without a config.

    An option whose rate counts as zero over most of its iterations is left out, as are those that keep such a rate.
    """
    horizon, target = run.horizon, run.target
    if run.config is None or horizon is None or target is None or not 0 < run.start < target or target <= horizon:
        return ()
    return tuple(option for option in _options(run, run.start, target) if _trains(option))


def _options(run: Run, start: int, target: int) -> Iterator[Extension]:
    known, rate, left = run.planning, run.rate(start), target - start
    longer, anew = known.stretched(target), known.stretched(left)
    if longer is not None:
        yield from _option(run, "stretch", longer.changes, "the same curve over the longer run")
    if math.isfinite(rate) and not run.is_zero(np.array([rate]))[0]:
        continued = known.continued(start, target, run.ngpus)
        yield from _option(run, "continuous", continued, "the rate continues from where it is")
        yield from _option(run, "hold", known.held(rate, target, run.ngpus), "the rate stays where it is")
    whole = {**({} if anew is None else anew.changes), **(known.warmed(left) or {})}
    text = (
        f"count from 0 again (-clear): a new {run.terms.warmup}, then the whole curve over the {left} iterations left"
    )
    yield from _option(run, "restart", whole, text, start=0, target=left)


def _option(run: Run, name: str, changes: Mapping[str, Any] | None, text: str, **others: int) -> Iterator[Extension]:
    try:
        changed = run.changed(changes or {}, **others)
    except ValueError:
        return
    if changes and changed.goal is not None:
        yield Extension(
            name=name,
            changes=changes,
            text=text,
            before=run.rate(run.start),
            after=changed.rate(changed.start),
            rate_at_target=changed.rate(changed.goal),
            run=changed,
        )


def _trains(option: Extension) -> bool:
    """Whether most of the added iterations have a rate that counts."""
    run = option.run
    wasted = sum(last - first + 1 for first, last in run.zeros)
    return bool(np.isfinite(run.curve.rates).all()) and wasted < MOST_WASTED * run.length

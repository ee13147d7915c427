"""What there is to know of a curve before it is drawn: its samples, its parameters, where its zeros begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.plotting.sampling import sample
from lrsched.schedule import FunctionSchedule, Iterations, Schedule, params, printed_zero
from lrsched.search import last_where, zero_from
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import ALEXEYAB, BurnIn, Net, Policy

__all__ = ["Curve", "Source", "evaluated"]

Source: TypeAlias = Net | Schedule | Callable[[Any], Any]

LARGEST = 1e300
"""What is larger is left out of a picture, like infinity."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A schedule evaluated over the iterations of a picture; NaN where there is nothing to draw."""

    label: str
    words: str
    schedule: Schedule
    first: int
    last: int
    target: int | None
    images: int | None
    iterations: Iterations
    rates: NDArray[np.float64]

    @property
    def policy(self) -> Schedule:
        return self.schedule.then if isinstance(self.schedule, BurnIn) else self.schedule

    @property
    def burn_in(self) -> int:
        """The first iteration after the burn-in; 0 without one."""
        return self.schedule.end if isinstance(self.schedule, BurnIn) else 0

    @property
    def horizon(self) -> int | None:
        return self.schedule.horizon

    @property
    def end(self) -> int:
        """The last iteration of the run, as far as it is known."""
        return min([end for end in (self.horizon, self.target) if end is not None], default=self.last)

    @property
    def trained(self) -> NDArray[np.bool_]:
        """The samples up to the end of the schedule; all, when the picture begins after that."""
        stop = self.last if self.horizon is None or self.horizon <= self.first else self.horizon
        return np.asarray(self.iterations <= stop)

    @cached_property
    def zero(self) -> int | None:
        """From where on to the end of the run a log prints 0.000000; None when the picture does not show it."""
        if not self.first < self.end:
            return None
        if self.schedule.pieces(0, self.end) is not None:
            found = zero_from(self.schedule, 0, self.end)
            return None if found is None or found > self.last else found
        # only samples are known: look closer where the last rate above zero lies
        dead = printed_zero(self.rates[self.iterations <= self.end])
        alive = np.flatnonzero(~dead)
        if self.end > self.last or dead.size == 0 or not dead[-1]:
            return None
        if not alive.size:
            return self.first
        low, high = self.iterations[alive[-1] : alive[-1] + 2].tolist()
        found = last_where(self.schedule, low, high, lambda rates: ~printed_zero(rates))
        return (low if found is None else found) + 1


def evaluated(
    schedules: Sequence[tuple[str, Source]],
    target: int | None,
    ngpus: int,
    first: int,
    last: int | None,
    log_scale: bool,
) -> list[Curve]:
    """Evaluate the schedules over the iterations of one picture."""
    made = [source.schedule(ngpus) if isinstance(source, Net) else as_schedule(source) for _, source in schedules]
    if last is None:
        last = max([end for end in (target, *(one.horizon for one in made)) if end is not None], default=None)
    if last is None:
        raise ValueError("the end of the run is not known, as there is no max_batches; give last=... or target=...")
    if not 0 <= first < last:
        raise ValueError(f"first must be 0 or more and less than last, got first={first} and last={last}")
    curves = []
    for (label, source), schedule in zip(schedules, made, strict=True):
        iterations, exact = sample(schedule, first, last, log_scale=log_scale)
        rates = exact.astype(np.float64)
        curve = Curve(
            label=_plain(label),
            words=_plain(" · ".join(_words(source, schedule, ngpus))),
            schedule=schedule,
            first=first,
            last=last,
            target=target,
            images=source.effective_batch if isinstance(source, Net) else None,
            iterations=iterations,
            rates=np.where(np.abs(rates) < LARGEST, rates, np.nan),
        )
        curves.append(curve)
    return curves


def _plain(text: str) -> str:
    """What can be drawn of a name: no line ends, no halves of characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _words(source: Source, schedule: Schedule, ngpus: int) -> Iterator[str]:
    """The policy and the parameters that matter."""
    policy = schedule.then if isinstance(schedule, BurnIn) else schedule
    if isinstance(policy, FunctionSchedule):
        name = getattr(policy.function, "__name__", type(policy.function).__name__)
        yield "a function of the iteration" if name == "<lambda>" else name
        return
    unknown = _unknown_policy(source) if isinstance(source, Net) else ""
    yield (policy.KEY if isinstance(policy, Policy) else type(policy).__name__) + unknown
    values = {name: getattr(policy, name) for name in params(type(policy))}
    if isinstance(source, Net):
        # as it stands in the cfg, without the factor of the GPUs
        values["learning_rate"] = source.learning_rate
    for name, value in sorted(values.items(), key=lambda item: item[0] == "max_batches"):
        if value is not None and (name, value) not in {("max_batches", 0), ("u", 0.5)}:
            yield f"{name} {_value(value)}"
    if isinstance(schedule, BurnIn):
        power = "" if "power" in values or schedule.power == 4 else f" (power {_value(schedule.power)})"
        yield f"burn_in {schedule.burn_in}{power}"
    if isinstance(source, Net):
        if ngpus > 1:
            yield f"{ngpus} GPUs"
        if source.dialect != ALEXEYAB:
            yield source.dialect.name


def _unknown_policy(net: Net) -> str:
    written = net.section.first("policy") if net.section else None
    if written is None or written.value is None or written.value in net.dialect.policies:
        return ""
    return f" (as policy={written.value} is not known)"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_value, [*value[:5], "…", value[-1]] if len(value) > 7 else value)) or "none"
    return f"{value:.7g}" if isinstance(value, float) else str(value)

"""What the rates of a log tell: the schedule that explains them, and how they compare with a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.log import Floats, Integers
from lrsched.schedule import Schedule

__all__ = ["Audit", "Inference", "Mismatches"]

SHOWN = 3  # mismatches that are shown one by one


@dataclass(frozen=True, kw_only=True)
class Inference:
    """What explains the rates of a log.

    Attributes:
        schedule: the simplest schedule that explains the records, as a function of the logged iteration, or None.
        family: the name of its curve (a policy), or empty.
        parameters: the numbers that make it, by name.
        matched: records that it explains: all, the first ones, or 0.
        total: records of the log.
        last: the last iteration that it explains; 0 where those that it explains are not the first ones.
        open: what the log does not determine, and why.
        clock: in words, which count of the schedule belongs to a logged iteration; empty for the usual one.
        rest: what explains the records after those, with the iteration at which each begins.
        config: the config that has this schedule, or None.
        values: its keys and values as they are written.
        ngpus: number of GPUs.
        what: what is counted: ``record``, or ``rate`` where records have one for each parameter group.
        notes: what else the rates tell, a sentence each.
    """

    schedule: Schedule | None = None
    family: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    matched: int = 0
    total: int
    last: int = 0
    open: Mapping[str, str] = field(default_factory=dict)
    clock: str = ""
    rest: tuple[tuple[int, Schedule], ...] = ()
    config: Any = None
    values: Mapping[str, str] = field(default_factory=dict)
    ngpus: int = 1
    what: str = "record"
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every record is explained."""
        return self.matched == self.total

    def __str__(self) -> str:
        if self.schedule is None:
            rates = "the only rate" if self.total == 1 else f"the rates of these {self.total} records"
            return f"Cannot tell: nothing simple explains {rates}."
        on = f" on {self.ngpus} GPUs" if self.ngpus > 1 else ""
        which = f"the only {self.what}" if self.total == 1 else f"all {self.total} {self.what}s"
        if not self.complete and not self.last:
            which = f"{self.matched} of {self.total} {self.what}s"
        elif not self.complete:
            which = f"the first {self.matched} of {self.total} records (to {self.last}); nothing simple explains all"
        shown = [f"{key}={value}" for key, value in self.values.items()] or [repr(self.schedule)]
        begin = "These lines explain" if self.values else "This explains"
        lines = [f"{begin} {which}{on}:", *(f"  {line}" for line in shown)]
        lines += [f"from {at} on: {schedule!r}" for at, schedule in self.rest]
        lines += [f"The schedule advanced {self.clock}."] if self.clock else []
        lines += self.notes
        reasons: dict[str, list[str]] = {}
        for key, why in self.open.items():
            reasons.setdefault(why, []).append(key)
        if reasons:
            lines += ["Not determined:", *(f"- {', '.join(keys)}: {why}" for why, keys in reasons.items())]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, eq=False)
class Mismatches:
    """The records that do not show the planned rate: their number in the log, and what was logged and planned there.

    ``group`` is the column of each, where there are several.
    """

    record: Integers
    iteration: Integers
    logged: Floats
    planned: Floats
    group: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.record)


@dataclass(frozen=True, kw_only=True, eq=False)
class Audit:
    """A log compared with a config on ``ngpus`` GPUs.

    ``matched`` of ``total`` records show the planned rate, to the last printed decimal; ``cause`` is the simplest thing
    that explains the others, one sentence, or empty. ``contradictions`` are sentences about what else does not fit,
    ``notes`` what the log tells of the run. ``plans`` are what was planned, by the logged iteration; of records with
    the rates of several parameter groups each rate counts, and ``groups`` has the matches of each.
    """

    matched: int
    total: int
    ngpus: int = 1
    mismatches: Mismatches
    cause: str = ""
    contradictions: tuple[str, ...] = ()
    source: str = "<log>"
    unit: str = "iteration"
    notes: tuple[str, ...] = ()
    plans: Mapping[str, Schedule] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every record shows the planned rate, and nothing else is contradicted."""
        return self.matched == self.total and not self.contradictions

    def __str__(self) -> str:
        on = f" on {self.ngpus} GPUs" if self.ngpus > 1 else ""
        what, one, many, does = "record", "shows the planned rate", "show the planned rate", "does"
        if self.groups:
            what, one, many, does = "rate", "is the planned one", "are the planned ones", "is"
        wrong = self.mismatches
        if len(wrong):
            shown = f"{self.matched} of {self.total} {what}s {many}{on}"
            lines = [f"{shown}; the first that {does} not is {self.unit} {wrong.iteration[0]}."]
            if len(set(self.groups.values())) > 1:
                lines.append(", ".join(f"{name} {matched}" for name, matched in self.groups.items()) + " match.")
            lines += [self.cause] if self.cause else []
        else:
            lines = [f"The only {what} {one}{on}." if self.total == 1 else f"All {self.total} {what}s {many}{on}."]
        lines += [*self.contradictions, *self.notes]
        for number in range(min(len(wrong), SHOWN)):
            at, logged, planned = wrong.iteration[number], wrong.logged[number], wrong.planned[number]
            group = "" if wrong.group is None else f" {wrong.group[number]}"
            lines.append(f"  {self.unit} {at}{group}: logged {logged:g}, planned {planned:.8g}")
        if len(wrong) > SHOWN:
            lines.append(f"  and {len(wrong) - SHOWN} more")
        return "\n".join(lines)

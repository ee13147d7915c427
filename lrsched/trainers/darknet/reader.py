"""The ``[net]`` section under one dialect: which keys are read, as which numbers, and where the trainer gives up."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lrsched.trainers.darknet.cfg import CfgError, Section
from lrsched.trainers.darknet.dialects import Dialect, titles
from lrsched.trainers.darknet.numbers import (
    c_atof,
    c_atoi,
    found_integers,
    found_numbers,
    strict_integer,
    strict_number,
)

__all__ = ["Reader"]

_LISTS = ("steps", "scales", "seq_scales")
_WORDS = ("policy",)


@dataclass(frozen=True)
class Reader:
    """One ``[net]`` section under one dialect: finds keys, reads numbers, says where the trainer gives up."""

    section: Section
    dialect: Dialect
    source: str
    read: frozenset[str] = frozenset()
    """The keys this dialect reads here."""

    def __post_init__(self) -> None:
        adam = self.section.first("adam")
        read = self.dialect.reads(self.policy, adam=bool(adam and adam.value and c_atoi(adam.value)))
        object.__setattr__(self, "read", read)
        for entry in self.section.entries:
            if entry.key not in read:
                if self.dialect.strict_keys:
                    near = difflib.get_close_matches(entry.key, sorted(read), 1)
                    meant = f", or write {near[0]} if that was meant" if near else ""
                    self.fail(
                        entry.line,
                        f"nobody reads the key {entry.key} with policy={self.policy}; {self.dialect.title} refuses. "
                        f"Delete the line{meant}.",
                    )
            elif entry.value is None and self.section.first(entry.key) is entry:
                self.fail(
                    entry.line,
                    f"{entry.key} has no value; {self.dialect.title} crashes when it reads it. "
                    f"Write {entry.key}=VALUE or delete the line.",
                    "crashes",
                )
            elif (
                self.dialect.strict_numbers
                and entry.value is not None
                and entry.key not in _LISTS + _WORDS
                and strict_number(entry.value) is None
            ):
                self.fail(
                    entry.line,
                    f"{entry.key}={entry.value} is not a number for {self.dialect.title}, which takes only digits, a "
                    f"point and a minus and refuses the rest. Write a plain decimal.",
                )

    def fail(self, line: int | None, message: str, outcome: str = "refuses") -> None:
        raise CfgError(message, source=self.source, line=line, outcome=outcome)

    @property
    def policy(self) -> str:
        """The policy in force."""
        entry = self.section.first("policy")
        if entry is None or entry.value is None:
            return "constant"
        if entry.value in self.dialect.policies:
            return entry.value
        if not self.dialect.unknown_policy_is_constant:
            names = sorted(self.dialect.policies)
            near = difflib.get_close_matches(entry.value.lower(), names, 1) or [
                ", ".join(names[:-1]) + f" or {names[-1]}"
            ]
            self.fail(
                entry.line,
                f"policy={entry.value} is not known to {self.dialect.title}, which refuses. Write policy={near[0]}.",
            )
        return "constant"

    def number(self, key: str, default: Any) -> Any:
        return self._read(key, default, c_atof, lambda number: number)

    def integer(self, key: str, default: Any) -> Any:
        return self._read(key, default, c_atoi, strict_integer)

    def _read(self, key: str, default: Any, prefix: Callable[[str], Any], strict: Callable[[float], Any]) -> Any:
        entry = self.section.first(key)
        if entry is None or entry.value is None:
            return default
        if not self.dialect.strict_numbers:
            return prefix(entry.value)
        number = strict_number(entry.value)
        return default if number is None else strict(number)

    def steps_and_scales(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The lists of the steps policy, one scale per step as the trainer pairs them."""
        steps, scales = self.section.first("steps"), self.section.first("scales")
        if self.policy == "steps" and (steps is None or scales is None):
            missing = "steps" if steps is None else "scales"
            self.fail(
                self.section.line,
                f"policy=steps needs the keys steps and scales, but {missing} is missing; every fork refuses. "
                f"Add a line {missing}=... with one value per step.",
            )
        if steps is None or steps.value is None:
            return (), ()
        scale_text = scales.value if scales is not None and scales.value is not None else None
        if self.dialect.list_of_found_numbers:
            found = found_integers(steps.value)
            factors = found_numbers(scale_text) if scale_text is not None else ()
            if self.policy == "steps" and not (found and factors):
                self.fail(
                    steps.line,
                    f"no number found in steps or in scales; {self.dialect.title} refuses. Write one scale per step.",
                )
            return found, (factors + (0.0,) * len(found))[: len(found)]
        counted = steps.value if self.dialect.commas_after_comment else steps.value.partition("#")[0]
        count = counted.count(",") + 1
        for other in ("scales", "seq_scales"):
            entry = self.section.first(other) if other in self.read else None
            given = count if entry is None or entry.value is None else entry.value.count(",") + 1
            if entry is not None and given < count:
                self.fail(
                    entry.line,
                    f"steps has {count} values but {other} has {given}; "
                    f"{self._who_crashes(other, steps.value, given)}. Write one value per step.",
                    "crashes",
                )
        factors = tuple(map(c_atof, scale_text.split(",")[:count])) if scale_text is not None else (1.0,) * count
        return tuple(map(c_atoi, steps.value.split(",")[:count])), factors

    def _who_crashes(self, key: str, steps: str, given: int) -> str:
        """Which forks crash for want of a value; only where all read the same list can all be named."""
        if key != "scales" or "#" in steps:
            return f"{self.dialect.title} crashes here"
        crash, go_on = (
            titles(lambda d: not d.missing_scales_are_zero),
            titles(lambda d: d.missing_scales_are_zero),
        )
        first = c_atoi(steps.split(",")[given])
        return f"{crash} crash here, {go_on} trains at rate 0 from iteration {first}"

"""The ``[net]`` section under one dialect: which keys are read, as which numbers, and where the trainer gives up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from lrsched.text import closest, joined
from lrsched.trainers.darknet.cfg import CfgError, Section
from lrsched.trainers.darknet.dialects import Dialect, knowing
from lrsched.trainers.darknet.numbers import (
    c_atof,
    c_atoi,
    found_integers,
    found_numbers,
    strict_integer,
    strict_number,
)

__all__ = ["Reader"]

_NOT_NUMBERS = ("policy", "steps", "scales", "seq_scales")


@dataclass(frozen=True)
class Reader:
    """One ``[net]`` section under one dialect: finds keys, reads numbers, says where the trainer gives up."""

    section: Section
    dialect: Dialect
    source: str

    @cached_property
    def read(self) -> frozenset[str]:
        """The keys this dialect reads here."""
        return self.dialect.reads(self.policy, adam=bool(self.value("adam") and c_atoi(self.value("adam") or "")))

    @cached_property
    def policy(self) -> str:
        """The policy in force.

        Raises:
            CfgError: for an unknown one, where the trainer refuses it.
        """
        name, known = self.value("policy"), self.dialect.policies
        if name is None or name in known:
            return name or "constant"
        if not self.dialect.unknown_policy_is_constant:
            meant = closest(name, known) or joined(sorted(known), "or")
            who = f"is not known to {self.dialect.title}, which refuses"
            self.fail("policy", f"policy={name} {who}. Write policy={meant}.")
        return "constant"

    def value(self, key: str) -> str | None:
        """The text the trainer takes for a key; None when it takes its default, as for a line without ``=``."""
        entry = self.section.first(key)
        return None if entry is None else entry.value

    def fail(self, key: str, message: str, outcome: str = "refuses") -> NoReturn:
        entry = self.section.first(key)
        raise CfgError(message, self.source, entry.line if entry else self.section.line, outcome)

    def check_lines(self) -> None:
        """Go through the lines as the trainer does.

        Raises:
            CfgError: where it refuses a key or a value.
        """
        dialect, refuses = self.dialect, f"{self.dialect.title} refuses. Delete the line"
        for key, value, _ in self.section.entries:
            if key not in self.read and dialect.strict_keys:
                others = knowing(key)
                if others and key not in dialect.all_keys():
                    self.fail(key, f"only {others} know the key {key}; {refuses}.")
                near = closest(key, self.read)
                meant = f", or write {near} if that was meant" if near else ""
                self.fail(key, f"unknown key {key} with policy={self.policy}; {refuses}{meant}.")
            strict = key in self.read and dialect.strict_numbers and key not in _NOT_NUMBERS
            if strict and strict_number(value or "") is None:
                what = (
                    f"{key}={value} is not a number for {dialect.title}, which takes digits, a point and a minus only"
                )
                self.fail(key, f"{what}; it refuses. Write a plain decimal.")

    def number(self, key: str, default: Any, *, whole: bool) -> Any:
        """The number the trainer takes for a key, once ``check_lines`` has let it pass."""
        text = self.value(key)
        if text is None:
            return default
        if self.dialect.strict_numbers:
            number = strict_number(text) or 0.0
            return strict_integer(number) if whole else number
        return c_atoi(text) if whole else c_atof(text)

    def steps_and_scales(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The lists of the steps policy, one scale per step as the trainer pairs them."""
        steps, scales = self.value("steps"), self.value("scales")
        missing = "steps" if steps is None else "scales" if scales is None else None
        if missing and self.policy == "steps":
            why = f"policy=steps needs the keys steps and scales, but {missing} is missing; every fork refuses"
            self.fail(missing, f"{why}. Add a line {missing}=... with one value per step.")
        if steps is None:
            return (), ()
        if self.dialect.list_of_found_numbers:
            found, factors = found_integers(steps), found_numbers(scales or "")
            if self.policy == "steps" and not (found and factors):
                why = f"no number found in steps or in scales; {self.dialect.title} refuses"
                self.fail("steps", f"{why}. Write one scale per step.")
            return found, (factors + (0.0,) * len(found))[: len(found)]
        counted = steps if self.dialect.commas_after_comment else steps.partition("#")[0]
        count = counted.count(",") + 1
        for key in ("scales", "seq_scales"):
            text = self.value(key) if key in self.read else None
            if text is not None and (given := text.count(",") + 1) < count:
                why = f"steps has {count} values but {key} has {given}; {self.dialect.title} crashes here"
                self.fail(key, f"{why}. Write one value per step.", "crashes")
        factors = (1.0,) * count if scales is None else tuple(map(c_atof, scales.split(",")[:count]))
        return tuple(map(c_atoi, steps.split(",")[:count])), factors

"""One ``[net]`` section as one fork of darknet reads it: its keys, its numbers, and where the trainer gives up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn, get_origin

from lrsched.text import closest, joined
from lrsched.trainers.darknet import numbers
from lrsched.trainers.darknet.cfg import CfgError, Section
from lrsched.trainers.darknet.dialects import DIALECTS, Dialect

__all__ = ["Reader", "give_up"]

NOT_NUMBERS = ("policy", "steps", "scales", "seq_scales")


def give_up(section: Section | None, source: str, key: str, message: str, outcome: str = "refuses") -> NoReturn:
    """Raise CfgError for the line of a key, or of the section."""
    place = section and (section.first(key) or section)
    raise CfgError(message, source, place.line if place else None, outcome)


@dataclass(frozen=True)
class Reader:
    """One ``[net]`` section under one dialect; each of its answers may be a CfgError."""

    section: Section
    dialect: Dialect
    source: str

    @cached_property
    def read(self) -> frozenset[str]:
        """The keys this dialect reads here."""
        return self.dialect.reads(self.policy, adam=bool(numbers.c_atoi(self.section.value("adam") or "")))

    @cached_property
    def policy(self) -> str:
        """The policy in force."""
        name, known = self.section.value("policy"), self.dialect.policies
        if name is None or name in known:
            return name or "constant"
        if not self.dialect.unknown_policy_is_constant:
            meant = closest(name, known) or joined(sorted(known), "or")
            who = f"is not known to {self.dialect.title}, which refuses it"
            self.fail("policy", f"policy={name} {who}. Write policy={meant}.")
        return "constant"

    def fail(self, key: str, message: str, outcome: str = "refuses") -> NoReturn:
        give_up(self.section, self.source, key, message, outcome)

    def check_lines(self) -> None:
        """Go through the lines as the trainer does, which may refuse a key or a value."""
        dialect, refuses = self.dialect, f"{self.dialect.title} refuses it. Delete the line"
        for key, value, _ in self.section.entries:
            if key not in self.read and dialect.strict_keys:
                others = [other.title for other in DIALECTS if key in other.all_keys()]
                if others and key not in dialect.all_keys():
                    self.fail(key, f"only {joined(others)} know the key {key}; {refuses}.")
                near = closest(key, self.read)
                meant = f", or write {near} if that was meant" if near else ""
                self.fail(key, f"unknown key {key} with policy={self.policy}; {refuses}{meant}.")
            strict = key in self.read and dialect.strict_numbers and key not in NOT_NUMBERS
            if strict and not numbers.is_strict(value or ""):
                why = f"{dialect.title}, which takes only digits, a point and a minus; it refuses"
                self.fail(key, f"{key}={value} is not a number for {why}. Write a plain decimal.")

    def values(self, declared: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
        """The values of the keys that are read, of those that are declared with their types."""
        self.check_lines()
        values: dict[str, Any] = {"policy": self.policy}
        for key, (kind, _) in declared.items():
            written = self.section.value(key) if key in self.read and get_origin(kind) is not tuple else None
            if written is not None:
                values[key] = self.number(written, whole=kind is not float)
        if "steps" in self.read:
            values["steps"], values["scales"] = self.steps_and_scales()
        return values

    def number(self, text: str, *, whole: bool) -> float:
        """The number the trainer takes for a text, once ``check_lines`` has let it pass."""
        if self.dialect.strict_numbers:
            number = numbers.strict_number(text) or 0.0
            return numbers.strict_integer(number) if whole else number
        return numbers.c_atoi(text) if whole else numbers.c_atof(text)

    def steps_and_scales(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The lists of the steps policy, one scale per step as the trainer pairs them."""
        steps, scales = self.section.value("steps"), self.section.value("scales")
        if self.policy == "steps" and (steps is None or scales is None):
            missing = "steps" if steps is None else "scales"
            why = f"policy=steps needs the keys steps and scales, but {missing} is missing; every fork refuses"
            self.fail(missing, f"{why}. Add a line {missing}=... with one value per step.")
        if steps is None:
            return (), ()
        given = {}
        if self.dialect.list_of_found_numbers:
            at, factors = numbers.found_integers(steps), numbers.found_numbers(scales or "")
            if self.policy == "steps" and not (at and factors):
                why = f"no number found in steps or in scales; {self.dialect.title} refuses"
                self.fail("steps", f"{why}. Write one scale per step.")
            given["scales"] = len(factors)
        else:
            counted = steps if self.dialect.commas_after_comment else steps.partition("#")[0]
            at = tuple(map(numbers.c_atoi, steps.split(",")[: counted.count(",") + 1]))
            factors = (1.0,) * len(at) if scales is None else tuple(map(numbers.c_atof, scales.split(",")))
            for key in ("scales", "seq_scales"):
                if key in self.read and (text := self.section.value(key)) is not None:
                    given[key] = text.count(",") + 1
        for key, count in given.items():
            if count < len(at) and not self.dialect.missing_scales_are_zero:
                why = f"steps has {len(at)} values but {key} has {count}; {self.dialect.title} crashes here"
                self.fail(key, f"{why}. Write one value per step.", "crashes")
        return at, (factors + (0.0,) * len(at))[: len(at)]

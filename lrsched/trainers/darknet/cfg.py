"""A cfg as text: its sections with their keys, values and line numbers, as each fork splits it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from lrsched.trainers.darknet.dialects import Dialect
from lrsched.trainers.darknet.numbers import looks_numeric, strict_number

__all__ = ["CfgError", "Entry", "Section", "cfg_value", "read_sections", "with_values"]

NET_NAMES = ("net", "network")

BYTE_ORDER_MARK = "\ufeff"


class CfgError(ValueError):
    """A cfg with which the trainer refuses to start, crashes or hangs.

    Attributes:
        source: the file, as it was given.
        line: the line number, or None when the whole file is meant.
        outcome: what the trainer does: "refuses", "crashes" or "hangs".
    """

    def __init__(self, message: str, *, source: str, line: int | None, outcome: str) -> None:
        super().__init__(message)
        self.source = source
        self.line = line
        self.outcome = outcome

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{place}: {self.args[0]}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (self.args[0], self.source, self.line, self.outcome)


def _rebuilt(message: str, source: str, line: int | None, outcome: str) -> CfgError:
    return CfgError(message, source=source, line=line, outcome=outcome)


@dataclass(frozen=True)
class Entry:
    """One ``key=value`` line; ``value`` is None for a line without ``=``."""

    key: str
    value: str | None
    line: int


@dataclass(frozen=True)
class Section:
    """One ``[name]`` with its entries in the order of the file; ``dropped`` are the ``key=`` lines nobody sees."""

    name: str
    line: int
    entries: tuple[Entry, ...]
    dropped: tuple[Entry, ...] = ()

    @property
    def is_net(self) -> bool:
        """Whether this is the section the learning rate comes from."""
        return self.name in NET_NAMES

    def first(self, key: str) -> Entry | None:
        """The entry darknet takes when a key stands there more than once: the first."""
        return next((entry for entry in self.entries if entry.key == key), None)


def read_sections(text: str, dialect: Dialect, source: str) -> tuple[Section, ...]:
    """Split a cfg into sections as ``dialect`` does.

    Raises:
        CfgError: where the trainer refuses or crashes while it splits the file.
    """
    if "\0" in text:
        raise CfgError(
            "this is not a text cfg (it holds NUL bytes, perhaps it is UTF-16 or a weights file); "
            "every fork refuses it. Save the cfg as plain text (UTF-8).",
            source=source,
            line=None,
            outcome="refuses",
        )
    sections = _by_pattern(text, dialect, source) if dialect.comment_anywhere else _by_character(text, dialect, source)
    if not sections:
        raise CfgError(
            f"there is no section in this file; {dialect.title} refuses it. Begin with a line [net].",
            source=source,
            line=None,
            outcome="refuses",
        )
    first = sections[0]
    if not first.is_net:
        with_return = first.name.endswith("\r")
        why = (
            f"the line ends with a carriage return (CRLF), which {dialect.title} takes for a part of the name; it "
            f"refuses. Save the file with Unix line ends."
            if with_return
            else f"the first section is {_shown(first.name)}, but {dialect.title} wants [net] or [network] there "
            f"and refuses. Put [net] first."
        )
        raise CfgError(why, source=source, line=first.line, outcome="refuses")
    return sections


def _by_character(text: str, dialect: Dialect, source: str) -> tuple[Section, ...]:
    """Delete blanks anywhere, then cut at the first ``=`` (src/parser.c read_cfg, src/option_list.c read_option)."""
    delete = str.maketrans("", "", dialect.blanks)
    sections: list[Section] = []
    entries: list[Entry] = []
    dropped: list[Entry] = []

    def close() -> None:
        if sections:
            opened = sections[-1]
            sections[-1] = Section(opened.name, opened.line, tuple(entries), tuple(dropped))
            entries.clear()
            dropped.clear()

    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.translate(delete)
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            close()
            name = line[1:-1] if line.endswith("]") else line
            sections.append(Section(name, number, ()))
            continue
        if not sections:
            raise CfgError(
                f"{_shown(raw)} stands before the first section; {dialect.title} crashes here (segmentation fault). "
                f"{_above_all(raw)}",
                source=source,
                line=number,
                outcome="crashes",
            )
        key, equals, value = line.partition("=")
        if equals and not value:
            dropped.append(Entry(key, "", number))
        else:
            entries.append(Entry(key, value if equals else None, number))
    close()
    return tuple(sections)


def _above_all(line: str) -> str:
    if line.startswith(BYTE_ORDER_MARK):
        return "Save the file as UTF-8 without a byte-order mark."
    return "Put it below a line [net]."


_SECTION = re.compile(r"\[(.+)\]")
_ENTRY = re.compile(r"[ \t]*([^#= \t]+)[ \t]*=[ \t]*([^#]+)")


def _by_pattern(text: str, dialect: Dialect, source: str) -> tuple[Section, ...]:
    """Match a section or a ``key = value`` at the start of each line (src-lib/darknet_cfg.cpp CfgFile::read)."""
    found: list[tuple[str, int, dict[str, Entry]]] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip(" \t\r\n") or raw
        if section := _SECTION.match(line):
            found.append((section.group(1), number, {}))
            continue
        match = _ENTRY.match(line)
        if not match:
            continue
        key, value = match.group(1).strip(" \t\r\n"), match.group(2).strip(" \t\r\n")
        if not found:
            raise CfgError(
                f"{_shown(raw)} stands before the first section; {dialect.title} refuses. {_above_all(raw)}",
                source=source,
                line=number,
                outcome="refuses",
            )
        name, _, entries = found[-1]
        if key in entries:
            raise CfgError(
                f"{key} stands twice in [{name}] (first in line {entries[key].line}); {dialect.title} refuses, other "
                f"forks take the first. Delete one of the two.",
                source=source,
                line=number,
                outcome="refuses",
            )
        if looks_numeric(value) and strict_number(value) is None:
            raise CfgError(
                f"{key}={value} is not a number that {dialect.title} can hold; it refuses. Write a plain decimal.",
                source=source,
                line=number,
                outcome="refuses",
            )
        entries[key] = Entry(key, value, number)
    return tuple(Section(name, line, tuple(entries.values())) for name, line, entries in found)


def _shown(raw: str) -> str:
    text = raw.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")


def cfg_value(value: object) -> str:
    """A value as one writes it in a cfg, in plain decimals that every fork reads.

    >>> cfg_value((400000, 450000)), cfg_value(0.1), cfg_value(4.0), cfg_value(1e-05)
    ('400000,450000', '0.1', '4', '0.00001')
    """
    if isinstance(value, tuple):
        return ",".join(map(cfg_value, value))
    if isinstance(value, float) and math.isfinite(value):
        plain = format(Decimal(repr(value)), "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return str(value)


def with_values(text: str, values: Mapping[str, str]) -> str:
    r"""The same cfg with other values in its first section; every other character stays.

    The first line with the key is changed, as that is the one darknet takes; a missing key is added below the key a
    person would write it under, or below the last line of the section that is not blank.

    >>> with_values("[net]\r\nbatch = 64 # big\r\n\r\n[conv]\r\n", {"batch": "32", "power": "2"})
    '[net]\r\nbatch = 32 # big\r\npower=2\r\n\r\n[conv]\r\n'
    """
    lines = text.split("\n")
    heads = [i for i, line in enumerate(lines) if line.lstrip(" \t\r").startswith("[")]
    begin = heads[0] + 1 if heads else 0
    end = heads[1] if len(heads) > 1 else len(lines)
    carriage = "\r" if lines[0].endswith("\r") else ""
    for key, value in values.items():
        # blanks may stand anywhere in a key, and a key may stand there without a value
        spelled = "[ \t]*".join(map(re.escape, key))
        pattern = re.compile(rf"([ \t]*)({spelled})(?:([ \t]*=[ \t]*)([^#\r]*?))?([ \t]*)(#[^\r]*)?(\r?)\Z")
        found = next(((i, match) for i in range(begin, end) if (match := pattern.match(lines[i]))), None)
        if found is None:
            below = _below(lines, begin, end, key)
            at_end = below == len(lines) - 1
            lines[below] += carriage if at_end else ""
            lines[below + 1 : below + 1] = [f"{key}={value}{'' if at_end else carriage}", *([""] if at_end else [])]
            end += 1
            continue
        i, match = found
        indent, _, equals, _, space, comment, last = match.groups(default="")
        changed = f"{indent}{key}{equals or '='}{value}"
        if key == "policy" and comment:
            # a comment behind it would be a part of the name for most forks
            lines[i : i + 1] = [f"{indent}{comment}{last}", f"{changed}{last}"]
            end += 1
        else:
            lines[i] = f"{changed}{space}{comment}{last}"
    return "\n".join(lines)


USUAL_ORDER = (
    *("batch", "subdivisions", "time_steps", "learning_rate", "learning_rate_min", "burn_in", "max_batches", "policy"),
    *("power", "step", "scale", "gamma", "steps", "scales", "sgdr_cycle", "sgdr_mult"),
)
"""The order in which people write the keys of the learning rate."""


def _below(lines: list[str], begin: int, end: int, key: str) -> int:
    """The line below which a person would write a missing key."""
    before = USUAL_ORDER[: USUAL_ORDER.index(key)] if key in USUAL_ORDER else ()
    for earlier in reversed(before):
        for i in range(begin, end):
            if re.match(rf"[ \t]*{earlier}[ \t]*=", lines[i]):
                return i
    return max((i for i in range(begin, end) if lines[i].strip()), default=begin - 1)

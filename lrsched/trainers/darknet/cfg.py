"""A cfg as text: its sections with their keys, values and line numbers, as each fork splits it, and its layers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import IO, Any, NamedTuple, TypeAlias

from lrsched.trainers.darknet.dialects import Dialect
from lrsched.trainers.darknet.numbers import c_atoi, is_strict, strict_number

__all__ = ["CfgError", "Entry", "Head", "Section", "cfg_text", "heads", "read_sections"]

LINES = 4096  # lines whose parts are remembered: a cfg is read again for every change that is tried


class CfgError(ValueError):
    """A cfg with which the trainer refuses to start, crashes or hangs.

    Attributes:
        source: the file, as it was given.
        line: the line number, or None when the whole file is meant.
        outcome: what the trainer does: "refuses", "crashes" or "hangs".
    """

    def __init__(self, message: str, source: str, line: int | None = None, outcome: str = "refuses") -> None:
        super().__init__(message, source, line, outcome)
        self.message: str = message
        self.source: str = source
        self.line: int | None = line
        self.outcome: str = outcome

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{place}: {self.message}"


class Entry(NamedTuple):
    """One ``key=value`` line; ``value`` is None for a line without ``=``."""

    key: str
    value: str | None
    line: int


class Section(NamedTuple):
    """One ``[name]`` with its entries in the order of the file; its ``key=`` lines are ``dropped``, as in darknet."""

    name: str
    line: int
    entries: tuple[Entry, ...] = ()
    dropped: tuple[Entry, ...] = ()

    def first(self, key: str) -> Entry | None:
        """The entry that darknet takes: the first with this key."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def value(self, key: str) -> str | None:
        """The text darknet takes for a key; None when it takes its default, as for a line without ``=``."""
        entry = self.first(key)
        return None if entry is None else entry.value


class Head(NamedTuple):
    """A detection layer, and the convolution that has to give it as many numbers as it takes, if it is one."""

    layer: Section
    convolution: Section | None

    @property
    def classes(self) -> int:
        """The classes it is written for."""
        return _number(self.layer, "classes", 20)

    @property
    def filters(self) -> int | None:
        """The filters of the convolution in front of it; None behind another kind of layer."""
        return None if self.convolution is None else _number(self.convolution, "filters", 1)

    def wanted(self, classes: int) -> int:
        """The filters for this many classes: for each mask one a class, and 5 for the box and its score."""
        mask = (self.layer.value("mask") or "").partition("#")[0]
        boxes = len(mask.split(",")) if mask else _number(self.layer, "num", 1)
        return (classes + 5) * boxes


def _number(section: Section, key: str, default: int) -> int:
    value = section.value(key)
    return default if value is None else c_atoi(value)


def heads(sections: Sequence[Section]) -> tuple[Head, ...]:
    """The detection layers of a cfg, in its order."""
    return tuple(
        Head(layer, before if before.name in ("convolutional", "conv") else None)
        for before, layer in pairwise(sections)
        if layer.name in ("yolo", "region")
    )


def cfg_text(path_or_file: str | os.PathLike[str] | IO[Any]) -> tuple[str, str]:
    """The text of a cfg and the name for messages; bytes that are not UTF-8 are kept (as surrogates).

    Raises:
        OSError: when the file cannot be opened.
        TypeError: for what is neither a path nor an open file.
    """
    name = getattr(path_or_file, "name", None)
    content: object = None
    if isinstance(path_or_file, (str, os.PathLike)):
        name = os.fsdecode(path_or_file)
        with open(name, "rb") as file:  # not pathlib, which every command would wait for
            content = file.read()
    elif hasattr(path_or_file, "read") and not isinstance(path_or_file, type):
        content = path_or_file.read()
    if isinstance(content, (bytes, bytearray)):
        content = content.decode("utf-8", "surrogateescape")
    if not isinstance(content, str):
        what = f"a cfg is read from a path, or from an open file with text or bytes, got {type(path_or_file).__name__}"
        raise TypeError(f"{what}; parse_cfg takes the text itself")
    return content, name if isinstance(name, str) else "<file>"


def read_sections(text: str, dialect: Dialect, source: str) -> tuple[Section, ...]:
    """Split a cfg into sections as ``dialect`` does.

    Raises:
        CfgError: where the trainer refuses or crashes while it splits the file.
    """
    who, strict = dialect.title, dialect.strict_keys
    if "\0" in text:
        what = "this is not a text cfg (it holds NUL bytes, perhaps it is UTF-16 or a weights file)"
        raise CfgError(f"{what}; every fork refuses it. Save the cfg as plain text (UTF-8).", source)
    sections: list[tuple[str, int, list[Entry], list[Entry]]] = []
    first_lines: dict[str, int] = {}
    for line, raw in enumerate(text.split("\n"), 1):
        name, key, value = _by_pattern(raw) if dialect.comment_anywhere else _by_character(raw, dialect.blanks)
        if name is not None:
            if strict and len(sections) == 1 and not sections[0][2]:
                sections.clear()  # a first section without keys is replaced by the next one
            sections.append((name, line, [], []))
            first_lines.clear()
        elif key is not None:
            if not sections:
                what, fix = _stray(raw)
                outcome = f"{who} {'refuses' if strict else 'crashes here (segmentation fault)'}"
                raise CfgError(f"{what}; {outcome}. {fix}", source, line, "refuses" if strict else "crashes")
            section, _, entries, dropped = sections[-1]
            if strict and first_lines.setdefault(key, line) != line:
                what = f"{key} appears twice in [{section}] (first in line {first_lines[key]})"
                why = f"{what}; {who} refuses it, other forks take the first"
                raise CfgError(f"{why}. Delete one of the two.", source, line)
            if dialect.strict_numbers and is_strict(value or "") and strict_number(value or "") is None:
                what = f"{key}={value} is not a number that {who} can hold"
                raise CfgError(f"{what}; it refuses. Write a plain decimal.", source, line)
            (dropped if value == "" and not strict else entries).append(Entry(key, value, line))
    if not sections:
        raise CfgError(f"there is no section in this file; {who} refuses it. Begin with a line [net].", source)
    first, at = sections[0][:2]
    if first.endswith("\r"):
        why = f"the line ends with a carriage return (CRLF), which {who} takes as part of the name and refuses"
        raise CfgError(f"{why}. Save the file with Unix line endings.", source, at)
    if first not in ("net", "network"):
        why = f"the first section is {_shown(first)}, but {who} expects [net] or [network] there and refuses"
        raise CfgError(f"{why}. Put [net] first.", source, at)
    return tuple(Section(name, line, tuple(kept), tuple(dropped)) for name, line, kept, dropped in sections)


Parts: TypeAlias = tuple[str | None, str | None, str | None]  # the name of a section, or a key and its value


@lru_cache(LINES)
def _by_character(raw: str, blanks: str) -> Parts:
    """Delete blanks anywhere, then cut at the first ``=`` (src/parser.c read_cfg, src/option_list.c read_option)."""
    line = raw.translate(dict.fromkeys(map(ord, blanks)))
    if not line or line[0] in "#;":
        return None, None, None
    if line[0] == "[":
        return line[1:-1] if line.endswith("]") else line, None, None
    key, equals, value = line.partition("=")
    return None, key, value if equals else None


@lru_cache(LINES)
def _by_pattern(raw: str) -> Parts:
    """Match a section or a ``key = value`` at the start of the line (src-lib/darknet_cfg.cpp CfgFile::read)."""
    line = raw.rstrip(" \t\r\n") or raw
    if section := re.match(r"[ \t]*\[(.+)\]", line):
        return section.group(1), None, None
    entry = re.match(r"[ \t]*([^#= \t]+)[ \t]*=[ \t]*([^#]+)", line)
    return (None, entry.group(1).strip(" \t\r\n"), entry.group(2).strip(" \t\r\n")) if entry else (None, None, None)


def _stray(raw: str) -> tuple[str, str]:
    """What a line before the first section is, and what to do about it."""
    what, fix = _shown(raw), "Put it below a line [net]."
    if not raw.strip():
        what, fix = "a line with nothing but a carriage return (CRLF)", "Save the file with Unix line endings."
    elif raw.startswith("\ufeff"):
        fix = "Save the file as UTF-8 without a byte-order mark."
    return f"{what} comes before the first section", fix


def _shown(raw: str) -> str:
    text = raw.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")

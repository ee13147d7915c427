"""Other values in the text of a cfg, with every other character left as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lrsched.text import plain
from lrsched.trainers.darknet.cfg import Section, heads

__all__ = ["USUAL_ORDER", "with_values"]

USUAL_ORDER = (
    *("batch", "subdivisions", "time_steps", "learning_rate", "learning_rate_min", "burn_in", "max_batches", "policy"),
    *("power", "step", "scale", "gamma", "steps", "scales", "sgdr_cycle", "sgdr_mult"),
)
"""The order in which people write the keys of the learning rate."""

# indent, key, equals sign, value, blanks, comment, line end; blanks may stand anywhere in a key
_LINE = re.compile(r"([ \t]*)[^=#]*?(?:([ \t]*=[ \t]*)([^#]*?))?([ \t]*)(#.*?)?(\r?\n?)\Z", re.DOTALL)


def with_values(text: str, sections: Sequence[Section], changes: Mapping[str, Any]) -> str:
    r"""The same cfg with other values in its first section; ``sections`` are those that were read of it.

    The line that darknet takes is changed, and other lines with the same key are deleted: they would stay as a trap. A
    missing key is added below the key a person would write it under, or below the last key. None deletes a key.
    ``classes`` and ``filters`` are those of every detection layer and of the convolution in front of it, or, in a
    tuple, those of each.

    >>> from lrsched.trainers.darknet import ALEXEYAB, read_sections
    >>> text = "[net]\r\nbatch = 64 # big\r\n\r\n[conv]\r\n"
    >>> with_values(text, read_sections(text, ALEXEYAB, "a.cfg"), {"batch": 32, "power": 2.0})
    '[net]\r\nbatch = 32 # big\r\npower=2\r\n\r\n[conv]\r\n'

    Raises:
        ValueError: for a key or a value that would become anything but ``key=value`` on one line.
    """
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    newline = "\r\n" if lines[sections[0].line - 1].endswith("\r\n") else "\n"
    missing: list[tuple[Section, str]] = []
    for section, key, value in _places(sections, changes):
        found = [entry.line - 1 for entry in (*section.entries, *section.dropped) if entry.key == key]
        for other in found if value is None else found[1:]:
            lines[other] = ""
        if value is not None:
            written = _checked(key, plain(value))
            if found:
                lines[found[0]] = _changed(lines[found[0]], key, written, newline)
            else:
                missing.append((section, f"{key}={written}{newline}"))
    for section, line in missing:
        below = _below(section, line.partition("=")[0]) - 1
        separate = newline if lines[below] and not lines[below].endswith("\n") else ""
        lines[below] += separate + line
    return "".join(lines)


def _places(sections: Sequence[Section], changes: Mapping[str, Any]) -> Iterator[tuple[Section, str, Any]]:
    """Every section, key and value to be written, keys in their usual order."""
    for key in sorted(changes, key=lambda key: (*USUAL_ORDER, key).index(key)):
        value, layers = changes[key], heads(sections)
        if key not in ("classes", "filters"):
            yield sections[0], key, value
            continue
        for head, number in zip(layers, value if isinstance(value, tuple) else (value,) * len(layers), strict=True):
            section = head.convolution if key == "filters" else head.layer
            if section is not None:
                yield section, key, number


def _checked(key: str, value: str) -> str:
    """The value; a key is a word, a value is printable, and neither holds what begins a comment or ends a line."""
    if not re.fullmatch(r"\w+", key, re.ASCII):
        raise ValueError(f"{key!r} cannot be the key of a cfg: letters, digits and underscores only")
    if not value.strip() or not value.isprintable() or set(value) & set("#;=[]"):
        raise ValueError(f"{key}: {value!r} cannot be the value of a cfg: one line, not empty, without # ; = [ ]")
    return value


def _changed(line: str, key: str, value: str, newline: str) -> str:
    match = _LINE.match(line)
    indent, equals, _, blanks, comment, end = match.groups(default="") if match else ("",) * 6
    if key == "policy" and comment:
        # a comment behind it would be a part of the name for most forks
        return f"{indent}{comment}{end or newline}{indent}{key}{equals or '='}{value}{end}"
    return f"{indent}{key}{equals or '='}{value}{blanks}{comment}{end}"


def _below(section: Section, key: str) -> int:
    """The line below which a person would write a missing key."""
    before = USUAL_ORDER[: USUAL_ORDER.index(key)] if key in USUAL_ORDER else ()
    earlier = [entry.line for name in before if (entry := section.first(name))]
    return earlier[-1] if earlier else max([section.line, *(e.line for e in (*section.entries, *section.dropped))])

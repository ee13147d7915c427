"""The layers of a cfg that know the classes: each [yolo] or [region] with the [convolutional] in front of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from lrsched.text import plain
from lrsched.trainers.darknet.cfg import Section, with_values

__all__ = ["Head", "edited", "heads"]


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
        """The filters of the convolution in front of it; None where another kind of layer stands there."""
        return None if self.convolution is None else _number(self.convolution, "filters", 1)

    def wanted(self, classes: int) -> int:
        """The filters that so many classes need: for each of its masks, and 5 more for place and size of the box."""
        mask = self.layer.first("mask")
        boxes = len(mask.value.partition("#")[0].split(",")) if mask and mask.value else _number(self.layer, "num", 1)
        return (classes + 5) * boxes


def _number(section: Section, key: str, default: int) -> int:
    entry = section.first(key)
    match = re.match(r"\d+", entry.value or "") if entry is not None else None
    return int(match.group()) if match else default


def heads(sections: Sequence[Section]) -> tuple[Head, ...]:
    """The detection layers of a cfg, in its order."""
    return tuple(
        Head(layer, before if before.name in ("convolutional", "conv") else None)
        for before, layer in pairwise(sections)
        if layer.name in ("yolo", "region")
    )


def edited(text: str, sections: Sequence[Section], changes: Mapping[str, Any]) -> str:
    """The same cfg with other values in [net], and other ``classes`` and ``filters`` in its detection layers."""
    places: list[tuple[Section, str, str]] = []
    for key in {"classes", "filters"} & changes.keys():
        layers, value = heads(sections), changes[key]
        for head, number in zip(layers, value if isinstance(value, tuple) else (value,) * len(layers), strict=True):
            section = head.convolution if key == "filters" else head.layer
            places += [(section, key, str(number))] if section is not None else []
    lines = text.split("\n")
    # from the bottom up, so that the numbers of the lines above stay right
    for section, key, number in sorted(places, key=lambda place: -place[0].line):
        entry = section.first(key)
        if entry is None:
            lines.insert(section.line, f"{key}={number}" + "\r" * lines[section.line - 1].endswith("\r"))
        else:
            pattern = r"=([ \t]*)[^#\r]*?([ \t]*(?:#[^\r]*)?\r?)\Z"
            lines[entry.line - 1] = re.sub(pattern, rf"=\g<1>{number}\g<2>", lines[entry.line - 1])
    # a key is given once: a later line would stay as a trap
    for entry in reversed([entry for entry in sections[0].entries if entry.key in changes]):
        if changes[entry.key] is None or entry is not sections[0].first(entry.key):
            del lines[entry.line - 1]
    values = {k: plain(v) for k, v in changes.items() if v is not None and k not in ("classes", "filters")}
    return with_values("\n".join(lines), values)

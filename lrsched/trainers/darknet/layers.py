"""The layers of a cfg that know the classes: each [yolo] or [region] with the [convolutional] in front of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lrsched.text import plain
from lrsched.trainers.darknet.cfg import Entry, Section, with_values

__all__ = ["Head", "edited", "heads"]

DEFAULT_CLASSES = 20
BOX = 5
"""Numbers for each box beside those of its classes: x, y, width, height and objectness."""


@dataclass(frozen=True)
class Head:
    """A detection layer, and the convolution that has to give it as many numbers as it takes."""

    layer: Section
    convolution: Section | None

    @property
    def classes(self) -> int:
        """The classes it is written for."""
        return _number(self.layer.first("classes"), DEFAULT_CLASSES)

    @property
    def filters(self) -> int | None:
        """The filters of the convolution in front of it; None where another kind of layer stands there."""
        return None if self.convolution is None else _number(self.convolution.first("filters"), 1)

    def wanted(self, classes: int) -> int:
        """The filters that so many classes need: (classes + 5) for each of its masks."""
        mask = self.layer.first("mask")
        if mask is not None and mask.value:
            boxes = mask.value.partition("#")[0].count(",") + 1
        else:
            boxes = _number(self.layer.first("num"), 1)
        return (classes + BOX) * boxes


def _number(entry: Entry | None, default: int) -> int:
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
    for key in ("classes", "filters"):
        layers, value = heads(sections), changes.get(key, ())
        numbers = value if isinstance(value, tuple) else (value,) * len(layers)
        for head, number in zip(layers, numbers, strict=False):
            section = head.convolution if key == "filters" else head.layer
            places += [(section, key, str(number))] if section is not None else []
    lines = text.split("\n")
    # from the bottom up, so that the numbers of the lines above stay right
    for section, key, number in sorted(places, key=lambda place: -place[0].line):
        entry = section.first(key)
        if entry is None:
            carriage = "\r" if lines[section.line - 1].endswith("\r") else ""
            lines.insert(section.line, f"{key}={number}{carriage}")
        else:
            lines[entry.line - 1] = _VALUE.sub(rf"=\g<1>{number}\g<2>", lines[entry.line - 1])
    # a key is given once: a later line would stay as a trap
    net = [entry for entry in sections[0].entries if entry.key in changes]
    for entry in reversed(net):
        if changes[entry.key] is None or entry is not sections[0].first(entry.key):
            del lines[entry.line - 1]
    values = {k: plain(v) for k, v in changes.items() if v is not None and k not in ("classes", "filters")}
    return with_values("\n".join(lines), values)


_VALUE = re.compile(r"=([ \t]*)[^#\r]*?([ \t]*(?:#[^\r]*)?\r?)\Z")

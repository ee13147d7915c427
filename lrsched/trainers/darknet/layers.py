"""The layers of a cfg that know the classes: each [yolo] or [region] with the [convolutional] in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from lrsched.trainers.darknet.cfg import Section
from lrsched.trainers.darknet.numbers import c_atoi

__all__ = ["Head", "heads"]


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
    return default if entry is None or entry.value is None else c_atoi(entry.value)


def heads(sections: Sequence[Section]) -> tuple[Head, ...]:
    """The detection layers of a cfg, in its order."""
    return tuple(
        Head(layer, before if before.name in ("convolutional", "conv") else None)
        for before, layer in pairwise(sections)
        if layer.name in ("yolo", "region")
    )

"""What the tests of pictures share: they look at artists, not at pixels."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from lrsched.trainers.darknet import Net, parse_cfg


def net(text: str, dialect: str = "alexeyab") -> Net:
    """A cfg with a few keys."""
    return parse_cfg("[net]\nbatch=64\n" + text.replace(" ", "\n") + "\n", dialect)


def labels(ax: Axes) -> list[str]:
    """The labels above the panels."""
    return [text.get_text() for text in ax.texts]


def legend(ax: Axes) -> list[str]:
    """The rows of the legend, column after column."""
    return [text.get_text().replace("\n", " ") for text in legend_texts(ax)]


def legend_texts(ax: Axes) -> list[Text]:
    own = [ax.get_legend()] if ax.get_legend() else []
    return [text for one in [*own, *ax.figure.legends] if one for text in one.get_texts()]


def xy(line: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The points of a line."""
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata(), np.float64)


def spans(ax: Axes, *, hatched: bool) -> list[tuple[float, float]]:
    """The iterations that shaded, or hatched, bands cover."""
    boxes = [
        patch.get_path().transformed(patch.get_patch_transform()).get_extents()
        for patch in ax.patches
        if bool(patch.get_hatch()) == hatched
    ]
    return [(float(box.x0), float(box.x1)) for box in boxes]


def verticals(ax: Axes) -> dict[float, str]:
    """The lines that stand for an iteration in a panel, and their style."""
    lines = [(xy(line)[0], line) for line in ax.lines]
    return {float(x[0]): str(line.get_linestyle()) for x, line in lines if len(x) == 2 and x[0] == x[1]}


def assert_nothing_collides(ax: Axes) -> None:
    """No text meets another, leaves the picture or lies in a panel, and no label is struck through by a line."""
    figure = ax.figure
    figure.canvas.draw()
    texts = [*legend_texts(ax), *ax.texts, *figure.texts]
    for panel in figure.axes:
        for one in (panel, *panel.child_axes):
            for axis, (low, high) in ((one.xaxis, sorted(one.get_xlim())), (one.yaxis, sorted(one.get_ylim()))):
                ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
                texts += [axis.label, *(text for at, text in ticks if low <= at <= high)]
        texts += [text for text in panel.get_children() if isinstance(text, Text) and text not in panel.texts]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text() and text.get_visible()]
    for name, box in boxes:
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert inside, f"{name} leaves the picture"
    for (name, box), (other, meets) in combinations(boxes, 2):
        assert not box.overlaps(meets), (name, other)
    stubs = [child for child in ax.get_children() if child.__class__.__name__ == "Line2D" and child not in ax.lines]
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.y0 >= ax.bbox.y1 or ax.get_yticks().size == 0, f"{text.get_text()} lies in the panel"
        for stub in stubs:
            line = stub.get_window_extent()
            assert not (box.x0 < line.x0 < box.x1 and line.y1 > box.y0 + 1), text.get_text()

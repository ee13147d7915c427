"""Labels above a picture: which lane each takes so that none lies on another or on another's line."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lrsched.plotting.style import text_width

__all__ = ["GAP", "Mark", "Placed", "factor", "placed", "plain", "thousands"]

GAP, LANES = 3.0, 6  # points around a label; lanes at most


class Mark(NamedTuple):
    """A label over an iteration, or over those from ``begin`` on; with a line down from it where it has a style."""

    x: int
    text: str
    style: str | None = None
    begin: int | None = None


class Placed(NamedTuple):
    """A mark in its lane, 0 next to the panels; places are points from the left of the panels."""

    mark: Mark
    lane: int
    x: float
    left: float
    right: float

    def meets(self, other: "Placed") -> bool:
        """Whether the labels overlap, or the line that goes up to the higher one runs through the lower one."""
        if self.lane == other.lane:
            return self.left < other.right + 2 * GAP and other.left < self.right + 2 * GAP
        upper, lower = (self, other) if self.lane > other.lane else (other, self)
        return upper.mark.style is not None and lower.left - 1 < upper.x < lower.right + 1


def placed(
    marks: Sequence[Mark], drops: Sequence[Mark], at: Callable[[float], float], width: float, size: float
) -> list[Placed]:
    """Give lanes to as many marks as possible, and then to as many drops; ``at`` turns iterations into points."""

    def places(order: Sequence[Mark], free: Sequence[tuple[int, str]]) -> list[Placed]:
        """Each mark in turn takes the first place that is free: a lane, and centre, left or right of its line."""
        found: list[Placed] = []
        for mark in order:
            x, length = at(mark.x), text_width(mark.text, size)
            middle = (x + at(mark.x if mark.begin is None else mark.begin)) / 2
            starts = {"c": middle - length / 2, "r": x + GAP, "l": x - GAP - length}
            for lane, side in free:
                one = Placed(mark, lane, x, starts[side], starts[side] + length)
                if one.left >= -GAP and one.right <= width + GAP and not any(map(one.meets, found)):
                    found.append(one)
                    break
        return found

    lowest = [(lane, side) for lane in range(LANES) for side in "clr"]
    # labels of close drops fit where all stand on the same side of their lines, each a lane higher
    right, left = ([(lane, side) for side in sides for lane in range(LANES)] for sides in ("rlc", "lrc"))
    tries = places([*marks, *drops], lowest), places([*drops[::-1], *marks], right), places([*drops, *marks], left)
    return max(tries, key=lambda labels: (sum(one.mark in marks for one in labels), len(labels)))


def plain(text: str) -> str:
    """What can be drawn of a name: no line ends, no halves of characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def thousands(value: float, _: object = None) -> str:
    """An iteration as it stands on an axis: 400k, 1.5M; the second argument is the place of a tick."""
    for unit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.10g}{sign}"
    return f"{value:.10g}"


def factor(t: int, times: float) -> str:
    """How the rate changes at an iteration, which is written as short as it can be: 400k, 300019."""
    at = min(thousands(t), str(t), key=len)
    return f"{at} \N{MULTIPLICATION SIGN}{times:.3g}" if abs(times) < float("inf") else f"{at} from 0"

"""The points of a curve: few enough to draw, with every spike and every drop among them. Nothing here draws."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import Schedule

__all__ = ["RATE", "Floats", "Points", "broken", "curve", "finite", "medians", "panel_of", "thinned"]

Floats: TypeAlias = NDArray[np.float64]
Points: TypeAlias = tuple[NDArray[Any], Floats]

RATE = "learning rate"
OTHERS = ("momentum", "beta", "accumulate", "weight decay", "weight_decay")  # scheduled, but not rates

COLUMNS = 2048  # more than a picture has pixels across
MOST = 2**21  # up to so many iterations every rate is evaluated, of a longer run so many
MOST_PIECES = 2**15  # of a schedule with more the pieces are not looked at
LARGEST = 1e300  # what is larger is left out of a picture, like infinity
GOLDEN = 0.6180339887498949


def curve(schedule: Schedule, first: int, last: int, width: int = COLUMNS) -> Points:
    """Iterations of ``first..last``, ascending, that draw a schedule when joined by lines, and their rates.

    Each of ``width`` columns keeps its first, lowest, highest and last rate, so that no spike is lost (with more pieces
    than columns the lowest and the highest), and each milestone (of fewer than ``width``) stands beside the iteration
    before it. NaN is what no axis can show. A schedule that knows its pieces is evaluated at their ends and at those of
    the columns; any other at every iteration, or at 2**21 of more, unevenly spread.

    >>> from lrsched.trainers.darknet import Steps
    >>> iterations, rates = curve(Steps(learning_rate=0.1, steps=(400_000,), scales=(0.1,)), 0, 500_000)
    >>> [t for t, rate, after in zip(iterations.tolist(), rates, rates[1:]) if rate != after]
    [399999]

    Raises:
        ValueError: for a range that is empty or not of iterations, or a width under 1.
    """
    if not 0 <= first <= last or width < 1:
        raise ValueError(f"first must be from 0 to last, and width at least 1, got {first}, {last} and {width}")
    bends = np.array(list(islice(schedule.milestones(first, last), width)), np.int64)
    bends = bends[: 0 if bends.size == width else None]  # of so many the columns show as much
    beside = np.clip(np.concatenate([np.array([first, last]), bends - 1, bends]), first, last)
    size = last - first + 1
    if size > 4 * width and (ends := _ends(schedule, first, last)) is not None:
        return _monotone(schedule, ends, beside, first, size, width)
    if size <= MOST:
        rates = schedule.rates(first, last + 1)
        kept = np.union1d(_extremes(rates, width), beside - first)
        return kept + first, finite(rates[kept])
    # uneven steps, so that a period of the schedule cannot hide between them
    steps = np.arange(MOST)
    spread = first + ((steps + np.modf(steps * GOLDEN)[0]) * (size / MOST)).astype(np.int64)
    chosen = np.union1d(spread[_extremes(np.asarray(schedule(spread)), width)], beside)
    return chosen, finite(schedule(chosen))


def _ends(schedule: Schedule, first: int, last: int) -> NDArray[np.int64] | None:
    """The ends of the pieces of a schedule, over which it has one direction; None where they are not known, or many."""
    pieces = schedule.pieces(first, last)
    if pieces is None or sum(piece.repeats for piece in pieces) > MOST_PIECES:
        return None
    repeats = np.array([piece.repeats for piece in pieces])
    begins, ends = (np.repeat([getattr(piece, name) for piece in pieces], repeats) for name in ("first", "last"))
    turn = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    shift = turn * (ends - begins + 1)
    around = np.array([[0], [1]])  # beside each end, too: a sign that alternates shows there
    return np.clip(np.ravel([begins + shift + around, ends + shift - around]), first, last)


def _monotone(
    schedule: Schedule, ends: NDArray[np.int64], beside: NDArray[np.int64], first: int, size: int, width: int
) -> Points:
    """The points of every column, where the rate has one direction between ``ends``; those ``beside`` are all kept."""
    edges = first + np.arange(width, dtype=np.int64) * size // width
    t = np.unique(np.concatenate([ends, beside, edges, edges[1:] - 1]))
    rates = finite(schedule(t))
    starts = np.searchsorted(t, edges)
    column = np.repeat(np.arange(width), np.diff(starts, append=t.size))
    order = np.lexsort((rates, column))  # NaN last
    known = np.maximum(np.add.reduceat(~np.isnan(rates), starts) - 1, 0)
    places = [order[starts], order[starts + known]]
    if ends.size <= 4 * width:  # where a column has several pieces they are one block from its lowest to its highest
        places += [starts, np.append(starts[1:], t.size) - 1]
    kept = np.unique(np.concatenate([*places, np.searchsorted(t, beside)]))
    return t[kept], rates[kept]


def thinned(x: NDArray[Any], y: Floats, width: int) -> Points:
    """At most four points of every column: the first, the lowest, the highest, the last."""
    kept = _extremes(y, width)
    return x[kept], y[kept]


def _extremes(y: NDArray[Any], width: int) -> NDArray[np.int64]:
    """The places of the first, lowest, highest and last value of every column."""
    if y.size <= 4 * width:
        return np.arange(y.size)
    length = y.size // width  # under one more column is left over, and kept as it is
    whole = y.size // length * length
    rows, starts = y[:whole].reshape(-1, length), np.arange(0, whole, length)
    # argmin and argmax would stop at the first NaN
    lowest, highest = np.fmin(rows, np.inf).argmin(1), np.fmax(rows, -np.inf).argmax(1)
    ends = starts + length - 1
    return np.unique(np.concatenate([starts, starts + lowest, starts + highest, ends, np.arange(whole, y.size)]))


def finite(values: NDArray[Any]) -> Floats:
    """The values with NaN for what no axis can show."""
    known = np.asarray(values, np.float64)
    return np.where(np.abs(known) < LARGEST, known, np.nan)


def medians(groups: NDArray[np.int64], values: NDArray[Any]) -> Floats:
    """The lower median of every group, numbered from 0; NaN for a group without numbers.

    >>> medians(np.arange(6) // 3, np.array([1.0, 99.0, 2.0, np.nan, np.nan, np.nan])).tolist()
    [2.0, nan]
    """
    known = ~np.isnan(values)
    order = np.lexsort((values[known], groups[known]))
    edges = np.searchsorted(groups[known][order], np.arange(groups.max(initial=-1) + 2))
    found, some = np.full(edges.size - 1, np.nan), np.diff(edges) > 0
    found[some] = values[known][order[((edges[:-1] + edges[1:] - 1) // 2)[some]]]
    return found


def broken(x: NDArray[Any], y: Floats, gaps: Sequence[tuple[int, int]]) -> Points:
    """The curve with a NaN in every gap, so that no line is drawn across it."""
    ends = [last for _, last in gaps]
    at = np.searchsorted(x, ends)
    return np.insert(x, at, ends), np.insert(y, at, np.nan)


def panel_of(name: str) -> str:
    """The panel that a schedule of a run belongs to, by its name."""
    return name if name.lower().startswith(OTHERS) else RATE

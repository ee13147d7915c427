"""Logs that show no decay: rates that still rise when the log ends, and rates on a few straight lines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lrsched.fitting.forms import Guess
from lrsched.fitting.observed import Observed, slopes
from lrsched.fitting.shape import rises_as
from lrsched.fitting.simplicity import short_decimal
from lrsched.schedule import Schedule
from lrsched.schedules import wellknown

__all__ = ["lines", "rising"]


def rising(rows: Observed) -> Iterator[Guess]:
    """Rates that only rise: the peak is not reached, and only how they rise is known."""
    k = rows.step.astype(np.float64)
    if len(k) < 3 or k[-1] == k[0]:
        return
    from_nothing = (("linear", k, 0), ("linear", k + 1, 1), ("quadratic", k * k, 0), ("logarithmic", np.log1p(k), 0))
    for form, way, ahead in from_nothing:
        bounds = slopes(way, rows.low, rows.high)
        if bounds is not None and bounds[0] > 0:
            slope = short_decimal(*bounds)
            yield _risen(rows, form, slope, slope * ahead)
            return
    for form in ("linear", "quadratic", "logarithmic"):
        (initial, slope), error = rises_as(form, rows)
        if error <= 1.02 and slope > 0 and initial > -1e-9 * rows.rate[-1]:
            yield _risen(rows, form, float(slope), max(float(initial), 0.0))
            return


def _risen(rows: Observed, form: str, slope: float, initial: float) -> Guess:
    length = max(rows.horizon or 0, int(rows.step[-1]), 1)
    way = {"linear": length, "quadratic": length**2, "logarithmic": math.log(max(length, 2))}[form]
    kind: Any = form

    def curve(tilt: float, begin: float) -> Schedule:
        return wellknown.warmup(length, peak=begin + tilt * way, initial=begin, form=kind)

    slope = _simplest(slope, lambda tilt: int(rows.matches(curve(tilt, initial)(rows.step)).sum()))
    if initial:
        initial = _simplest(initial, lambda begin: int(rows.matches(curve(slope, begin)(rows.step)).sum()), 0.2)
    parameters: dict[str, Any] = {"slope": slope} | ({"initial": initial} if initial else {})
    parameters |= {} if form == "linear" else {"rise": form}
    return Guess(
        curve=curve(slope, initial),
        family="warmup",
        parameters=parameters,
        open={"peak": "the log ends within the warm-up, which shows only its slope"},
    )


def _simplest(value: float, matches: Callable[[float], int], close: float = 2e-3) -> float:
    """The number with the fewest digits near a value that explains most rows."""
    tried = [value]
    for places in range(12):
        rounded = float(f"{value:.{places}e}")
        if rounded and abs(rounded - value) <= close * abs(value):
            tried.append(rounded)
    counts = [matches(one) for one in tried]
    plain = [one for one, count in zip(tried[1:], counts[1:], strict=True) if count == max(counts)]
    return plain[0] if plain else value


def lines(rows: Observed) -> Iterator[Guess]:
    """Up to four straight lines that meet at whole steps, for rates that are printed with all their digits."""
    k, y = rows.step.astype(np.float64), rows.rate
    if len(k) < 6 or not rows.exact:
        return
    slopes = np.diff(y) / np.diff(k)
    same = np.abs(np.diff(slopes)) <= 1e-6 * np.abs(slopes).max()
    starts = np.flatnonzero(same & ~np.concatenate([[False], same[:-1]]))
    if not 2 <= len(starts) <= 4:
        return
    ends = [int(start + np.argmin(np.append(same[start:], False))) + 1 for start in starts]
    found = []
    for start, end in zip(starts, ends, strict=True):
        slope = float((y[end] - y[start]) / (k[end] - k[start]))
        found.append((slope, float(y[start] - slope * k[start])))
    if any(one[0] == other[0] for one, other in itertools.pairwise(found)):
        return
    corners = [0.0, *((b - d) / (c - a) for (a, b), (c, d) in itertools.pairwise(found)), k[-1]]
    at = [round(corner) for corner in corners]
    if any(abs(one - two) > 0.01 for one, two in zip(corners, at, strict=True)) or at != sorted(set(at)):
        return
    rates = [found[0][1], *(slope * end + base for (slope, base), end in zip(found, at[1:], strict=True))]
    if min(rates) < 0:
        return
    plain = [float(f"{rate:.9e}") for rate in rates]
    yield from _one_cycle(at, plain, found[-1][0])
    yield Guess(
        curve=wellknown.table(at, plain),
        family="piecewise-linear",
        parameters={"peak": max(plain), "warmup": at[int(np.argmax(rates))], "steps": at, "rates": plain},
        open={"horizon": "the log ends on the last of the straight lines"},
    )


def _one_cycle(at: list[int], rates: list[float], slope: float) -> Iterator[Guess]:
    """Up, down as fast, then on to a 10 000th of the first rate: torch's OneCycleLR with three phases."""
    if len(at) != 4 or at[2] != 2 * at[1] or not math.isclose(rates[0], rates[2], rel_tol=1e-6) or slope >= 0:
        return
    initial, peak, final = rates[0], rates[1], float(f"{rates[0] / 1e4:.9e}")
    horizon = at[2] + (final - rates[2]) / slope
    if horizon < at[3] - 0.01 or abs(horizon - round(horizon)) > 0.01:
        return
    times = {"warmup": at[1], "horizon": round(horizon)}
    yield Guess(
        curve=wellknown.table([0, at[1], at[2], round(horizon)], [initial, peak, initial, final]),
        family="one-cycle",
        parameters={"peak": peak, **times, "initial": initial, "final": final},
    )

"""Rates on a few straight lines, as of torch's OneCycleLR with three phases."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from lrsched.fitting.forms import Guess
from lrsched.fitting.observed import Observed
from lrsched.schedules import wellknown

__all__ = ["lines"]


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

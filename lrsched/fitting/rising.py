"""Logs that end within a warm-up: the peak is not reached, and only how the rate rises is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lrsched.fitting.forms import Guess
from lrsched.fitting.observed import Observed
from lrsched.fitting.shape import rises_as
from lrsched.fitting.simplicity import short_decimal
from lrsched.fitting.solving import slopes
from lrsched.schedule import Schedule
from lrsched.schedules import wellknown

__all__ = ["rising"]

OPEN = {"peak": "the log ends within the warm-up, which shows only its slope"}


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
    return Guess(curve=curve(slope, initial), family="warmup", parameters=parameters, open=OPEN)


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

"""Where the search for an unknown cfg begins: its learning rate and its burn-in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lrsched.logs.fits import POWERS, line, ramps, short_decimal
from lrsched.logs.printed import Observed, rate_at
from lrsched.trainers.darknet import Dialect, Net

__all__ = ["starts"]

USUAL_RATES = (0.001, 0.00261, 0.01, 0.1, 0.0001, 0.002, 0.005, 0.013, 0.0005, 0.025, 0.05)
"""Learning rates that are assumed, the most common first, where a log shows nothing but a burn-in."""

MOST_RAMPS = 40
"""So many lengths of a burn-in are tried."""


def starts(
    observed: Observed, dialect: Dialect, ngpus: int, printed_rate: float | None
) -> Iterator[tuple[Net, tuple[str, ...]]]:
    """Cfgs with a learning rate and a burn-in, the likeliest first."""
    seen = observed.part(np.isfinite(observed.units))
    if not len(seen):
        return
    ordered = seen.part(np.argsort(rate_at(seen.iteration, ngpus, dialect), kind="stable"))
    factor = ngpus if dialect.gpus_multiply_rate else 1
    ramp = _ramp(ordered)
    all_ramp = ramp is not None and len(ramp) >= len(ordered) - 1
    blind = not ordered.units.any()
    assumed = printed_rate is None and (all_ramp or blind)
    if printed_rate is not None:
        rates = [printed_rate]
    elif assumed:
        rates = [usual * factor for usual in USUAL_RATES]
    else:
        rates = list(dict.fromkeys(_rates(ordered, ramp)))
    for rate in rates:
        net = Net(learning_rate=float(f"{rate / factor:.7g}"), dialect=dialect)
        notes = (f"learning_rate is not seen by itself: {net.learning_rate:g} is assumed",) if assumed else ()
        if ramp is not None and len(ramp):
            whole = ordered if all_ramp else ramp
            for power in dict.fromkeys(POWERS):
                for fit in itertools.islice(ramps(whole, replace(net, power=power), ngpus), MOST_RAMPS):
                    if ramp.explained_by(fit.net, ngpus):
                        wide = _widest(whole, fit.net, ngpus)
                        said = (
                            *notes,
                            *wide,
                            *(() if power != 4 or not _few(ramp) else ("the power of the burn-in is assumed to be 4",)),
                        )
                        yield fit.net, said
        if blind:
            length = 1000 if int(ordered.iteration[-1]) < 117 else 10 * int(ordered.iteration[-1])
            yield (
                replace(net, burn_in=length),
                (
                    *notes,
                    f"every rate is printed as 0: a burn-in of {length} is assumed",
                ),
            )
        yield net, notes


def _few(ramp: Observed) -> bool:
    """Whether so few different rates of the burn-in are seen that its power is a guess."""
    return len(np.unique(ramp.units)) < 5


def _widest(ramp: Observed, net: Net, ngpus: int) -> tuple[str, ...]:
    """Say between which lengths the burn-in may lie."""

    def fits(length: int) -> bool:
        return ramp.explained_by(replace(net, burn_in=length), ngpus)

    def edge(sign: int) -> int:
        good, step = 0, 1
        while step < net.burn_in and fits(net.burn_in + sign * (good + step)):
            good, step = good + step, step * 2
        while step:
            if good + step < net.burn_in and fits(net.burn_in + sign * (good + step)):
                good += step
            step //= 2
        return net.burn_in + sign * good

    low, high = max(edge(-1), int(ramp.iteration.max()) + 1), edge(1)
    if low >= high:
        return ()
    return (f"burn_in may be anything from {low} to {high} as far as its own iterations tell",)


def _ramp(ordered: Observed) -> Observed | None:
    """The records before the largest rate, where these only rise."""
    units = ordered.units
    if not len(units) or np.isnan(units).any():
        return None
    top = int(np.argmax(units))
    if top == 0 or (np.diff(units[: top + 1]) < 0).any():
        return None
    return ordered.part(slice(0, top))


def _rates(ordered: Observed, ramp: Observed | None) -> Iterator[float]:
    """Learning rates that a log without a header may have had, GPU factor included."""
    top = ordered.part(np.array([ordered.units.argmax()], np.int64))
    highest = short_decimal(float(top.low[0]), float(top.high[0]))
    yield highest
    first = ordered.part(slice(0, 1))
    if first.units[0] > 0:
        yield short_decimal(float(first.low[0]), float(first.high[0]))
    rest = ordered.part(slice(len(ramp) + 1 if ramp is not None else 0, None)).sample()
    rest = rest.part(rest.units > min(20, float(rest.units.max(initial=0)) / 4))
    if len(np.unique(rest.iteration)) > 2:
        rate = rest.units / 10.0**rest.decimals
        for power in POWERS[:6]:
            slope, offset = line(rest.iteration, rate ** (1 / power))
            if offset > 0 > slope:
                yield from _short(offset**power)
        yield from _short(highest)
        yield from _short(math.exp(min(line(rest.iteration, np.log(rate))[1], 50.0)))


def _short(near: float) -> Iterator[float]:
    for digits in (0, 1, 2):
        short = float(f"{near:.{digits}e}")
        if near and abs(short / near - 1) < 0.01:
            yield short

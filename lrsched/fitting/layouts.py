"""Which curves the rows allow, the usual ones first: forms, and for each the times that are worth trying."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import numpy as np

from lrsched.fitting.forms import Form
from lrsched.fitting.observed import sampled
from lrsched.fitting.shape import Shape
from lrsched.fitting.simplicity import few, near, roundness, short_decimal
from lrsched.fitting.solving import Band, solved
from lrsched.schedule import Floats

__all__ = ["DECAYS", "MOST_CYCLES", "MOST_TIMES", "RISES", "SHARES", "Times", "layouts", "thinned"]

MOST_TIMES = 3000  # so many combinations of warm-up, origin and horizon are tried with a form
MOST_CYCLES = 10  # more restarts are not looked for
SHARES = (1e-3, 1e-2, 0.1, 1 / 3, 1e-6, 1e-4, 0.5)  # usual initial rates, as shares of the peak
SHARE_UP = (0.3, 0.25, 0.1, 0.2, 0.4, 0.5, 0.05, 0.15)  # of a run in which torch's OneCycleLR rises, and a step more
POWERS = (2.0, 0.9, 0.5, 1.5, 3.0, 4.0)  # exponents of polynomial decays
DECAYS = (("linear", 1.0), ("cosine", 1.0), *(("polynomial", power) for power in POWERS))
# where the rows leave it open, the usual ones first
RISES = ("linear", "from one", "quadratic", "cosine", "logarithmic", "constant", "exponential")

Times: TypeAlias = tuple[Any, Any, int]
"""Warm-up, origin and horizon; torch's OneCycleLR has its peak between two steps."""

T = TypeVar("T")

Group: TypeAlias = tuple[Form, list[Times]]
"""A form, and the times to try with it."""


def layouts(shape: Shape) -> Iterator[Group]:
    """Forms to try, the usual ones first, and which times they may have."""
    falling = len(shape.falling) >= 3
    ends = {each: found for each in DECAYS if (found := _ends(shape, *each))} if falling else {}
    for rise in _rises(shape):
        if ("cosine", 1.0) in ends and (shape.jumps or shape.rows.horizon is not None):
            yield from _restarts(shape, replace(rise, decay="cosine"))
        if shape.jumps:  # nothing else rises again
            continue
        if shape.flat > shape.top:
            yield from _flat(shape, rise)
        for (decay, power), horizons in ends.items():
            yield from _falling(shape, replace(rise, decay=decay, power=power), horizons)
        if falling and shape.inverse_sqrt.error <= shape.tolerance:
            yield replace(rise, decay="inverse-sqrt"), _timescales(shape)
        yield from _exponential(shape, replace(rise, decay="exponential"))


def _rises(shape: Shape) -> list[Form]:
    """The ways to rise that the rows of the warm-up allow."""
    found: list[Form] = []
    for name in shape.rises or (RISES if shape.top else ("linear",)):
        form = Form(decay="", rise=name)
        if name == "linear" and shape.top and shape.rises:
            found.append(replace(form, rise="from one"))
        if name != "exponential":
            found.insert(0 if name == "linear" else len(found), form)
            continue
        found += [replace(form, ratio=share) for share in SHARES]
    return found


def _timescales(shape: Shape) -> list[Times]:
    """Times of a decay with the inverse of the square root of the steps, counted from 0 or from further back."""
    band = shape.inverse_sqrt
    if band.low <= 0.5 and band.high >= -0.5:
        return [(w, w, w) for w in shape.lengths if w > 0]
    starts = thinned(shape.lengths, 50)
    return [(w, w, w + ahead) for ahead in few(band, MOST_TIMES // len(starts)) for w in starts if w + ahead > 0]


def _flat(shape: Shape, rise: Form) -> Iterator[Group]:
    """Forms that stay at the peak, for ever or until a decay begins."""
    starts = [(w, w, w) for w in shape.lengths]
    if not len(shape.falling):
        yield replace(rise, decay="constant"), starts
        return
    plainest = _possible(shape, replace(rise, decay="constant"), starts)
    for decay in ("linear", "cosine", "root"):
        yield replace(rise, decay=decay), _stable_times(shape, decay, plainest)


def _falling(shape: Shape, form: Form, horizons: list[int]) -> Iterator[Group]:
    """Forms whose decay begins where the warm-up ends, one step later, or long before."""
    begin: Iterable[int] = shape.lengths
    if form.decay == "cosine":
        begin = dict.fromkeys([*few(shape.half_wave[0], 30), *begin])
    starts = [w for w in begin if w >= 0]
    own = [h for h in horizons if shape.rows.horizon is not None and abs(h - shape.rows.horizon) <= 1]
    others = [h for h in horizons if h not in own]
    more, fewer = thinned(starts, MOST_TIMES // 3), thinned(starts, MOST_TIMES // max(len(others), 1))
    pairs = [(w, h) for h in own for w in more if w < h] + [(w, h) for h in others for w in fewer if w < h]
    if shape.top and form.rise == form.decay and (shape.rows.exact or form.decay == "cosine"):
        parts = [(share * (h + 1) - 1, h) for h in horizons for share in SHARE_UP]
        low, high = min(shape.lengths), max(shape.lengths)
        yield form, [(w, w, h) for w, h in parts if low - 1 < w < high + 1 and w % 1]
    yield form, [(w, w, h) for w, h in pairs]
    if shape.top:
        if form.decay != "polynomial":
            yield form, [(w, w + 1, h) for w, h in pairs]
        yield form, [(w, 0, h) for w, h in pairs if w]
        if form.rise == "linear":
            yield replace(form, aims=True), [(w, 0, h) for w, h in pairs if w]


def thinned(values: Sequence[T], most: int, *, first: int = 3, zeros: Callable[[Any], int] = roundness) -> list[T]:
    """About so many of some values: the first, the roundest, and some of all."""
    if len(values) <= most:
        return list(values)
    spread = [values[at] for at in sampled(len(values), most // 2)]
    return list(dict.fromkeys([*values[:first], *sorted(values, key=lambda n: -zeros(n))[: most // 3], *spread]))


def _exponential(shape: Shape, form: Form) -> Iterator[Group]:
    rows = shape.falling.rows(shape.falling.rate > 3 * shape.falling.slack)
    if len(rows) < 3:
        return
    steps = (rows.step[1:] - rows.step[0]).astype(np.float64)
    low = float(((rows.low[1:] / rows.high[0]) ** (1 / steps)).max())
    high = float(((rows.high[1:] / rows.low[0]) ** (1 / steps)).min())
    if low <= high * (1 + 1e-12) and low < 1:
        found = replace(form, factor=short_decimal(low, high))
        yield found, [(w, o, 0) for w in shape.lengths for o in dict.fromkeys((w, 0))]


def _restarts(shape: Shape, rise: Form) -> Iterator[Group]:
    """Cosines that are repeated: each begins between two rows, or where the trainer's own horizon leads to."""
    horizon, rows = shape.rows.horizon, shape.rows.rows(slice(shape.flat, None))
    origin, end = (band.best for band in shape.half_wave)
    starts = [w for w in dict.fromkeys([*near(origin), *thinned(shape.lengths, 60)]) if w >= 0]
    if shape.jumps and horizon is not None:
        yield replace(rise, again=True), [(w, w, horizon) for w in starts if w < horizon]
    again = rows.rises
    low, high, count = rows.step[again], rows.step[again + 1], np.arange(1, len(again) + 1)
    if not len(again):  # the log ends before the first of them
        cycles = round(((horizon or 0) - origin) / max(end - origin, 1.0))
        fast = round((horizon or 0) / max(end, 1.0))  # as likely a clock that is so many times as fast
        if 2 <= cycles <= MOST_CYCLES and abs(fast * end - (horizon or 0)) > fast:
            yield replace(rise, cycles=cycles), [(w, w, horizon or 0) for w in starts]
        return
    for cycles in range(len(again) + 1, len(again) + 2 if horizon is None else MOST_CYCLES + 1):
        times = []
        for w in starts:
            first, last = (w + cycles * float(one) for one in (((low - w) / count).max(), ((high - w) / count).min()))
            about = w + cycles * (end - origin)
            some = few(Band(min(max(about, first), last), first, last), 60) if first <= last else []
            times += [(w, w, h) for h in some if w < h and (horizon is None or abs(h - horizon) <= 1)]
        yield replace(rise, cycles=cycles), times


def _ends(shape: Shape, decay: str, power: float) -> list[int]:
    """The horizons to try for a decay: the trainer's own, and where the rates themselves lead to; none if nowhere."""
    if decay == "cosine":
        bands = [shape.half_wave[1]]
    else:
        bands = [shape.zero(power, final) for final in (False, True)[: 1 + (power != 1 or shape.ends)]]
    bands = [band for band in bands if band.error <= shape.tolerance]
    found = [h for band in bands if 0 < band.best < 1e10 for h in few(band, 60)]
    if decay == "linear" and not shape.ends and shape.straight:
        found.append(int(shape.rows.step[-1]))
    known = list(near(shape.rows.horizon)) if shape.rows.horizon is not None and found else []
    return list(dict.fromkeys(h for h in [*known, *found] if h > 0))


def _stable_times(shape: Shape, decay: str, lengths: list[int]) -> list[Times]:
    """Times of a curve that stays at the peak until a decay begins between two rows."""
    k, flat, rows = shape.rows.step, shape.flat, shape.falling
    slope = (rows.rate[0] - rows.rate[-1]) / max(int(rows.step[-1] - rows.step[0]), 1)
    blurred = math.ceil(2 * rows.slack[0] / slope) if slope > 0 and not shape.rows.exact else 0
    gap = few(Band(int(k[flat]), max(int(k[flat]) - blurred, 0), int(k[flat + 1]) - 1), 200)
    if decay == "cosine" and len(rows) > 4:
        gap = few(shape.half_wave[0], 60)
        pairs = [(o, h) for h in few(shape.half_wave[1], 40) for o in gap]
    elif decay == "root":
        pairs = []
        for o in gap:
            way = np.sqrt(np.maximum(rows.step - o, 0.0))
            (peak, slope), _ = (found[0] for found in solved(np.stack([np.ones_like(way), -way], -1)[None], rows))
            if 0 < slope < peak < 1e5 * slope:
                pairs += [(o, h) for h in near(o + (peak / slope) ** 2)]
    elif len(rows) > 1:
        pairs = [(o, h) for h in few(shape.zero(1.0, final=shape.ends), 40) for o in gap]
    else:
        pairs = []
    if decay != "cosine" and not shape.ends:
        pairs += [(o, int(k[-1])) for o in gap]
    if shape.rows.horizon is not None:
        pairs = [(o, h) for h in near(shape.rows.horizon) for o in gap] + pairs
    return [(w, o, h) for w in lengths for o, h in pairs if w < o < h < 1e10]


def _possible(shape: Shape, form: Form, times: list[Times], most: int = 3) -> list[int]:
    """A few of the warm-ups that explain the rows up to the end of the peak, the plainest."""
    rates, fits = warmups(shape, form, times)
    plain = {
        w: any(abs(i / p - share) < 1e-3 * share for share in SHARES) for w, (p, i) in zip(fits, rates, strict=True)
    }
    return sorted(fits, key=lambda w: (not plain[w], -roundness(w), w))[:most]


def warmups(shape: Shape, form: Form, times: list[Times]) -> tuple[Floats, list[int]]:
    """The warm-ups that explain the rows up to the end of the peak, with the peak and the initial rate of each."""
    rows = shape.rows.rows(slice(0, shape.flat + 1))
    sample = rows.sample(40, shape.top)
    columns = form.columns(sample.step, times)
    for unknown in ([0], [0, 2]):
        rates, errors = solved(columns[:, :, unknown], sample)
        at = np.flatnonzero((errors <= 1.05) & (rates[:, -1] >= 0) & (rates[:, -1] <= rates[:, 0]))
        if len(at):
            return np.pad(rates[at], ((0, 0), (0, 2 - len(unknown)))), [times[one][0] for one in at]
    return np.empty((0, 2)), []

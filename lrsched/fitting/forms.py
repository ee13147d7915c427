"""Curves that trainers draw: a warm-up, a stretch at the peak, a decay, all of them linear in the rates.

A form fixes the times of a curve. Its rates are then a sum ``peak * u + final * v + initial * w`` of three known
columns: a few rows give the three rates, and all rows prove them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsched.schedule import Floats, Iterations, Schedule
from lrsched.schedules import wellknown
from lrsched.schedules.combinators import repeated

__all__ = ["DECAYS", "RISES", "Form"]

DECAYS: dict[str, Callable[[Floats, float], Floats]] = {
    "constant": lambda x, power: np.ones_like(x),
    "linear": lambda x, power: 1 - x,
    "cosine": lambda x, power: 0.5 * (1 + np.cos(np.pi * x)),
    "root": lambda x, power: 1 - np.sqrt(x),
    "polynomial": lambda x, power: (1 - x) ** power,
}
"""The share of the way from the final rate to the peak that is left when a share x of the decay is over."""

RISES: dict[str, Callable[[Floats, Any], Floats]] = {
    "linear": lambda q, length: q,
    "constant": lambda q, length: np.floor(q),
    "quadratic": lambda q, length: q * q,
    "cosine": lambda q, length: 0.5 * (1 - np.cos(np.pi * q)),
    "logarithmic": lambda q, length: np.minimum(np.log(q * length + 1) / np.log(np.maximum(length, 2)), 1.0),
}
"""The share of the way from the initial rate to the peak that is done after a share q of the warm-up."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """The times of a curve.

    Attributes:
        decay: a name of ``DECAYS``.
        horizon: the step at which the final rate is reached.
        warmup: the steps of the warm-up.
        origin: the step at which the decay begins; before it, and after the warm-up, the rate stays at the peak.
        rise: a name of ``RISES``.
        early: whether the warm-up reaches the peak one step before it ends.
        aims: where the decay begins before the warm-up ends: whether the warm-up leads to what the decay has there.
        power: the exponent of a polynomial.
        cycles: how often the decay is repeated on the way to the horizon.
    """

    decay: str
    horizon: int = 0
    warmup: int = 0
    origin: int = 0
    rise: str = "linear"
    early: bool = False
    aims: bool = False
    power: float = 1.0
    cycles: int = 1

    def columns(self, k: Iterations, times: Any = None) -> Floats:
        """What the peak, the final and the initial rate are multiplied by at each step: three columns.

        ``times`` may have many rows of warm-up, origin and horizon: one set of columns each.
        """
        given = np.array([[self.warmup, self.origin, self.horizon]]) if times is None else np.asarray(times)
        warmup, origin, horizon = (given[:, [i]] for i in range(3))
        left = self._left(k, origin, horizon)
        length = np.maximum(warmup - self.early, 1)
        rising = k < warmup
        q = np.where(rising, RISES[self.rise](np.clip(k / length, 0, 1), length), 1.0)
        goal = self._left(warmup, origin, horizon) if self.aims else 1.0
        u = np.where(rising, q * goal, left)
        v = np.where(rising, q * (1 - goal), 1 - left)
        columns = np.stack([u, v, np.where(rising, 1 - q, 0.0)], axis=-1)
        return columns[0] if times is None else columns

    def _left(self, k: Any, origin: Any, horizon: Any) -> Floats:
        x = np.clip((k - origin) / np.maximum(horizon - origin, 1), 0, 1)
        if self.cycles > 1:
            x = np.where(x < 1, (x * self.cycles) % 1.0, 1.0)
        return DECAYS[self.decay](x, self.power)

    @property
    def family(self) -> str:
        """The name of the curve in the words of the field."""
        if self.cycles > 1:
            return "cosine-with-restarts"
        if self.origin > self.warmup and self.decay != "constant":
            return "warmup-stable-decay"
        if self.decay == "cosine" and self.rise == "cosine":
            return "one-cycle"
        return self.decay

    def schedule(self, peak: float, final: float, initial: float) -> Schedule:
        """The named schedule with these rates."""
        warmup, length = self.warmup, self.horizon - self.origin
        rates: dict[str, Any] = {"peak": peak, "horizon": length} | ({"final": final} if final else {})
        if self.decay == "polynomial":
            rates["power"] = self.power
        plain = self.rise == "linear" and not self.early and self.cycles == 1
        start: dict[str, Any] = ({"warmup": warmup} | ({"initial": initial} if initial else {})) if warmup else {}
        if self.decay == "constant":
            main: Schedule = wellknown.constant(peak)
        elif self.decay == "root":
            main = wellknown.warmup_stable_decay(**rates, decay=length, form="root")
        elif plain and self.origin == warmup:
            decay: Callable[..., Schedule] = getattr(wellknown, self.decay)
            return decay(**rates | {"horizon": self.horizon}, **start)
        elif plain and self.origin > warmup and self.decay in ("linear", "cosine"):
            form: dict[str, Any] = {} if self.decay == "linear" else {"form": self.decay}
            return wellknown.warmup_stable_decay(**rates | {"horizon": self.horizon}, **start, decay=length, **form)
        elif self.family == "one-cycle" and self.origin == warmup:
            return wellknown.one_cycle(peak=peak, horizon=self.horizon, final=final, warmup=warmup, initial=initial)
        elif self.cycles > 1 and length % self.cycles == 0:
            period = length // self.cycles
            main = repeated(
                getattr(wellknown, self.decay)(**rates | {"horizon": period}), period=period, times=self.cycles
            )
        else:
            main = getattr(wellknown, self.decay)(**rates)
        if self.origin > warmup:
            main = wellknown.constant(peak).then(main, at=self.origin - warmup)
        if not warmup:
            return main
        goal = float(main(warmup - self.origin)) if self.aims else peak
        rise = self._rise(initial, goal, warmup - self.early)
        return rise.then(main, at=warmup, count_from="zero" if self.origin < warmup else "boundary")

    def _rise(self, initial: float, goal: float, length: int) -> Schedule:
        if self.rise == "linear" and length:
            return wellknown.warmup(length, peak=goal, **({"initial": initial} if initial else {}))
        if self.rise == "constant" or not length:
            return wellknown.constant(initial if length else goal)
        at = list(range(length + 1))
        shares = RISES[self.rise](np.arange(length + 1) / length, np.array(length))
        return wellknown.table(at, [float(initial + (goal - initial) * share) for share in shares])


def sampled(count: int, most: int, *near: int) -> Any:
    """At most so many of ``count`` rows, spread over all, and those near the given ones."""
    spread = np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)
    close = [at + by for at in near for by in (-2, -1, 0, 1, 2) if 0 <= at + by < count]
    return np.unique(np.concatenate([spread, np.array(close, np.int64)]))

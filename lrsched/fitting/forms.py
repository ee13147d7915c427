"""Curves that trainers draw: a warm-up, a stretch at the peak, a decay, all of them linear in the rates.

A form fixes the times of a curve. Its rates are then a sum ``peak * u + final * v + initial * w`` of three known
columns: a few rows give the three rates, and all rows prove them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lrsched.fitting.simplicity import cost
from lrsched.schedule import Floats, Iterations, Schedule
from lrsched.schedules import wellknown
from lrsched.schedules.combinators import clocked, repeated, shifted

__all__ = ["DECAYS", "ENDLESS", "RISES", "Form", "Guess"]

ENDLESS = ("constant", "inverse-sqrt", "exponential")  # decays that reach no final rate

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
    "from one": lambda q, length: q + 1 / length,
    "constant": lambda q, length: np.floor(q),
    "quadratic": lambda q, length: q * q,
    "cosine": lambda q, length: 0.5 * (1 - np.cos(np.pi * q)),
    "logarithmic": lambda q, length: np.minimum(np.log(q * length + 1) / np.log(np.maximum(length, 2)), 1.0),
}
"""The share of the way from the initial rate to the peak that is done after a share q of the warm-up."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A curve by its own count of steps, with the words for it."""

    curve: Schedule
    family: str  # the name of the curve
    parameters: Mapping[str, Any]  # what defines it, in steps and rates
    open: Mapping[str, str] = field(default_factory=dict)  # what the log leaves undetermined, each with the reason
    unusual: int = 0  # how much about it is odd

    @property
    def cost(self) -> int:
        """How much has to be said to name it."""
        return cost(self.parameters, self.unusual)


@dataclass(frozen=True, kw_only=True)
class Form:
    """The times of a curve, and how it rises and falls."""

    decay: str  # a name of ``DECAYS``, "inverse-sqrt" or "exponential"
    horizon: int = 0  # where the final rate is reached; how long "inverse-sqrt" has gone on at its origin
    warmup: float = 0  # the steps of the warm-up
    origin: float = 0  # where the decay begins; before it, and after the warm-up, the rate stays at the peak
    rise: str = "linear"  # a name of ``RISES``, or "exponential"
    aims: bool = False  # whether the warm-up leads to what the decay has there, where that has begun before
    power: float = 1.0  # the exponent of a polynomial
    factor: float = 1.0  # what an exponential decay is multiplied by at each step
    ratio: float = 0.1  # the share of the peak with which an exponential warm-up begins
    cycles: int = 1  # how often the decay is repeated on the way to the horizon
    again: bool = False  # whether a cosine rises and falls again after the horizon

    def columns(self, k: Iterations, times: Any = None) -> Floats:
        """What the peak, the final and the initial rate are multiplied by at each step: three columns.

        ``times`` may have many rows of warm-up, origin and horizon: one set of columns each.
        """
        given = np.array([[self.warmup, self.origin, self.horizon]]) if times is None else np.asarray(times, np.float64)
        warmup, origin, horizon = (given[:, [i]] for i in range(3))
        rising, length = k < warmup, np.maximum(warmup, 1)
        goal = self.left(warmup, origin, horizon) if self.aims else 1.0
        q = np.clip(k / length, 0, 1)
        q = self.ratio ** (1 - q) if self.rise == "exponential" else RISES[self.rise](q, length)
        begun = np.where(rising, 1 - q, 0.0) * (self.rise != "exponential")
        left = self.left(k, origin, horizon)
        u = np.where(rising, q * goal, left)
        v = np.where(rising, q * (1 - goal), 1 - left) * (self.decay not in ENDLESS)
        columns = np.stack([u, v, begun], axis=-1)
        return columns[0] if times is None else columns

    def left(self, k: Any, origin: Any, horizon: Any) -> Floats:
        """What is left of the way from the final rate to the peak."""
        if self.decay == "inverse-sqrt":
            scale = np.maximum(horizon, 1)
            return np.asarray(np.sqrt(scale / (np.maximum(k - origin, 0) + scale)))
        if self.decay == "exponential":
            return np.asarray(self.factor ** np.maximum(k - origin, 0.0))
        x = np.clip((k - origin) / np.maximum(horizon - origin, 1), 0, np.inf if self.again else 1)
        if self.cycles > 1:
            x = np.where(x < 1, (x * self.cycles) % 1.0, 1.0)
        return DECAYS[self.decay](x, self.power)

    @property
    def stable(self) -> bool:
        """Whether the rate stays at the peak for a while; a single step is how some trainers count a warm-up."""
        return self.origin > self.warmup + 1 and self.decay not in ENDLESS

    @property
    def family(self) -> str:
        """The name of the curve in the words of the field."""
        if self.cycles > 1:
            return "cosine-with-restarts"
        if self.stable:
            return "warmup-stable-decay"
        return "one-cycle" if self.decay == self.rise == "cosine" and self.warmup else self.decay

    def guess(self, peak: float, final: float, initial: float, left: Mapping[str, str] | None = None) -> Guess:
        """The form with these rates; ``left`` says what else is open."""
        parameters: dict[str, Any] = {"peak": peak, "warmup": round(self.warmup, 6)}
        if self.decay == "inverse-sqrt" and self.horizon != self.warmup:
            parameters["timescale"] = self.horizon
        if self.rise == "from one" and self.warmup:
            initial = peak / self.warmup
        if self.rise == "exponential" and self.warmup:
            initial = float(f"{peak * self.ratio:.9g}")
        if self.warmup and initial:
            parameters["initial"] = initial
        if self.warmup and self.rise not in ("linear", "from one") and self.family != "one-cycle":
            parameters["rise"] = self.rise
        if self.decay not in ENDLESS:
            parameters |= {"horizon": self.horizon, "final": final}
        if self.stable:
            parameters["decay"] = self.horizon - self.origin
        if self.decay == "polynomial":
            parameters["power"] = self.power
        if self.decay == "exponential":
            parameters["factor"] = self.factor
        if self.cycles > 1:
            parameters["cycles"] = self.cycles
        curve = self.schedule(peak, final, initial)
        odd = (self.warmup > 0 and self.origin < self.warmup) + (initial > peak)
        odd += self.decay != "constant" and self.origin == self.warmup + 1
        odd += self.again
        return Guess(curve=curve, family=self.family, parameters=parameters, open=left or {}, unusual=odd)

    def schedule(self, peak: float, final: float, initial: float) -> Schedule:
        """The named schedule with these rates."""
        if self.warmup % 1:  # a peak between two steps, at a 20th of them
            finer = self.at((round(self.warmup * 20), round(self.origin * 20), self.horizon * 20))
            return clocked(finer.schedule(peak, final, initial), times=20)
        warmup = int(self.warmup)
        rates: dict[str, Any] = {"peak": peak, "horizon": self.horizon, "final": final}
        start: dict[str, Any] = {"warmup": warmup, "initial": initial if warmup else 0.0}
        linear = self.rise == "linear" or not warmup
        once = self.cycles == 1 and not self.again
        if self.decay in ("linear", "cosine", "polynomial") and self.origin == warmup and once:
            if linear:
                return self._named(**rates, **start)
            if self.family == "one-cycle":
                return wellknown.one_cycle(**rates, **start)
        if self.decay in ("linear", "cosine", "root") and self.origin > warmup and linear:
            form: Any = self.decay
            return wellknown.warmup_stable_decay(**rates, **start, decay=self.horizon - self.origin, form=form)
        if self.decay == "inverse-sqrt" and linear and warmup == self.horizon:
            return wellknown.inverse_sqrt(peak=peak, **start)
        main = self._main(peak, final)
        if self.origin > warmup:
            main = wellknown.constant(peak).then(main, at=int(self.origin) - warmup)
        length = warmup - (self.rise == "from one")
        if length <= 0:
            return main
        goal = float(main(warmup - self.origin)) if self.aims else peak
        begun = goal * self.ratio if self.rise == "exponential" else initial
        shape: Any = "linear" if self.rise == "from one" else self.rise
        rise = wellknown.warmup(length, peak=goal, initial=begun, form=shape)
        if self.decay == "constant" and self.rise != "constant":
            return rise
        return rise.then(main, at=warmup, count_from="zero" if self.origin < warmup else "boundary")

    def _main(self, peak: float, final: float) -> Schedule:
        """The decay alone, counted from its origin."""
        length = self.horizon - self.origin
        if self.decay == "constant":
            return wellknown.constant(peak)
        if self.decay == "exponential":
            return wellknown.step(peak=peak, every=1, factor=self.factor)
        if self.decay == "inverse-sqrt":
            return shifted(wellknown.inverse_sqrt(peak=peak, warmup=self.horizon), by=-self.horizon)
        rates: dict[str, Any] = {"peak": peak, "horizon": length, "final": final}
        if self.decay == "root":
            return wellknown.warmup_stable_decay(**rates, decay=length, form="root")
        if self.again:
            back = self._named(peak=final, horizon=length, final=peak)
            return repeated(self._named(**rates).then(back), period=2 * length)
        if self.cycles == 1:
            return self._named(**rates)
        if length % self.cycles == 0:
            period = length // self.cycles
            return repeated(self._named(**rates | {"horizon": period}), period=period, times=self.cycles)
        # whole periods of the whole length, at so many steps each time
        return clocked(repeated(self._named(**rates), period=length, times=self.cycles), times=self.cycles)

    def _named(self, **rates: Any) -> Schedule:
        """The named schedule of a linear, cosine or polynomial decay."""
        named: Callable[..., Schedule] = getattr(wellknown, self.decay)
        return named(**rates, **({"power": self.power} if self.decay == "polynomial" else {}))

    def at(self, times: tuple[float, float, int]) -> Form:
        """The form with these times: warm-up, origin, horizon."""
        return replace(self, warmup=times[0], origin=times[1], horizon=times[2])

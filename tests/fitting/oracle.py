"""Rates as the trainers' own formulas give them, restated in plain Python, one step at a time, as logs print them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np

from lrsched.fitting import Clock, Observed, printed_slack

Share = Callable[[float], float]

DECAYS: dict[str, Share] = {
    "constant": lambda x: 1.0,
    "linear": lambda x: 1 - x,
    "cosine": lambda x: 0.5 * (1 + math.cos(math.pi * x)),
    "polynomial": lambda x: (1 - x) ** 2,
    "root": lambda x: 1 - math.sqrt(x),
}
"""What is left of the way from the final rate to the peak after a share x of the decay."""

RISES: dict[str, Callable[[int, int], float]] = {
    "linear": lambda k, w: k / w,
    "constant": lambda k, w: 0.0,
    "quadratic": lambda k, w: (k / w) ** 2,
    "logarithmic": lambda k, w: min(math.log(k + 1) / math.log(max(w, 2)), 1.0),
    "cosine": lambda k, w: 0.5 * (1 - math.cos(math.pi * k / w)),
    "exponential": lambda k, w: (0.01 ** (1 - k / w) - 0.01) / 0.99,  # from a hundredth of the peak
}
"""What is done of the way from the initial rate to the peak after k of w steps."""


@dataclass
class Truth:
    """A curve by its own count of steps, its numbers, and the clock by which a log shows it."""

    family: str
    peak: float
    warmup: int = 0
    horizon: int = 10_000
    rise: str = "linear"
    initial: float = 0.0
    final: float = 0.0
    decay: str = ""
    origin: int | None = None
    cycles: int = 1
    drops: tuple[int, ...] = ()
    factor: float = 0.1
    clock: Clock = field(default_factory=Clock)

    def rate(self, k: int) -> float:
        """The rate after k steps."""
        if k < self.warmup:
            return self.initial + (self.peak - self.initial) * RISES[self.rise](k, self.warmup)
        return self.regular(k)

    def regular(self, k: int) -> float:
        """The rate without a warm-up."""
        if self.family in ("multi-step", "step"):
            return self.peak * float(self.factor ** sum(k >= one for one in self.drops))
        if self.family == "exponential":
            return self.peak * float(self.factor**k)
        if self.family == "inverse-sqrt":
            return self.peak * math.sqrt(max(self.warmup, 1) / max(k, 1))
        origin = self.warmup if self.origin is None else self.origin
        x = min(max((k - origin) / (self.horizon - origin), 0.0), 1.0)
        x = (x * self.cycles) % 1.0 if x < 1 else 1.0
        return self.final + (self.peak - self.final) * DECAYS[self.decay or self.family](float(x))

    def rates(self, steps: Iterator[int] | range) -> np.ndarray:
        """The rates at logged steps."""
        return np.array([self.rate(int(k)) for k in self.clock.count(np.array(list(steps)))])


PRINTS = {
    "all digits": (repr, {}),
    "%.3e": (lambda y: f"{y:.3e}", {"digits": 4}),
    "%.2e": (lambda y: f"{y:.2e}", {"digits": 3}),
    "8 decimals": (lambda y: f"{y:.8f}", {"decimals": 8}),
    "6 decimals": (lambda y: f"{y:.6f}", {"decimals": 6}),
    "float32": (lambda y: repr(float(np.float32(y))), {"digits": 7}),
}


def logged(truth: Truth, steps: range, printed: str = "all digits", horizon: int | None = None) -> Observed:
    """What a trainer logs of it at some steps."""
    write, places = PRINTS[printed]
    rate = np.array([float(write(float(y))) for y in truth.rates(steps)])
    slack = 6e-8 * rate if printed == "float32" else printed_slack(rate, **places)
    return Observed(step=np.array(steps), rate=rate, slack=slack + 1e-18, horizon=horizon)


def drawn(random: Random) -> Truth:  # noqa: PLR0912 (a table of families)
    """A run as people train it."""
    peak = random.choice([1e-3, 5e-5, 2e-4, 3e-4, 0.1, 0.02, 2.5e-4, 0.01, 6e-4, 1e-4])
    horizon = random.choice([300, 1000, 2115, 5490, 16058, 19073, 50_000])
    warmup = random.choice([0, 0, horizon // 100, horizon // 33, 100, 37])
    families = "constant linear cosine cosine cosine-with-restarts polynomial inverse-sqrt warmup-stable-decay"
    family = random.choice(f"{families} multi-step step exponential one-cycle mmengine timm mmcv".split())
    run = Truth(family=family, peak=peak, warmup=warmup, horizon=horizon)
    if warmup and random.random() < 0.4:
        run.rise = random.choice(["constant", "quadratic", "logarithmic", "linear"])
        run.initial = peak * random.choice([0.1, 0.001, 0.01])
    if family in ("linear", "cosine", "polynomial", "timm", "warmup-stable-decay") and random.random() < 0.4:
        run.final = peak * random.choice([0.1, 0.01, 0.05])
    if family == "warmup-stable-decay":
        run.decay, run.origin = random.choice(["linear", "cosine", "root"]), horizon - horizon // random.choice([5, 10])
    elif family == "mmengine":  # the warm-up takes W - 1 steps, the cosine begins half way
        run.family, run.decay, run.origin, run.final = "warmup-stable-decay", "cosine", horizon // 2, peak * 0.05
        run.rise, run.initial = "linear", peak * 0.001
    elif family == "timm":  # the cosine is under way when the warm-up ends
        run.family, run.origin = "cosine", 0
    elif family == "mmcv":
        run.family, run.drops = "multi-step", (horizon * 8 // 12, horizon * 11 // 12)
        run.rise, run.initial = random.choice(["linear", "constant"]), peak * random.choice([0.1, 0.001])
    elif family == "one-cycle":
        run.decay, run.rise, run.warmup = "cosine", "cosine", horizon * 3 // 10 - 1
        run.initial, run.final = peak / 25, peak / 25e4
    elif family == "cosine-with-restarts":
        run.decay, run.cycles = "cosine", random.choice([2, 3, 4, 5])
    elif family == "multi-step":
        run.drops, run.factor = (horizon * 6 // 10, horizon * 8 // 10), random.choice([0.1, 0.5, 0.2])
    elif family == "step":
        every = horizon // random.choice([4, 10, 30, 3])
        run.drops, run.factor = tuple(range(every, horizon + 1, every)), random.choice([0.5, 0.9, 0.1])
        run.warmup = min(run.warmup, every // 2)
    elif family == "exponential":
        run.warmup, run.factor = 0, random.choice([0.999, 0.9999, 0.99])
    elif family == "inverse-sqrt":
        run.warmup, run.rise, run.initial = max(warmup, 10), "linear", 0.0
    if not run.warmup:
        run.rise, run.initial = "linear", 0.0
    if run.rise == "constant" and not run.initial:
        run.initial = peak * 0.1
    return run

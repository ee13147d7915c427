"""Loss curves whose pattern is known because they were made so; what judges curves takes no part in this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LENGTHS = (20, 30, 50, 100, 200, 300, 1000, 3000, 20000)


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """What ``verdict_of`` takes, and the pattern it was made to show."""

    label: str
    steps: Floats
    train: Floats | None
    val: Floats | None
    metric: Floats | None = None
    rate: Floats | None = None

    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("steps", "train", "val", "metric", "rate")}


def rate_of(kind: str, t: Floats, restart: float = 0.5) -> Floats | None:
    """A rate over the run, 1 at its peak."""
    if kind == "unknown":
        return None
    if kind == "cosine":
        return np.asarray(0.005 + 0.995 * (1 + np.cos(np.pi * t)) / 2)
    if kind == "linear":
        return np.asarray(1 - 0.99 * t)
    if kind == "steps":
        return np.where(t < 0.6, 1.0, np.where(t < 0.8, 0.1, 0.01))
    if kind == "restart":
        since = np.where(t < restart, t / restart, (t - restart) / (1 - restart))
        return np.asarray(0.02 + 0.98 * (1 + np.cos(np.pi * since)) / 2)
    return np.minimum(1.0, 0.01 + t / 0.03) if kind == "warmup" else np.ones_like(t)


def noise_of(rng: np.random.Generator, kind: str, level: Floats, size: float) -> Floats:
    """Noise around a curve that falls from about 1 to about 0."""
    white = rng.standard_normal(level.size)
    if kind == "slow":  # neighbours are alike
        white = np.convolve(white, (0.2, 0.4, 0.6, 0.8, 1.0), "same") / 1.5
    if kind == "proportional":
        white *= 0.3 + 1.4 * np.clip(level, 0, 1)
    if kind == "outliers":
        white[rng.random(level.size) < 0.02] *= 15
    return np.asarray(size * white)


def falling(t: Floats, tau: float) -> Floats:
    """From 1 to 0 over the run, exponentially; a straight line for a large ``tau``."""
    fall = np.exp(-t / tau)
    return np.asarray((fall - np.exp(-1 / tau)) / (1 - np.exp(-1 / tau)))


Pair = tuple[Floats, Floats]


def converged(rng: np.random.Generator, t: Floats) -> Pair:
    tau = rng.uniform(0.05, 0.17)
    return falling(t, tau), 0.9 * falling(t, tau * rng.uniform(0.7, 1.2)) + rng.uniform(0, 0.2)


def underfitted(rng: np.random.Generator, t: Floats) -> Pair:
    tau = rng.uniform(0.5, 3)
    return falling(t, tau), rng.uniform(0.7, 1) * falling(t, tau * rng.uniform(0.8, 1.3)) + rng.uniform(0, 0.2)


def overfitted(rng: np.random.Generator, t: Floats) -> Pair:
    begin, power = rng.uniform(0.15, 0.6), rng.uniform(0.7, 1.6)
    rise = rng.uniform(0.3, 2) * (np.clip(t - begin, 0, 1) / (1 - begin)) ** power
    return falling(t, rng.uniform(0.1, 1)), 0.9 * falling(t, begin / rng.uniform(3, 5)) + 0.1 + rise


def converged_too_early(rng: np.random.Generator, t: Floats) -> Pair:
    tau = rng.uniform(0.003, 0.018)
    return falling(t, tau), 0.9 * falling(t, tau * rng.uniform(0.7, 1.3)) + rng.uniform(0, 0.2)


def failed(rng: np.random.Generator, t: Floats) -> Pair:
    if rng.random() < 0.4:  # it jumps about
        return tuple(np.repeat(rng.random(t.size), rng.integers(1, 4))[: t.size] for _ in range(2))  # type: ignore[return-value]
    small = rng.uniform(0, 0.03) * min(1.0, (200 / t.size) ** 0.5)  # it hardly moves: the noise hides what it does
    return small * falling(t, 0.5), small * falling(t, 0.5) + 0.1


def oscillating(rng: np.random.Generator, t: Floats) -> Pair:
    size, tau, phase = rng.uniform(0.3, 0.65), rng.uniform(0.15, 0.6), rng.uniform(0, 6)
    if t.size <= 300 and rng.random() < 0.5:
        swings = [rng.uniform(-1, 1, t.size) for _ in range(2)]
    else:
        period = rng.uniform(max(3.5 / t.size, 0.02), max(6 / t.size, 0.12))
        swings = [np.sin(2 * np.pi * t / period + phase + shift) * rng.uniform(0.7, 1.1, t.size) for shift in (0, 0.4)]
    return falling(t, tau) + size * swings[0], 0.9 * falling(t, tau) + 0.1 + size * swings[1]


def diverging(rng: np.random.Generator, t: Floats) -> Pair:
    begin, power = rng.choice([0.0, rng.uniform(0.1, 0.8)]), rng.uniform(0.6, 2.5)
    rise = rng.uniform(0.6, 6) * (np.clip(t - begin, 0, 1) / (1 - begin)) ** power
    falls = falling(t, max(begin, 0.02) / 3) if begin else 0 * t
    train, val = falls + rise, 0.9 * falls + rise * rng.uniform(0.7, 1.3) + 0.1
    if rng.random() < 0.2:  # nan from somewhere on, as it is in the logs of fp16
        train, val = (np.where(t > max(begin, 0.3), np.nan, falls + 0.1 * t) for _ in range(2))
    return train, val


MAKERS: dict[str, Callable[[np.random.Generator, Floats], Pair]] = {
    "converged": converged,
    "underfitted": underfitted,
    "overfitted": overfitted,
    "converged-too-early": converged_too_early,
    "failed": failed,
    "oscillating": oscillating,
    "diverging": diverging,
}
RATES = {
    "converged": ("unknown", "constant", "cosine", "steps", "linear", "restart"),
    "underfitted": ("unknown", "constant", "cosine", "linear", "warmup"),
    "converged-too-early": ("unknown", "constant", "warmup"),
}
QUIET = (0.0, 0.005, 0.02, 0.04)


def bent_by(rng: np.random.Generator, kind: str, t: Floats, label: str) -> Floats | float:
    """What drops and a restart of the rate add to a curve, in shares of its fall."""
    if kind == "steps" and label in ("converged", "oscillating"):
        size = rng.uniform(0.05, 0.2)
        return size * (2 - sum(np.where(t < at, 0, 1 - np.exp(-(t - at).clip(0) / 0.015)) for at in (0.6, 0.8)))
    if kind == "restart":
        return rng.uniform(0.1, 0.5) * np.where(t < 0.5, 0, np.exp(-(t - 0.5).clip(0) / rng.uniform(0.01, 0.06)))
    return 0.0


def curve(rng: np.random.Generator, label: str, n: int | None = None) -> Curve:
    """A curve of a pattern: any length, noise, scale, offset, rate; with val, a metric, or only the train loss."""
    lengths = [size for size in LENGTHS if size >= {"converged-too-early": 100, "oscillating": 50}.get(label, 20)]
    n = int(rng.choice(lengths)) if n is None else n
    t = np.linspace(0, 1, n)
    kind = str(rng.choice(RATES.get(label, ("unknown", "constant", "cosine", "steps", "warmup"))))
    if kind in ("steps", "restart") and n < 50:  # too few records after a drop to see what it did
        kind = "constant"
    train, val = MAKERS[label](rng, t)
    bent = bent_by(rng, kind, t, label)
    train, val = train + bent, val + bent
    noisy = str(rng.choice(("white", "slow", "proportional", "outliers")))
    loud = (*QUIET, *(0.1,) * (n >= 3000), *(0.2,) * (n >= 20000))
    sizes = (0.05, 0.08) if label == "failed" else (rng.choice(loud), rng.choice(QUIET))
    train, val = train + noise_of(rng, noisy, train, sizes[0]), val + noise_of(rng, noisy, val, sizes[1])
    metric = 0.9 - 0.8 * val + noise_of(rng, "white", val, 0.02)
    if label == "failed":
        metric = rng.uniform(0, 0.01, n) * rng.integers(2)
    # the first records tower over the others
    if label not in ("failed", "oscillating") and rng.random() < 0.3 and n >= 100:
        train[: n // 100] += rng.uniform(2, 30) * np.linspace(1, 0.3, n // 100)
    scale, offset = 10 ** rng.uniform(-4, 4), rng.choice((0, 1, 10))
    made = Curve(
        label=label,
        steps=(np.arange(n) + rng.integers(2)) * rng.choice((1.0, 10.0, 500.0)),
        train=scale * (train + offset),
        val=scale * (val + offset),
        metric=rng.choice((1, 100)) * metric if rng.random() < 0.5 else None,
        rate=None if (rate := rate_of(kind, t)) is None else 10 ** rng.uniform(-5, -1) * rate,
    )
    return _lacking(rng, made)


def _lacking(rng: np.random.Generator, made: Curve) -> Curve:
    """Without one column of the losses, or with a val loss that is computed now and then."""
    chance, n = rng.random(), made.steps.size
    assert made.val is not None
    if chance < 0.2 and made.label not in ("overfitted", "oscillating"):
        return replace(made, val=None, metric=None)
    if chance < 0.3 and made.label not in ("diverging", "oscillating"):
        return replace(made, train=None)
    if n >= 1000:
        now = np.arange(n) % (n // 50) == n // 50 - 1
        metric = None if made.metric is None else np.where(now, made.metric, np.nan)
        return replace(made, val=np.where(now, made.val, np.nan), metric=metric)
    return made

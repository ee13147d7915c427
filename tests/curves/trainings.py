"""Curves as real runs leave them: a training is played step by step, with its epochs, rate and noise, and logged."""

from __future__ import annotations

import math

import numpy as np

from tests.curves.generator import Curve, Floats

LABELS = ("converged", "underfitted", "overfitted", "converged-too-early", "failed", "oscillating", "diverging")


def rate_of(rng: np.random.Generator, label: str, x: Floats) -> Floats:
    """A warm-up, then constant, cosine, linear or with drops."""
    kind = rng.choice(("constant", "cosine", "linear", "drops"))
    kind = {("underfitted", "drops"): "cosine"}.get((label, kind), kind)
    kind = "constant" if label == "converged-too-early" else kind
    warmup = rng.choice((1e-9, 0.01, 0.01 if kind == "constant" else 0.05))
    decays = {
        "constant": np.ones_like(x),
        "cosine": 0.5 + 0.5 * np.cos(np.pi * x),
        "linear": 1 - x,
        "drops": np.select([x < 2 / 3, x < 8 / 9], [1.0, 0.1], 0.01),
    }
    return np.asarray(10 ** rng.uniform(-5, -1) * np.minimum(1, 0.001 + x / warmup) * decays[str(kind)])


def fall_of(rng: np.random.Generator, label: str, x: Floats, rate: Floats) -> Floats:
    """From 1 towards 0, as far as the pattern wants: a power law, or two exponentials; a warm-up delays it."""
    warm = np.cumsum(np.minimum(1, rate / rate.max() + (x > 0.06))) / x.size  # time that counts
    if label == "underfitted":
        halves = rng.uniform(0.25, 1.5)
        fall = 2.0 ** (-warm / halves) if rng.random() < 0.5 else 1 - warm ** rng.uniform(0.7, 1.3)
        return np.asarray((fall - fall.min() * 0.9) / (fall.max() - fall.min() * 0.9))
    pace = {"converged-too-early": rng.uniform(0.003, 0.011), "oscillating": rng.uniform(0.15, 0.4)}
    tau = pace.get(label, rng.uniform(0.04, 0.1))
    if rng.random() < 0.5:
        power = rng.uniform(4, 7)
        return np.asarray((1 + warm / (tau * power)) ** -power)
    late = min(1.6 * tau, 0.14)
    return np.asarray(0.7 * np.exp(-warm / tau) + 0.3 * np.exp(-warm / late))


def noise_of(rng: np.random.Generator, n: int) -> Floats:
    """Batches differ: white noise and some that lasts, heavy tails, now and then a spike that decays."""
    noise, memory = rng.standard_normal(n) * rng.choice((1.0, 0.7)), 0.0
    if rng.random() < 0.3:
        noise = rng.standard_t(3, n) / 1.7
    slow = np.empty(n)
    for i, step in enumerate(rng.standard_normal(n)):
        memory = 0.9 * memory + 0.43 * step
        slow[i] = memory
    noise = 0.8 * noise + rng.choice((0.0, 0.4)) * slow
    for at in rng.integers(0, n, rng.poisson(1.0)):
        noise[at:] += rng.uniform(5, 25) * np.exp(-np.arange(n - at) / (1 + 0.004 * n))
    return np.asarray(noise)


def swings_of(rng: np.random.Generator, x: Floats) -> Floats:
    """A limit cycle whose size and period wander, or a level thrown about anew every few records."""
    if rng.random() < 0.5:
        throws = rng.integers(40, 120)
        return np.asarray(rng.uniform(-1, 1, throws)[(x * (throws - 1e-9)).astype(int)] * rng.uniform(0.35, 0.6))
    cycles = rng.uniform(12, 35) * (x + 0.05 * np.sin(2 * np.pi * x * rng.uniform(1, 3)))
    return np.asarray(rng.uniform(0.35, 0.6) * np.sin(2 * np.pi * cycles) * (0.8 + 0.2 * np.sin(11 * x)))


def curve(rng: np.random.Generator, label: str | None = None) -> Curve:
    """One run: training losses by iteration or epoch, validation now and then, in any unit."""
    label = label or str(rng.choice(LABELS))
    n = int(rng.choice((60, 120, 300, 900, 4000)))
    x = np.linspace(0, 1, n)
    rate = rate_of(rng, label, x)
    fall = fall_of(rng, label, x, rate)
    train, val = fall.copy(), rng.uniform(0.6, 1.0) * fall + rng.uniform(0, 0.3)
    size = rng.choice((0.004, 0.015, 0.03)) * (2 if n >= 900 else 1)
    if label == "overfitted":
        begin = rng.uniform(0.2, 0.55)
        train = 0.5 * fall + 0.5 * (1 - x)
        epochs = int(rng.integers(4, 9))
        if rng.random() < 0.4 and n >= 300:  # it remembers what it saw an epoch ago
            train, begin = 0.3 * fall + 0.7 * rng.uniform(0.5, 0.7) ** np.floor(epochs * x), min(begin, 1.5 / epochs)
        grown = np.clip(x - begin, 0, 1) / (1 - begin)
        rise, bent = rng.uniform(0.3, 1.2), rng.random() < 0.5
        val = val + rise * (grown ** rng.uniform(0.8, 1.5) if bent else 1.3 * (1 - np.exp(-2 * grown)))
    elif label == "failed":
        train, val, size = 0 * x, 0 * x + 0.1, 0.05
        if rng.random() < 0.3:  # a level that wanders, but leads nowhere
            train = train + 0.02 * np.sin(2 * np.pi * (rng.uniform(3, 9) * x + rng.random()))
    elif label == "oscillating":
        n_shift = int(rng.integers(0, max(n // 200, 1) + 1))
        swings = swings_of(rng, x)
        train, val = train + swings, val + np.roll(swings, n_shift)
    elif label == "diverging":
        begin = rng.uniform(0.1, 0.75)
        grown = np.clip(x - begin, 0, 1) / (1 - begin)
        way = rng.integers(3)
        if way == 0:  # it collapses to a level above the first one, and stays there
            blown = rng.uniform(1.1, 3) * (1 - np.exp(-grown * 60))
        elif way == 1:
            blown = rng.uniform(0.8, 5) * np.expm1(3 * grown) / math.expm1(3)
        else:
            blown = np.where(grown > 0.05, np.nan, 2 * grown)
        train, val = train + blown, val + blown * rng.uniform(0.7, 1.2)
    logged = [each + size * noise_of(rng, n) * s for each, s in ((train, 1.0), (val, rng.choice((0.3, 1.0))))]
    few = n >= 300 and label != "oscillating"
    evaluations = int(rng.choice((15, 30, 60))) if few else n
    now = np.zeros(n, bool)
    now[np.linspace(n / evaluations - 1, n - 1, evaluations).round().astype(int)] = True
    scale, offset = 10 ** rng.uniform(-3, 3), rng.choice((0.0, 0.3, 2.0))
    gone = rng.random() < 0.25 and label not in ("overfitted", "oscillating")
    return Curve(
        label=label,
        steps=np.arange(1.0, n + 1) * rng.choice((1, 10, 50)),
        train=scale * (logged[0] + offset),
        val=None if gone else np.where(now, scale * (logged[1] + offset), np.nan),
        metric=None if gone or rng.random() < 0.6 else np.where(now, 0.9 - 0.7 * logged[1], np.nan),
        rate=rate if rng.random() < 0.8 else None,
    )

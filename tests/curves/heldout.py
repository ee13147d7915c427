"""Curves of other shapes and noises, labelled by their own truth, to see that no generator was learned by heart."""

from __future__ import annotations

import numpy as np

from tests.curves.generator import Curve, Floats, rate_of

SHAPES = ("power", "exponentials", "stretched", "logistic")
NOISES = ("walk", "heavy", "log-normal", "bursts")


def shape(rng: np.random.Generator, t: Floats) -> Floats:
    """A fall from 1 to 0 over the run."""
    kind = rng.choice(SHAPES)
    if kind == "power":
        fall = (1 + t / 10 ** rng.uniform(-3, 0)) ** -rng.uniform(0.4, 2)
    elif kind == "exponentials":
        fast, slow, share = 10 ** rng.uniform(-2.3, -1.5), 10 ** rng.uniform(-1.2, 0.3), rng.uniform(0.2, 0.8)
        fall = share * np.exp(-t / fast) + (1 - share) * np.exp(-t / slow)
    elif kind == "stretched":
        fall = np.exp(-((t / 10 ** rng.uniform(-2.3, 0)) ** rng.uniform(0.5, 1)))
    else:
        fall = 1 / (1 + np.exp((t - rng.uniform(0.05, 0.9)) / rng.uniform(0.03, 0.15)))
    return np.asarray((fall - fall[-1]) / (fall[0] - fall[-1]))


def noise(rng: np.random.Generator, n: int, size: float) -> Floats:
    kind = rng.choice(NOISES)
    if kind == "walk":
        walk = np.zeros(n)
        for i in range(1, n):
            walk[i] = (1 - 8 / n) * walk[i - 1] + rng.standard_normal()
        return np.asarray(size * (walk / (walk.std() or 1) * 0.5 + 0.5 * rng.standard_normal(n)))
    if kind == "heavy":
        return np.asarray(size * rng.standard_t(2.5, n))
    if kind == "log-normal":
        return np.asarray(size * (rng.lognormal(0, 0.8, n) - 1))
    calm = rng.standard_normal(n)
    return np.asarray(size * np.where(rng.random(n) < 0.03, 8 * np.abs(calm), calm))


def done_at(t: Floats, train: Floats) -> float:
    """When nine tenths of the fall were done."""
    return float(t[np.argmax(train <= train[0] - 0.9 * (train[0] - train.min()))])


def label_of(t: Floats, train: Floats, val: Floats) -> str:
    """The pattern of curves without noise; empty where two people would not agree."""
    if not np.ptp(train):
        return ""
    last, done = t >= 0.8, done_at(t, train)
    fall = (val[last][0] - val[-1]) / (val[0] - val.min())
    rise = (val[-1] - val.min()) / (val[0] - val.min())
    if rise > 0.02:
        return "overfitted" if rise > 0.2 and val[last][0] < val[-1] else ""
    if fall > 0.06:
        return "underfitted"
    plateau = (val[t >= 0.7][0] - val[-1]) / (val[0] - val.min()) < 0.025
    if fall < 0.015 and plateau and not 0.03 < done < 0.12:
        return "converged" if done > 0.1 else "converged-too-early"
    return ""


def curve(rng: np.random.Generator) -> Curve:
    """A curve of any pattern that is clear."""
    while True:
        n = int(rng.choice((40, 80, 150, 400, 2000, 8000)))
        t = np.linspace(0, 1, n)
        fine, kind = np.linspace(0, 1, 2001), rng.integers(7)
        train = shown = shape(rng, fine)
        val = rng.uniform(0.5, 1.2) * train + 0.2
        size = rng.choice((0.003, 0.01, 0.03)) * (2 if n >= 2000 else 1)
        label = ""
        if kind == 0:  # it turns smoothly
            turn = rng.uniform(0.2, 0.7)
            val = val + rng.uniform(0.3, 1.5) * np.clip(fine - turn, 0, 1) ** 2 / (1 - turn) ** 2
        elif kind == 1:  # it blows up, in steps or like an exponential
            turn, growth = rng.uniform(0.2, 0.8), rng.uniform(1, 8)
            blown = np.expm1(4 * np.clip(fine - turn, 0, 1) / (1 - turn)) / np.expm1(4) * growth
            train, val, label = train + blown, val + blown, "diverging"
        elif kind == 2:  # a relaxation: slow falls, sudden jumps up
            period = rng.uniform(max(4 / n, 0.03), max(7 / n, 0.1))
            saw = rng.uniform(0.5, 1.3) * (0.5 - (fine / period + rng.random()) % 1)
            train, val, label = train + saw, val + saw, "oscillating"
        elif kind == 3:
            train, val, label = 0 * train, 0 * val + 0.1, "failed"
        rest = fine >= 0.03  # where it matters whether the first records are looked at, two people may not agree
        whole = label_of(fine, train, val)
        agreed = whole == "converged-too-early" or whole == label_of(fine[rest], train[rest], val[rest])
        label = label or whole * agreed
        if label == "converged-too-early" and n < 150:
            continue
        if label == "oscillating" and fine[np.argmax(shown <= 0.5)] < 0.1:  # it would only jump about
            continue
        if label:
            break
    noisy = [np.interp(t, fine, each) + noise(rng, n, size) for each in (train, val)]
    rate = None if label == "converged-too-early" else rate_of(str(rng.choice(("unknown", "constant", "cosine"))), t)
    scale, offset = 10 ** rng.uniform(-3, 3), rng.uniform(0, 5)
    return Curve(
        label=label,
        steps=np.arange(n, dtype=np.float64),
        train=scale * (noisy[0] + offset),
        val=scale * (noisy[1] + offset) if label == "overfitted" or rng.random() < 0.8 else None,
        rate=rate,
    )

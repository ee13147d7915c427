"""darknet's learning rate restated plainly: one iteration at a time, with the C library's own functions.

This is written from the description of the trainers, not from lrsched, so that the two can be compared.
"""

import ctypes
import ctypes.util
from dataclasses import dataclass
from typing import Any

import numpy as np

_LIBRARY = ctypes.CDLL(ctypes.util.find_library("m"))


def _double_function(name: str, arguments: int) -> Any:
    function = getattr(_LIBRARY, name)
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * arguments
    return function


c_pow, c_exp, c_cos = _double_function("pow", 2), _double_function("exp", 1), _double_function("cos", 1)

Single = np.float32


@dataclass(frozen=True)
class Trainer:
    """The differences between the compiled trainers that reach the rate."""

    counts_unsigned: bool
    single_functions: bool
    pi: float


TRAINERS = {
    "pjreddie": Trainer(counts_unsigned=True, single_functions=False, pi=3.14159265),
    "alexeyab": Trainer(counts_unsigned=False, single_functions=False, pi=3.14159265),
    "hank-ai": Trainer(counts_unsigned=False, single_functions=True, pi=3.14159265358979323846),
}


def rate(
    trainer: Trainer,
    policy: str,
    t: int,
    *,
    learning_rate: float = 0.001,
    learning_rate_min: float = 0.00001,
    max_batches: int = 0,
    burn_in: int = 0,
    power: float = 4.0,
    step: int = 1,
    scale: float = 1.0,
    gamma: float = 1.0,
    steps: tuple[int, ...] = (),
    scales: tuple[float, ...] = (),
    sgdr_cycle: int | None = None,
    sgdr_mult: int = 2,
    u: float = 0.5,
) -> np.float32:
    """The rate at iteration ``t`` under one policy."""
    with np.errstate(all="ignore"):
        rate = Single(learning_rate)
        if t < _beside_the_count(trainer, burn_in):
            return _times_power(trainer, rate, Single(t) / Single(burn_in), Single(power))
        if policy == "constant":
            return rate
        if policy == "step":
            return _times(rate, c_pow(float(Single(scale)), _quotient(trainer, t, step)))
        if policy == "steps":
            for at, factor in zip(steps, scales, strict=True):
                if _beside_the_count(trainer, at) > t:
                    return rate
                rate = rate * Single(factor)
            return rate
        if policy == "exp":
            return _times(rate, c_pow(float(Single(gamma)), float(t)))
        if policy == "poly":
            return _times_power(trainer, rate, Single(1) - Single(t) / Single(max_batches), Single(power))
        if policy == "random":
            return _times_power(trainer, rate, Single(u), Single(power))
        if policy == "sigmoid":
            growth = c_exp(float(Single(gamma) * _difference(trainer, t, step)))
            if trainer.single_functions:
                growth = float(Single(growth))
            return _times(rate, 1.0 / (1.0 + growth))
        if policy == "sgdr":
            start, size = _cycle(t, max_batches if sgdr_cycle is None else sgdr_cycle, sgdr_mult)
            half = 0.5 * float(rate - Single(learning_rate_min))
            wave = 1.0 + c_cos(float(Single(t - start)) * trainer.pi / size)
            return Single(float(Single(learning_rate_min)) + half * wave)
    raise ValueError(policy)


def _beside_the_count(trainer: Trainer, number: int) -> int:
    return number % 2**64 if trainer.counts_unsigned else number


def _quotient(trainer: Trainer, t: int, step: int) -> float:
    divisor = _beside_the_count(trainer, step)
    return float(t // divisor if divisor > 0 else -(t // -divisor))


def _difference(trainer: Trainer, t: int, step: int) -> np.float32:
    if trainer.counts_unsigned:
        return np.uint64((t - step) % 2**64).astype(np.float32)
    return Single(t - step)


def _times(rate: np.float32, factor: float) -> np.float32:
    return Single(float(rate) * factor)


def _times_power(trainer: Trainer, rate: np.float32, base: np.float32, exponent: np.float32) -> np.float32:
    power = c_pow(float(base), float(exponent))
    return rate * Single(power) if trainer.single_functions else _times(rate, power)


def _cycle(t: int, size: int, mult: int) -> tuple[int, int]:
    start = 0
    if mult == 1 and t > 0:
        return (t - 1) // size * size, size
    while start + size < t:
        start += size
        size *= mult
    return start, size

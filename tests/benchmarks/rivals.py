"""The same rates written the plain way: a C loop, a Python loop, a numpy expression."""

from __future__ import annotations

import array
import ctypes
import math
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from itertools import accumulate
from operator import mul
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched import Net
from lrsched.trainers.darknet import POLICIES, Random

__all__ = ["DRAW", "CLoop", "compile_c_loop", "numpy_expression", "python_loop"]

CLoop: TypeAlias = Callable[[Net, NDArray[np.float32]], None]
"""Writes the rates of the iterations 0, 1, ... to an array."""

SOURCE = Path(__file__).with_name("plain.c")

COMPILE = ("cc", "-O2", "-ffp-contract=off", "-shared", "-fPIC")
"""Without contraction a compiler for another processor cannot merge a product and a sum into one rounding."""

DRAW = Random().u
"""The draw of the random policy, the same for all."""

_KEYS = [policy.KEY for policy in POLICIES]


class _CNet(ctypes.Structure):
    _fields_ = (
        ("policy", ctypes.c_int),
        ("learning_rate", ctypes.c_float),
        ("learning_rate_min", ctypes.c_float),
        ("max_batches", ctypes.c_int),
        ("burn_in", ctypes.c_int),
        ("power", ctypes.c_float),
        ("step", ctypes.c_int),
        ("scale", ctypes.c_float),
        ("gamma", ctypes.c_float),
        ("u", ctypes.c_float),
        ("sgdr_cycle", ctypes.c_int),
        ("sgdr_mult", ctypes.c_int),
        ("num_steps", ctypes.c_int),
        ("steps", ctypes.POINTER(ctypes.c_int)),
        ("scales", ctypes.POINTER(ctypes.c_float)),
    )


def _c_net(net: Net) -> _CNet:
    return _CNet(
        policy=_KEYS.index(net.policy),
        learning_rate=net.learning_rate,
        learning_rate_min=net.learning_rate_min,
        max_batches=net.max_batches,
        burn_in=net.burn_in,
        power=net.power,
        step=net.step,
        scale=net.scale,
        gamma=net.gamma,
        u=DRAW,
        sgdr_cycle=_first_cycle(net),
        sgdr_mult=net.sgdr_mult,
        num_steps=len(net.steps),
        steps=(ctypes.c_int * len(net.steps))(*net.steps),
        scales=(ctypes.c_float * len(net.scales))(*net.scales),
    )


def compile_c_loop() -> CLoop | str:
    """Compile ``plain.c`` in a temporary folder; a string says why that was not possible."""
    if shutil.which(COMPILE[0]) is None:
        return f"no C compiler ({COMPILE[0]}) was found"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        library = Path(folder) / "plain.so"
        done = subprocess.run(
            [*COMPILE, str(SOURCE), "-o", str(library), "-lm"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"{' '.join(COMPILE)} failed: {done.stderr.strip().partition(chr(10))[0]}"
        rates = ctypes.CDLL(str(library)).rates
    rates.argtypes = (ctypes.POINTER(_CNet), ctypes.c_int, ctypes.c_void_p)
    rates.restype = None

    def c_loop(net: Net, out: NDArray[np.float32]) -> None:
        rates(ctypes.byref(_c_net(net)), out.size, out.ctypes.data)

    return c_loop


def python_loop(net: Net, iterations: range, out: array.array[float]) -> None:
    """One call of the ``math`` module after the other."""
    rate = _python_rate(net)
    learning_rate, burn_in, power = net.learning_rate, net.burn_in, net.power
    for i, t in enumerate(iterations):
        out[i] = learning_rate * math.pow(t / burn_in, power) if t < burn_in else rate(t)


def _python_rate(net: Net) -> Callable[[int], float]:
    learning_rate, low = net.learning_rate, net.learning_rate_min

    def steps(t: int) -> float:
        product = learning_rate
        for step, scale in zip(net.steps, net.scales, strict=True):
            if step > t:
                break
            product *= scale
        return product

    def sgdr(t: int) -> float:
        start, size = 0, _first_cycle(net)
        while start + size < t:
            start += size
            size *= net.sgdr_mult
        return low + 0.5 * (learning_rate - low) * (1 + math.cos((t - start) * math.pi / size))

    rates: dict[str, Callable[[int], float]] = {
        "constant": lambda t: learning_rate,
        "step": lambda t: learning_rate * math.pow(net.scale, t // net.step),
        "steps": steps,
        "exp": lambda t: learning_rate * math.pow(net.gamma, t),
        "poly": lambda t: learning_rate * math.pow(1 - t / net.max_batches, net.power),
        "random": lambda t: learning_rate * math.pow(DRAW, net.power),
        "sigmoid": lambda t: learning_rate / (1 + math.exp(net.gamma * (t - net.step))),
        "sgdr": sgdr,
    }
    return rates[net.policy]


def numpy_expression(net: Net, out: NDArray[np.float64]) -> None:
    """float64 over ``np.arange``: one expression for the policy, one for the burn-in."""
    t: NDArray[Any] = np.arange(out.size)
    learning_rate, low = net.learning_rate, net.learning_rate_min
    match net.policy:
        case "constant":
            out[:] = learning_rate
        case "step":
            out[:] = learning_rate * net.scale ** (t // net.step)
        case "steps":
            levels = np.cumprod([learning_rate, *net.scales])
            out[:] = levels[np.searchsorted(net.steps, t, side="right")]
        case "exp":
            out[:] = learning_rate * net.gamma**t
        case "poly":
            out[:] = learning_rate * (1 - t / net.max_batches) ** net.power
        case "random":
            out[:] = learning_rate * np.full(t.shape, DRAW) ** net.power
        case "sigmoid":
            out[:] = learning_rate / (1 + np.exp(net.gamma * (t - net.step)))
        case "sgdr":
            sizes = _cycles(net, out.size)
            ends = np.cumsum(sizes)
            cycle = np.searchsorted(ends, t)
            offset = t - (ends - sizes)[cycle]
            out[:] = low + 0.5 * (learning_rate - low) * (1 + np.cos(offset * np.pi / sizes[cycle]))
    out[: net.burn_in] = learning_rate * (t[: net.burn_in] / net.burn_in) ** net.power


def _first_cycle(net: Net) -> int:
    return net.max_batches if net.sgdr_cycle is None else net.sgdr_cycle


def _cycles(net: Net, count: int) -> NDArray[np.int64]:
    """The lengths of the cycles that cover ``count`` iterations."""
    first, mult = _first_cycle(net), net.sgdr_mult
    enough = -(-count // first) if mult == 1 else math.ceil(math.log(count / first + 1, mult)) + 1
    return np.array(list(accumulate([first] + [mult] * max(enough, 1), mul)), np.int64)

"""How fast a whole run is evaluated, beside a plain loop in C: ``python -m tests.benchmarks.rates``.

``schedule.rates(0, N)`` and a loop over a function with a switch (``plain.c``, compiled here with ``cc -O2``) write the
float32 rates of the same run in turn, one thread each. Exit status 1 when their bits differ, or when lrsched is slower.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched import Net
from lrsched.trainers.darknet import POLICIES, Random
from tests.benchmarks.timing import asked, interleaved, median_ratio

SOURCE = Path(__file__).with_name("plain.c")
# without contraction, so that no compiler merges a product and a sum into one rounding
COMPILE = ("cc", "-O2", "-ffp-contract=off", "-shared", "-fPIC")
KEYS = [policy.KEY for policy in POLICIES]


class CNet(ctypes.Structure):
    """The struct of plain.c."""

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


def c_net(net: Net) -> CNet:
    """A net as plain.c reads it."""
    alike = [name for name, _ in CNet._fields_[1:9]] + ["sgdr_mult"]
    return CNet(
        **{name: getattr(net, name) for name in alike},
        policy=KEYS.index(net.policy),
        u=Random().u,
        sgdr_cycle=net.max_batches if net.sgdr_cycle is None else net.sgdr_cycle,
        num_steps=len(net.steps),
        steps=(ctypes.c_int * len(net.steps))(*net.steps),
        scales=(ctypes.c_float * len(net.scales))(*net.scales),
    )


def compiled() -> Callable[[Net, int], NDArray[np.float32]]:
    """The loop of plain.c, compiled in a temporary folder."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        library = Path(folder, "plain.so")
        subprocess.run([*COMPILE, str(SOURCE), "-o", str(library), "-lm"], check=True)
        rates = ctypes.CDLL(str(library)).rates
    rates.argtypes = (ctypes.POINTER(CNet), ctypes.c_int, ctypes.c_void_p)
    rates.restype = None

    def c_loop(net: Net, iterations: int) -> NDArray[np.float32]:
        out = np.empty(iterations, np.float32)
        rates(ctypes.byref(c_net(net)), iterations, out.ctypes.data)
        return out

    return c_loop


def nets(iterations: int) -> Iterator[Net]:
    """Every policy with the numbers of a usual run of so many iterations."""
    tenth = max(iterations // 10, 1)
    some: list[dict[str, Any]] = [
        {"policy": "constant"},
        {"policy": "step", "step": max(iterations // 100, 1), "scale": 0.94},
        {"policy": "step", "step": 100, "scale": 0.9999},
        {"policy": "steps", "steps": (8 * tenth, 9 * tenth), "scales": (0.1, 0.1)},
        {"policy": "exp", "gamma": 1 - 5 / iterations},
        {"policy": "poly", "power": 4.0},
        {"policy": "poly", "power": 2.5},
        {"policy": "random", "power": 4.0},
        {"policy": "sigmoid", "gamma": 20 / iterations, "step": 5 * tenth},
        {"policy": "sgdr", "sgdr_cycle": tenth, "sgdr_mult": 2, "learning_rate_min": 0.00001},
    ]
    for keys in some:
        yield Net(learning_rate=0.01, burn_in=1000, max_batches=iterations, **keys)


def main() -> int:
    """Measure, print, and return the exit status."""
    given = asked("rates", "Speed of every policy.", rounds=15, iterations=500_200)
    c_loop = compiled()
    good = True
    print(f"{given.iterations} iterations, {given.rounds} rounds; how many times longer the C loop takes than lrsched")
    for net in nets(given.iterations):
        ours = partial(net.schedule().rates, 0, given.iterations)
        theirs = partial(c_loop, net, given.iterations)
        seconds = interleaved({"lrsched": ours, "c": theirs}, given.rounds)
        ratio = median_ratio(seconds["c"], seconds["lrsched"])
        differing = np.count_nonzero(ours().view(np.uint32) != theirs().view(np.uint32))
        good &= ratio >= 1 and not differing
        print(f"{net.policy:9} {ratio:6.2f}x" + (f"  {differing} rates differ" if differing else ""))
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())

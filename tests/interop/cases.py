"""Schedules of torch, optax and keras as people write them, what is expected of each, and which check says no."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax

from lrsched.testing import Result, check_schedule, check_scheduler
from tests.interop.schedules import made
from tests.interop.stepping import optimizer

__all__ = ["CASES", "Case"]


class Case(NamedTuple):
    """One schedule."""

    library: str  # whose it is
    code: str  # how it is written there; ``o`` is an optimizer with the rate 1
    expected: str  # what a user expects of it, in a few words
    fault: str  # the check that fails and the iteration it names, ``check@iteration``; empty for a sound one
    expectations: dict[str, Any]  # the same for ``check_schedule``

    def failed(self) -> list[Result]:
        """The checks that fail."""
        if self.library == "torch":
            results = check_scheduler(
                lambda: made("torch", self.code, optimizer(1.0)), raises=False, **self.expectations
            )
        else:
            rate = jax.jit(made(self.library, self.code))  # else jax compiles conditions anew at every call
            results = check_schedule(rate, raises=False, progress=str, **self.expectations)
        return [result for result in results if result.status == "failed"]


# fmt: off
CASES = tuple(Case(*case) for case in (
    ("torch", "OneCycleLR(o, 1.0, total_steps=11)", "reaches max_lr", "peak@3", {"horizon": 10, "peak": 1.0}),
    ("torch", "OneCycleLR(o, 1.0, total_steps=10, pct_start=0.1)", "can be made", "one-real-number@0", {"horizon": 9}),
    ("torch", "OneCycleLR(o, 1.0, total_steps=10)", "does not rise after the end", "after-horizon@10", {"horizon": 9, "peak": 1.0, "after": "falls"}),
    ("torch", "CosineAnnealingLR(o, T_max=10)", "stays at eta_min", "after-horizon@11", {"horizon": 10, "final": 0.0, "after": "stays"}),
    ("torch", "CosineAnnealingLR(o, T_max=10, eta_min=2)", "falls", "decay@1", {"horizon": 10, "decay": 0}),
    ("torch", "ChainedScheduler([LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 20)])", "reaches lr after the warm-up", "peak", {"horizon": 20, "warmup": 5, "peak": 1.0}),
    ("torch", "MultiStepLR(o, [2.5, 5])", "falls twice, to 0.01", "final-rate", {"horizon": 10, "final": 0.01}),
    ("torch", "CosineAnnealingWarmRestarts(o, T_0=4)", "ends its cycle at eta_min", "final-rate", {"horizon": 3, "final": 0.0}),
    ("torch", "CosineAnnealingLR(o, T_max=10)", "falls from lr to 0", "", {"horizon": 10, "initial": 1.0, "peak": 1.0, "final": 0.0, "decay": 0}),
    ("torch", "SequentialLR(o, [LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 15)], [5])", "a warm-up of 5, then down to 0 at 20", "", {"horizon": 20, "initial": 0.1, "warmup": 5, "peak": 1.0, "final": 0.0, "decay": 5}),
    ("torch", "OneCycleLR(o, 1.0, total_steps=10)", "up to 1 at 2, down at 9", "", {"horizon": 9, "initial": 0.04, "warmup": 2, "peak": 1.0, "final": 4e-6, "decay": 2}),
    ("torch", "StepLR(o, 10)", "a tenth at 10, 20, 30", "", {"horizon": 30, "milestones": [10, 20, 30], "decay": 0, "final": 0.001}),
    ("torch", "MultiStepLR(o, [10, 25])", "a tenth at 10 and 25", "", {"horizon": 30, "milestones": [10, 25], "after": "stays"}),
    ("torch", "ExponentialLR(o, 0.9)", "falls at every step", "", {"horizon": 30, "decay": 0, "strict": True, "after": "falls"}),
    ("torch", "PolynomialLR(o, total_iters=20, power=2)", "0 at 20, and stays", "", {"horizon": 20, "final": 0.0, "decay": 0, "after": "stays"}),
    ("optax", "warmup_constant_schedule(0.0, 0.1, 0)", "0.1 from the first step on", "not-stuck-at-zero@0", {"horizon": 100}),
    ("optax", "linear_onecycle_schedule(2, 1.0)", "begins at a 25th of the peak", "initial-rate@0", {"horizon": 2, "initial": 0.04}),
    ("optax", "linear_schedule(1.0, 0.0, 100_000_000)", "every step is a little lower", "decay", {"horizon": 100_000_000, "decay": 50_000_000, "strict": True}),
    ("optax", "warmup_cosine_decay_schedule(0.0, 0.1, 10, 100)", "a warm-up of 10, 0 at 100", "", {"horizon": 100, "initial": 0.0, "warmup": 10, "peak": 0.1, "final": 0.0, "decay": 10, "after": "stays"}),
    ("optax", "cosine_decay_schedule(0.1, 1000)", "0.1 down to 0 at 1000, and stays", "", {"horizon": 1000, "peak": 0.1, "final": 0.0, "decay": 0, "after": "stays"}),
    ("optax", "linear_onecycle_schedule(100, 1.0)", "up to 1 at 30, down at 100", "", {"horizon": 100, "initial": 0.04, "warmup": 30, "peak": 1.0, "decay": 30, "after": "stays"}),
    ("optax", "piecewise_constant_schedule(1.0, {10: 0.1})", "a tenth at 10", "", {"horizon": 30, "milestones": [10], "decay": 0, "after": "stays"}),
    ("optax", "join_schedules([linear_schedule(0.0, 0.1, 10), constant_schedule(0.1)], [10])", "a warm-up of 10, then 0.1", "", {"horizon": 100, "warmup": 10, "peak": 0.1, "after": "stays"}),
    ("keras", "PolynomialDecay(1e-5, 10)", "decays", "decay@1", {"horizon": 10, "decay": 0}),
    ("keras", "PiecewiseConstantDecay([10], [1.0, 0.1])", "a tenth at 10", "jumps@11", {"horizon": 30, "milestones": [10]}),
    ("keras", "CosineDecay(0.1, 90, warmup_steps=10)", "a warm-up of 10", "warmup", {"horizon": 90, "warmup": 10}),
    ("keras", "CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10)", "0 at 100", "final-rate", {"horizon": 100, "final": 0.0}),
    ("keras", "CosineDecay(0.0, 90, warmup_target=0.1, warmup_steps=10)", "a warm-up of 10, 0 at 100", "", {"horizon": 100, "initial": 0.0, "warmup": 10, "peak": 0.1, "final": 0.0, "decay": 10, "after": "stays"}),
    ("keras", "PolynomialDecay(0.1, 100, end_learning_rate=0.001)", "down to 0.001 at 100", "", {"horizon": 100, "initial": 0.1, "final": 0.001, "decay": 0, "after": "stays"}),
    ("keras", "ExponentialDecay(0.1, 10, 0.9)", "falls at every step", "", {"horizon": 100, "initial": 0.1, "decay": 0, "strict": True, "after": "falls"}),
    ("keras", "InverseTimeDecay(0.1, 10, 0.5)", "falls at every step", "", {"horizon": 100, "initial": 0.1, "decay": 0, "after": "falls"}),
))
"""All of them."""
# fmt: on

"""Schedules of torch, optax and keras as people write them, what is expected of each, and which check says no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import keras
import optax
import torch
from torch.optim import lr_scheduler

from lrsched.testing import Result, check_schedule, check_scheduler

__all__ = ["CASES", "Case"]

Build = Callable[[torch.optim.Optimizer], Any]


@dataclass(frozen=True)
class Case:
    """One schedule.

    Attributes:
        library: whose it is.
        schedule: how it is written there.
        expected: what a user expects of it, in a few words.
        faults: the checks that fail, none for a sound one.
        run: runs all checks.
        iteration: the iteration that the first of the faults names.
    """

    library: str
    schedule: str
    expected: str
    faults: tuple[str, ...]
    run: Callable[[], list[Result]] = field(repr=False)
    iteration: int | None = None


class BuiltAfterLoading:
    """A training loop that loads its optimizer as soon as there is one, and makes the scheduler after that."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.optimizer = sgd(1.0)
        self.scheduler = build(self.optimizer)

    def load(self, saved: Any) -> None:
        optimizer, scheduler = saved
        self.optimizer.load_state_dict(optimizer)
        self.scheduler = self.build(self.optimizer)
        self.scheduler.load_state_dict(scheduler)


def sgd(*rates: float) -> torch.optim.Optimizer:
    """An optimizer with a parameter group for each rate."""
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    return torch.optim.SGD(groups, lr=1.0)


def built_after_loading() -> list[Result]:
    return check_scheduler(
        lambda: BuiltAfterLoading(warmed_up),
        step=lambda training: training.scheduler.step(),
        read=lambda training: training.optimizer.param_groups[0]["lr"],
        save=lambda training: (training.optimizer.state_dict(), training.scheduler.state_dict()),
        load=BuiltAfterLoading.load,
        horizon=20,
        raises=False,
    )


def torch_case(
    schedule: str,
    build: Build,
    expected: str,
    *faults: str,
    rate: float = 1.0,
    iteration: int | None = None,
    **expectations: Any,
) -> Case:
    def run() -> list[Result]:
        return check_scheduler(lambda: build(sgd(rate)), name=schedule, raises=False, progress=str, **expectations)

    return Case("torch", schedule, expected, faults, run, iteration)


def function_case(
    library: str,
    schedule: str,
    function: Any,
    expected: str,
    *faults: str,
    iteration: int | None = None,
    **expectations: Any,
) -> Case:
    def run() -> list[Result]:
        return check_schedule(function, raises=False, progress=str, **expectations)

    return Case(library, schedule, expected, faults, run, iteration)


def warmed_up(optimizer: torch.optim.Optimizer) -> Any:
    return lr_scheduler.SequentialLR(
        optimizer,
        [
            lr_scheduler.LinearLR(optimizer, 0.1, total_iters=5),
            lr_scheduler.CosineAnnealingLR(optimizer, T_max=15),
        ],
        milestones=[5],
    )


def chained(optimizer: torch.optim.Optimizer) -> Any:
    return lr_scheduler.ChainedScheduler(
        [
            lr_scheduler.LinearLR(optimizer, 0.1, total_iters=5),
            lr_scheduler.CosineAnnealingLR(optimizer, T_max=20),
        ]
    )


FRACTIONAL: Any = [2.5, 5]

TORCH = (
    torch_case(
        "OneCycleLR(1.0, total_steps=11)",
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=11),
        "reaches max_lr",
        "peak",
        horizon=10,
        peak=1.0,
        iteration=3,
    ),
    torch_case(
        "OneCycleLR(1.0, total_steps=10, pct_start=0.1)",
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=10, pct_start=0.1),
        "can be made",
        "one-real-number",
        horizon=9,
        iteration=0,
    ),
    torch_case(
        "OneCycleLR(1.0, total_steps=10), one step more",
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=10),
        "does not rise after the end",
        "after-horizon",
        horizon=9,
        peak=1.0,
        after="falls",
        iteration=10,
    ),
    torch_case(
        "CosineAnnealingLR(T_max=10), gone on with",
        lambda o: lr_scheduler.CosineAnnealingLR(o, 10),
        "stays at eta_min",
        "after-horizon",
        horizon=10,
        final=0.0,
        after="stays",
        iteration=11,
    ),
    torch_case(
        "CosineAnnealingLR(T_max=10, eta_min=0.1), lr=0.01",
        lambda o: lr_scheduler.CosineAnnealingLR(o, 10, eta_min=0.1),
        "falls",
        "decay",
        horizon=10,
        rate=0.01,
        decay=0,
        iteration=1,
    ),
    torch_case(
        "ChainedScheduler([LinearLR(0.1, total_iters=5), CosineAnnealingLR(20)])",
        chained,
        "reaches lr after the warm-up",
        "peak",
        horizon=20,
        warmup=5,
        peak=1.0,
    ),
    torch_case(
        "MultiStepLR([2.5, 5])",
        lambda o: lr_scheduler.MultiStepLR(o, FRACTIONAL),
        "falls twice, to 0.01",
        "final-rate",
        horizon=10,
        final=0.01,
    ),
    torch_case(
        "CosineAnnealingWarmRestarts(T_0=4)",
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4),
        "ends its cycle at eta_min",
        "final-rate",
        horizon=3,
        final=0.0,
    ),
    Case(
        "torch",
        "SequentialLR, made after the optimizer was loaded",
        "continues where it was saved",
        ("resumes",),
        built_after_loading,
    ),
    torch_case(
        "CosineAnnealingLR(T_max=10)",
        lambda o: lr_scheduler.CosineAnnealingLR(o, 10),
        "falls from lr to 0",
        horizon=10,
        initial=1.0,
        peak=1.0,
        final=0.0,
        decay=0,
    ),
    torch_case(
        "SequentialLR([LinearLR(0.1, total_iters=5), CosineAnnealingLR(15)], [5])",
        warmed_up,
        "a warm-up of 5, then down to 0 at 20",
        horizon=20,
        initial=0.1,
        warmup=5,
        peak=1.0,
        final=0.0,
        decay=5,
    ),
    torch_case(
        "OneCycleLR(1.0, total_steps=10)",
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=10),
        "up to 1 at 2, down at 9",
        horizon=9,
        initial=0.04,
        warmup=2,
        peak=1.0,
        final=4e-6,
        decay=2,
    ),
    torch_case(
        "StepLR(10)",
        lambda o: lr_scheduler.StepLR(o, 10),
        "a tenth at 10, 20, 30",
        horizon=30,
        milestones=[10, 20, 30],
        decay=0,
        final=0.001,
    ),
    torch_case(
        "MultiStepLR([10, 25])",
        lambda o: lr_scheduler.MultiStepLR(o, [10, 25]),
        "a tenth at 10 and 25",
        horizon=30,
        milestones=[10, 25],
        after="stays",
    ),
    torch_case(
        "ExponentialLR(0.9)",
        lambda o: lr_scheduler.ExponentialLR(o, 0.9),
        "falls at every step",
        horizon=30,
        decay=0,
        strict=True,
        after="falls",
    ),
    torch_case(
        "PolynomialLR(total_iters=20, power=2)",
        lambda o: lr_scheduler.PolynomialLR(o, total_iters=20, power=2),
        "0 at 20, and stays",
        horizon=20,
        final=0.0,
        decay=0,
        after="stays",
    ),
)

STRAIGHT = optax.linear_schedule(1.0, 0.0, 100_000_000)

OPTAX = (
    function_case(
        "optax",
        "warmup_constant_schedule(0.0, 0.1, 0)",
        optax.warmup_constant_schedule(0.0, 0.1, 0),
        "0.1 from the first step on",
        "not-stuck-at-zero",
        horizon=100,
        iteration=0,
    ),
    *(
        function_case(
            "optax",
            f"linear_onecycle_schedule({steps}, 1.0)",
            optax.linear_onecycle_schedule(steps, 1.0),
            "begins at a 25th of the peak",
            "initial-rate",
            horizon=steps,
            initial=0.04,
            iteration=0,
        )
        for steps in (1, 2, 3)
    ),
    function_case(
        "optax",
        "linear_schedule(1.0, 0.0, 100_000_000)",
        STRAIGHT,
        "every step is a little lower",
        "decay",
        horizon=100_000_000,
        decay=50_000_000,
        strict=True,
    ),
    function_case(
        "optax",
        "warmup_cosine_decay_schedule(0.0, 0.1, 10, 100)",
        optax.warmup_cosine_decay_schedule(0.0, 0.1, 10, 100),
        "a warm-up of 10, 0 at 100",
        horizon=100,
        initial=0.0,
        warmup=10,
        peak=0.1,
        final=0.0,
        decay=10,
        after="stays",
    ),
    function_case(
        "optax",
        "cosine_decay_schedule(0.1, 1000)",
        optax.cosine_decay_schedule(0.1, 1000),
        "0.1 down to 0 at 1000, and stays",
        horizon=1000,
        peak=0.1,
        final=0.0,
        decay=0,
        after="stays",
    ),
    function_case(
        "optax",
        "linear_onecycle_schedule(100, 1.0)",
        optax.linear_onecycle_schedule(100, 1.0),
        "up to 1 at 30, down at 100",
        horizon=100,
        initial=0.04,
        warmup=30,
        peak=1.0,
        decay=30,
        after="stays",
    ),
    function_case(
        "optax",
        "piecewise_constant_schedule(1.0, {10: 0.1})",
        optax.piecewise_constant_schedule(1.0, {10: 0.1}),
        "a tenth at 10",
        horizon=30,
        milestones=[10],
        decay=0,
        after="stays",
    ),
    function_case(
        "optax",
        "join_schedules([linear, constant], [10])",
        optax.join_schedules([optax.linear_schedule(0.0, 0.1, 10), optax.constant_schedule(0.1)], [10]),
        "a warm-up of 10, then 0.1",
        horizon=100,
        warmup=10,
        peak=0.1,
        after="stays",
    ),
)

# a schedule with a condition is compiled anew at every call, so jax compiles it once
schedules = keras.optimizers.schedules

KERAS = (
    function_case(
        "keras",
        "PolynomialDecay(1e-5, 10)",
        schedules.PolynomialDecay(1e-5, 10),
        "decays",
        "decay",
        horizon=10,
        decay=0,
        iteration=1,
    ),
    function_case(
        "keras",
        "PiecewiseConstantDecay([10], [1.0, 0.1])",
        schedules.PiecewiseConstantDecay([10], [1.0, 0.1]),
        "a tenth at 10",
        "jumps",
        horizon=30,
        milestones=[10],
        iteration=11,
    ),
    function_case(
        "keras",
        "CosineDecay(0.1, 90, warmup_steps=10)",
        schedules.CosineDecay(0.1, 90, warmup_steps=10),
        "a warm-up of 10",
        "warmup",
        horizon=90,
        warmup=10,
    ),
    function_case(
        "keras",
        "CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10)",
        jax.jit(schedules.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10)),
        "0 at 100",
        "final-rate",
        horizon=100,
        final=0.0,
    ),
    function_case(
        "keras",
        "CosineDecay(0.0, 90, warmup_target=0.1, warmup_steps=10)",
        jax.jit(schedules.CosineDecay(0.0, 90, warmup_target=0.1, warmup_steps=10)),
        "a warm-up of 10, 0 at 100",
        horizon=100,
        initial=0.0,
        warmup=10,
        peak=0.1,
        final=0.0,
        decay=10,
        after="stays",
    ),
    function_case(
        "keras",
        "PolynomialDecay(0.1, 100, end_learning_rate=0.001)",
        schedules.PolynomialDecay(0.1, 100, end_learning_rate=0.001),
        "down to 0.001 at 100",
        horizon=100,
        initial=0.1,
        final=0.001,
        decay=0,
        after="stays",
    ),
    function_case(
        "keras",
        "ExponentialDecay(0.1, 10, 0.9)",
        schedules.ExponentialDecay(0.1, 10, 0.9),
        "falls at every step",
        horizon=100,
        initial=0.1,
        decay=0,
        strict=True,
        after="falls",
    ),
    function_case(
        "keras",
        "InverseTimeDecay(0.1, 10, 0.5)",
        schedules.InverseTimeDecay(0.1, 10, 0.5),
        "falls at every step",
        horizon=100,
        initial=0.1,
        decay=0,
        after="falls",
    ),
)

CASES: tuple[Case, ...] = TORCH + OPTAX + KERAS
"""All of them."""

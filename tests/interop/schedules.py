"""Every schedule of the frameworks, stepped as its own trainer steps it; and what lrsched makes of each."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any, NamedTuple

import jax
import numpy as np

from lrsched import convert
from lrsched.schedule import Floats, Schedule
from tests.interop.stepping import optimizer, schedulers_of_timm, stepped

__all__ = ["LR", "THEIRS", "Theirs", "made"]

LR = 0.1


HOMES = {
    "torch": "torch.optim.lr_scheduler",
    "transformers": "transformers.optimization",
    "mmengine": "mmengine.optim.scheduler",
    "optax": "optax",
    "keras": "keras.optimizers.schedules",
    "fvcore": "fvcore.common.param_scheduler",
}
"""Where the schedules of a library stand."""


def made(library: str, code: str, o: Any = None) -> Any:
    """A schedule from its code, for an optimizer ``o``."""
    return eval(code, {**vars(schedulers_of_timm() if library == "timm" else import_module(HOMES[library])), "o": o})


class Theirs(NamedTuple):
    """A schedule of a framework."""

    library: str  # whose it is
    code: str  # how it is written there; ``o`` is an optimizer with the rate 0.1
    horizon: int  # the last iteration that is looked at
    ours: str  # what lrsched makes of it, ``table`` or ``then`` for one without a name, or why there is none

    def made(self, o: Any) -> Any:
        """The schedule, for an optimizer."""
        return made(self.library, self.code, o)

    def stepped(self) -> Floats:
        """The rates of a run, stepped by the framework, or called by it, alone."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            o, count = optimizer(LR), self.horizon + 1
            theirs = self.made(o)
        if self.library == "fvcore":
            return np.array([theirs(i / count) for i in range(count)], np.float64)
        if self.library in ("optax", "keras"):
            return called(theirs, count)

        def step(t: int) -> None:
            for each in theirs if isinstance(theirs, list) else [theirs]:
                if self.library == "timm":
                    each.step(t + 1)
                    each.step_update(t + 1)
                else:
                    each.step()

        return np.array(stepped(o, step, count))

    def read(self) -> Schedule:
        """What lrsched makes of it."""
        last = self.horizon
        if self.library == "optax":
            return convert.from_optax(self.made(None), horizon=last)
        if self.library == "keras":
            return convert.from_keras(self.made(None), horizon=last)
        if self.library == "timm":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PlateauLRScheduler says that it will go
                return convert.from_timm(self.made(optimizer(LR)), horizon=last)
        if self.library == "fvcore":
            return convert.from_table(self.stepped())
        return convert.from_torch(self.made, lr=LR, horizon=last)

    def trained(self, schedule: Schedule) -> Floats:
        """The rates with which the framework would train with a schedule of ours."""
        if self.library in ("optax", "keras"):
            to = convert.to_optax if self.library == "optax" else convert.to_keras
            return called(to(schedule, horizon=self.horizon), self.horizon + 1)
        o = optimizer(123.0)
        scheduler = convert.to_torch(schedule, o)
        return np.array(stepped(o, lambda t: scheduler.step(), self.horizon + 1))


def called(function: Any, count: int) -> Floats:
    """The rates of a function that jax compiles, called as it trains."""
    rate = jax.jit(function)
    return np.array([float(rate(i)) for i in range(count)])


METRIC = "none: it follows a metric"

# fmt: off
THEIRS = tuple(Theirs(*case) for case in (
    ("torch", "LambdaLR(o, lambda t: 0.95 ** t)", 90, "step(peak=0.1, every=1, factor=0.95, horizon=90)"),
    ("torch", "LambdaLR(o, lambda t: 1 / (1 + t))", 90, "table"),
    ("torch", "MultiplicativeLR(o, lambda t: 0.95)", 90, "step(peak=0.1, every=1, factor=0.95, horizon=90)"),
    ("torch", "StepLR(o, 30)", 90, "step(peak=0.1, every=30, horizon=90)"),
    ("torch", "MultiStepLR(o, [30, 80])", 90, "multi_step(peak=0.1, milestones=(30, 80), horizon=90)"),
    ("torch", "ConstantLR(o, 0.5, 10)", 90, "then"),
    ("torch", "LinearLR(o, 0.1, total_iters=5)", 90, "warmup(5, peak=0.1, initial=0.01)"),
    ("torch", "ExponentialLR(o, 0.95)", 90, "step(peak=0.1, every=1, factor=0.95, horizon=90)"),
    ("torch", "PolynomialLR(o, 90, power=2.5)", 90, "polynomial(peak=0.1, horizon=90, power=2.5)"),
    ("torch", "CosineAnnealingLR(o, 90, eta_min=1e-4)", 90, "cosine(peak=0.1, horizon=90, final=0.0001)"),
    ("torch", "CosineAnnealingLR(o, 40)", 90, "table"),
    ("torch", "CosineAnnealingWarmRestarts(o, 30)", 90, "repeated(cosine(peak=0.1, horizon=30), period=30, times=4)"),
    ("torch", "CosineAnnealingWarmRestarts(o, 10, 2)", 90, "table"),
    ("torch", "CyclicLR(o, 0.001, 0.1, step_size_up=20)", 90, "cyclic(peak=0.1, up=20, cycles=3, floor=0.001, down=20)"),
    ("torch", "OneCycleLR(o, 0.1, total_steps=91)", 90, "clocked(one_cycle(peak=0.1, horizon=1800, final=4e-07, warmup=526, initial=0.004), times=20)"),
    ("torch", "OneCycleLR(o, 0.1, total_steps=100)", 99, "one_cycle(peak=0.1, horizon=99, final=4e-07, warmup=29, initial=0.004)"),
    ("torch", "OneCycleLR(o, 0.1, total_steps=100, anneal_strategy='linear', three_phase=True)", 99, "table"),
    ("torch", "SequentialLR(o, [LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 85)], [5])", 90, "cosine(peak=0.1, horizon=90, warmup=5, initial=0.01)"),
    ("torch", "ChainedScheduler([LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 90)], o)", 90, "table"),
    ("torch", "ReduceLROnPlateau(o)", 90, METRIC),
    ("optax", "constant_schedule(0.1)", 90, "constant(0.1)"),
    ("optax", "linear_schedule(0.1, 0.0, 90)", 90, "linear(peak=0.1, horizon=90)"),
    ("optax", "polynomial_schedule(0.1, 0.001, 2.5, 90)", 90, "polynomial(peak=0.1, horizon=90, power=2.5, final=0.001)"),
    ("optax", "exponential_decay(0.1, 10, 0.5)", 90, "step(peak=0.1, every=1, factor=0.933032991536807, horizon=90)"),
    ("optax", "exponential_decay(0.1, 10, 0.5, staircase=True)", 90, "step(peak=0.1, every=10, factor=0.5, horizon=90)"),
    ("optax", "cosine_decay_schedule(0.1, 90, alpha=0.1)", 90, "cosine(peak=0.1, horizon=90, final=0.01)"),
    ("optax", "piecewise_constant_schedule(0.1, {30: 0.1, 80: 0.1})", 90, "multi_step(peak=0.1, milestones=(30, 80), horizon=90)"),
    ("optax", "piecewise_interpolate_schedule('linear', 0.1, {30: 0.5, 80: 0.1})", 90, "table"),
    ("optax", "piecewise_interpolate_schedule('cosine', 0.1, {30: 0.5, 80: 0.1})", 90, "table"),
    ("optax", "linear_onecycle_schedule(100, 0.1)", 100, "table"),
    ("optax", "cosine_onecycle_schedule(100, 0.1)", 100, "one_cycle(peak=0.1, horizon=100, final=4e-07, warmup=30, initial=0.004)"),
    ("optax", "warmup_constant_schedule(0.0, 0.1, 10)", 90, "warmup(10, peak=0.1)"),
    ("optax", "warmup_cosine_decay_schedule(0.0, 0.1, 10, 90)", 90, "cosine(peak=0.1, horizon=90, warmup=10)"),
    ("optax", "warmup_exponential_decay_schedule(0.0, 0.1, 10, 50, 0.5)", 90, "then"),
    ("optax", "sgdr_schedule([dict(init_value=0.0, peak_value=0.1, decay_steps=45, warmup_steps=10)] * 2)", 90, "table"),
    ("optax", "join_schedules([linear_schedule(0.0, 0.1, 10), cosine_decay_schedule(0.1, 80)], [10])", 90, "cosine(peak=0.1, horizon=90, warmup=10)"),
    ("keras", "ExponentialDecay(0.1, 10, 0.9)", 90, "step(peak=0.1, every=1, factor=0.989519258206214, horizon=90)"),
    ("keras", "ExponentialDecay(0.1, 10, 0.9, staircase=True)", 90, "step(peak=0.1, every=10, factor=0.9, horizon=90)"),
    ("keras", "InverseTimeDecay(0.1, 10, 0.5)", 90, "table"),
    ("keras", "PiecewiseConstantDecay([30, 80], [0.1, 0.01, 0.001])", 90, "multi_step(peak=0.1, milestones=(31, 81), horizon=90)"),
    ("keras", "PolynomialDecay(0.1, 90, 0.001, power=2.0)", 90, "polynomial(peak=0.1, horizon=90, power=2.0, final=0.001)"),
    ("keras", "PolynomialDecay(0.1, 20, 0.001, cycle=True)", 90, "table"),
    ("keras", "CosineDecay(0.1, 90)", 90, "cosine(peak=0.1, horizon=90)"),
    ("keras", "CosineDecay(0.0, 80, warmup_target=0.1, warmup_steps=10)", 90, "cosine(peak=0.1, horizon=90, warmup=10)"),
    ("keras", "CosineDecayRestarts(0.1, 10, t_mul=1.0)", 90, "repeated(cosine(peak=0.1, horizon=10), period=10, times=10)"),
    ("keras", "CosineDecayRestarts(0.1, 10)", 90, "table"),
    ("timm", "CosineLRScheduler(o, 90)", 90, "cosine(peak=0.1, horizon=90)"),
    ("timm", "CosineLRScheduler(o, 85, warmup_t=5, warmup_lr_init=1e-4, warmup_prefix=True)", 90, "cosine(peak=0.1, horizon=90, warmup=5, initial=0.0001)"),
    ("timm", "CosineLRScheduler(o, 90, warmup_t=5, warmup_lr_init=1e-4)", 90, "then"),
    ("timm", "TanhLRScheduler(o, 90)", 90, "table"),
    ("timm", "PolyLRScheduler(o, 90, power=2.0)", 90, "polynomial(peak=0.1, horizon=90, power=2.0)"),
    ("timm", "StepLRScheduler(o, 30, decay_rate=0.1)", 90, "step(peak=0.1, every=30, horizon=90)"),
    ("timm", "StepLRScheduler(o, 30, decay_rate=0.1, noise_range_t=0)", 90, "table"),
    ("timm", "MultiStepLRScheduler(o, [30, 80], decay_rate=0.1)", 90, "multi_step(peak=0.1, milestones=(29, 79), horizon=90)"),
    ("timm", "WSDLRScheduler(o, 90, warmup_t=5, decay_t=20)", 90, "warmup_stable_decay(peak=0.1, horizon=95, warmup=5, decay=20, form='root')"),
    ("timm", "PlateauLRScheduler(o)", 90, METRIC),
    ("transformers", "get_scheduler('constant', o)", 90, "constant(0.1)"),
    ("transformers", "get_scheduler('constant_with_warmup', o, 10)", 90, "warmup(10, peak=0.1)"),
    ("transformers", "get_scheduler('linear', o, 10, 90)", 90, "linear(peak=0.1, horizon=90, warmup=10)"),
    ("transformers", "get_scheduler('cosine', o, 10, 90)", 90, "cosine(peak=0.1, horizon=90, warmup=10)"),
    ("transformers", "get_scheduler('cosine_with_restarts', o, 10, 90, scheduler_specific_kwargs={'num_cycles': 2})", 90, "then"),
    ("transformers", "get_scheduler('polynomial', o, 10, 90)", 90, "linear(peak=0.1, horizon=90, final=1e-07, warmup=10)"),
    ("transformers", "get_scheduler('inverse_sqrt', o, 10)", 90, "inverse_sqrt(peak=0.1, warmup=10)"),
    ("transformers", "get_scheduler('cosine_with_min_lr', o, 10, 90, scheduler_specific_kwargs={'min_lr': 0.01})", 90, "cosine(peak=0.1, horizon=90, final=0.01, warmup=10)"),
    ("transformers", "get_scheduler('cosine_warmup_with_min_lr', o, 10, 90, scheduler_specific_kwargs={'min_lr': 0.01})", 90, "table"),
    ("transformers", "get_scheduler('warmup_stable_decay', o, 10, 90, scheduler_specific_kwargs={'num_decay_steps': 20, 'decay_type': 'linear'})", 90, "warmup_stable_decay(peak=0.1, horizon=90, warmup=10, decay=20)"),
    ("transformers", "get_scheduler('reduce_lr_on_plateau', o)", 90, METRIC),
    ("transformers", "get_scheduler('greedy', o)", 90, METRIC),
    ("fvcore", "ConstantParamScheduler(0.1)", 89, "constant(0.1)"),
    ("fvcore", "LinearParamScheduler(0.1, 0.0)", 89, "linear(peak=0.1, horizon=90)"),
    ("fvcore", "CosineParamScheduler(0.1, 0.0)", 89, "cosine(peak=0.1, horizon=90)"),
    ("fvcore", "ExponentialParamScheduler(0.1, 0.01)", 89, "step(peak=0.1, every=1, factor=0.950118507318144, horizon=89)"),
    ("fvcore", "PolynomialDecayParamScheduler(0.1, 2)", 89, "polynomial(peak=0.1, horizon=90, power=2.0)"),
    ("fvcore", "StepParamScheduler(90, [0.1, 0.01, 0.001])", 89, "step(peak=0.1, every=30, horizon=89)"),
    ("fvcore", "StepWithFixedGammaParamScheduler(0.1, 2, 0.1, 90)", 89, "step(peak=0.1, every=30, horizon=89)"),
    ("fvcore", "MultiStepParamScheduler([0.1, 0.01, 0.001], 90, [30, 80])", 89, "multi_step(peak=0.1, milestones=(30, 80), horizon=89)"),
    ("fvcore", "CompositeParamScheduler([LinearParamScheduler(0.01, 0.1), CosineParamScheduler(0.1, 0.0)], [0.1, 0.9], ['rescaled'] * 2)", 89, "cosine(peak=0.1, horizon=90, warmup=9, initial=0.01)"),
    ("mmengine", "ConstantLR(o, 0.5, end=11)", 90, "then"),
    ("mmengine", "LinearLR(o, 0.1, end=6)", 90, "warmup(5, peak=0.1, initial=0.01)"),
    ("mmengine", "StepLR(o, 30)", 90, "step(peak=0.1, every=30, horizon=90)"),
    ("mmengine", "MultiStepLR(o, [30, 80])", 90, "multi_step(peak=0.1, milestones=(30, 80), horizon=90)"),
    ("mmengine", "ExponentialLR(o, 0.95)", 90, "step(peak=0.1, every=1, factor=0.95, horizon=90)"),
    ("mmengine", "CosineAnnealingLR(o, 90)", 90, "cosine(peak=0.1, horizon=90)"),
    ("mmengine", "PolyLR(o, power=2.0, end=91)", 90, "polynomial(peak=0.1, horizon=90, power=2.0)"),
    ("mmengine", "CosineRestartLR(o, [30] * 4, [1.0] * 4, eta_min=0.0)", 90, "repeated(cosine(peak=0.1, horizon=30), period=30, times=4)"),
    ("mmengine", "OneCycleLR(o, eta_max=0.1, total_steps=100)", 99, "one_cycle(peak=0.1, horizon=99, final=4e-07, warmup=29, initial=0.004)"),
    ("mmengine", "[LinearLR(o, 0.1, end=6), CosineAnnealingLR(o, 84, begin=6, end=90)]", 89, "warmup_stable_decay(peak=0.1, horizon=90, warmup=5, initial=0.01, decay=84, form='cosine')"),
    ("mmengine", "ReduceOnPlateauLR(o)", 90, METRIC),
))
"""All of them."""
# fmt: on

"""The schedules whose text is tested: each named one, each combinator and policy, and configs of other trainers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lrsched import schedules as make
from lrsched.schedule import Schedule
from lrsched.trainers.darknet import Net
from lrsched.trainers.huggingface.schedules import TYPES, schedule_of
from lrsched.trainers.yolov5 import ERAS, Hyp

__all__ = ["HORIZON", "SCHEDULES"]

HORIZON = 1000


def named() -> Iterator[Schedule]:
    run: dict[str, Any]
    for run in (
        {"peak": 0.1, "horizon": HORIZON},
        {"peak": 0.1, "horizon": HORIZON, "warmup": 100},
        {"peak": 0.1, "horizon": HORIZON, "warmup": 100, "initial": 0.001},
        {"peak": 1.0, "horizon": HORIZON, "warmup": 1, "initial": 1.0},
    ):
        yield from (make.linear(**run), make.linear(**run, final=0.01), make.exponential(**run, final=0.001))
        yield from (make.polynomial(**run, power=2.5), make.polynomial(**run, final=0.01))
        yield from (make.cosine(**run), make.cosine(**run, final="1%"))
        forms: tuple[Any, ...] = ("linear", "cosine", "root", "exponential")
        yield from (make.warmup_stable_decay(**run, final=0.001, form=form) for form in forms)
        yield from (make.warmup_stable_decay(**run, form=form) for form in forms[:3])
        yield from (make.step(**run, every=300), make.multi_step(**run, milestones=[400, 800], factor=0.5))
    yield from (
        make.one_cycle(peak=0.1, horizon=HORIZON),
        make.one_cycle(peak=0.1, horizon=HORIZON, warmup=0, final=0.0),
    )
    yield from (
        make.constant(0.1),
        make.inverse_sqrt(peak=0.1, warmup=100),
        make.inverse_sqrt(peak=0.1, warmup=100, horizon=800),
    )
    yield make.cosine_with_restarts(peak=0.1, cycle=200, cycles=4)
    yield make.cosine_with_restarts(peak=0.1, cycle=99, cycles=3, mult=1.5, shrink=0.5, floor=0.001)
    yield from (
        make.cyclic(peak=0.1, up=100, cycles=4),
        make.cyclic(peak=0.1, up=100, down=57, cycles=9, floor=0.01, shrink=0.5),
    )
    yield from (make.table([0, 100, 400, 500], [0.0, 0.1, 0.1, 0.01]), make.table([7], [0.1]))
    rises: tuple[Any, ...] = ("linear", "cosine", "quadratic", "logarithmic", "exponential", "constant")
    yield from (make.warmup(200, peak=0.1, initial=0.001, form=form) for form in rises)


def combined() -> Iterator[Schedule]:
    part = make.cosine(peak=0.1, horizon=700, warmup=50)
    yield from (make.clamped(part, low=0.01, high=0.08), make.clamped(part, high=0.05), make.held(part, at=400))
    yield from (make.shifted(part, by=100), make.shifted(part, by=-100))
    yield from (make.repeated(part, period=300), make.repeated(part, period=300, times=3))
    yield from (make.per_epoch(make.cosine(peak=0.1, horizon=10), iterations=100), make.clocked(part, times=2))
    yield make.clocked(part, late=3, times=2, each=3, skipped=[500, 10])
    yield from (
        make.warmup(100) * make.step(peak=0.1, every=300),
        part * 2 + 0.001,
        part / 3,
        -part + 1,
        part + part * make.warmup(9),
    )
    yield make.warmup(100, peak=0.1).then(part).then(make.constant(0.001), at=950)
    yield make.warmup(100, peak=0.1).then(part.then(make.linear(peak=0.1, horizon=200), at=300))
    yield part.then(make.linear(peak=0.1, horizon=2000).then(make.constant(0.5), at=800), at=500, count_from="zero")


POLICIES: dict[str, dict[str, Any]] = {
    "constant": {},
    "step": {"step": 300, "scale": 0.3},
    "steps": {"steps": (400, 800), "scales": (0.1, 0.5)},
    "exp": {"gamma": 0.995},
    "poly": {"power": 2.5},
    "sigmoid": {"gamma": 2.0, "step": 500},
    "sgdr": {"sgdr_cycle": 100},
}


def darknet() -> Iterator[Schedule]:
    def net(burn_in: int, **keys: Any) -> Schedule:
        return Net(learning_rate=0.00261, max_batches=HORIZON, burn_in=burn_in, **keys).schedule()

    for burn_in in (0, 100):
        yield from (net(burn_in, policy=policy, **keys) for policy, keys in POLICIES.items())
        yield from (net(burn_in, policy="sgdr"), net(burn_in, policy="sgdr", sgdr_cycle=300, sgdr_mult=1))
        yield net(burn_in, policy="steps", steps=(400, 300, -1, 900), scales=(0.1, 2.0, 0.5, 0.0))
    yield net(100, policy="step", step=-300, scale=0.5)  # a table: who writes that?


def configs() -> Iterator[Schedule]:
    own: dict[str, dict[str, Any]] = {
        "warmup_stable_decay": {"num_decay_steps": 200},
        "cosine_with_restarts": {"num_cycles": 3},
    }
    for kind in TYPES:
        keywords = {"min_lr": 0.001} if "min_lr" in kind else own.get(kind, {})
        yield from (schedule_of(kind, 0.1, warm, HORIZON, **keywords) for warm in (0, 100))
    for era in ERAS.values():
        for decay in ("", *era.decays):
            curves = Hyp(era=era, decay=decay, epochs=10, iterations_per_epoch=100).schedules()
            yield from (curves["weights"], curves["bias"])


SCHEDULES: list[Schedule] = [each for group in (named, combined, darknet, configs) for each in group()]
"""All of them."""

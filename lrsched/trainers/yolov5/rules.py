"""What the planner knows of a run of this family: rules about its own keys, and the keys that bend its curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from lrsched.rules import Changes, Configs, Finding, Fix, Offer, Rule, Run, Terms, change, error, note, rule, warning
from lrsched.rules import Planning as AnyPlanning
from lrsched.search import least
from lrsched.shaping import rounded_rate
from lrsched.text import joined, number
from lrsched.trainers.yaml import entries
from lrsched.trainers.yolov5.eras import era_named
from lrsched.trainers.yolov5.hyp import AUTO_ITERATIONS, Accumulate, Curve, GroupRate, Hyp, Momentum
from lrsched.trainers.yolov5.reading import GIVEN, read_config

__all__ = ["CONFIGS", "RULES", "Planning"]

BIAS_FACTOR = 10.0  # the usual warmup_bias_lr is ten times the usual lr0; where it is more, the biases jump
LOW_LRF = 0.005  # below this a fraction is probably meant as a rate: 0.01 to 0.2 are usual
SHORT_NOTED, SHORT_WARNING = 0.002, 0.01  # by so much a momentum that stays low is worth a note, and a warning
WARMUP_SHARE = 10  # offers keep the warm-up to this fraction (1/10) of the run
USUAL_MOMENTUM, USUAL_LR0 = 0.937, 0.01
# what stands in hyp.yaml; the rest are options of train.py
HYP_KEYS = ("lr0", "lrf", "momentum", "warmup_epochs", "warmup_momentum", "warmup_bias_lr")


def pointed(run: Run, _: Finding) -> Iterator[Offer]:
    """The same numbers as Python writes them."""
    yield Offer({key: getattr(run.config, key) for key in run.config.texts}, "the same numbers, with a decimal point")


@rule("number-read-as-text", pointed)
def number_read_as_text(run: Run) -> Iterator[Finding]:
    """PyYAML takes 1e-3 for a text: a number with an exponent needs a point."""
    if keys := joined(run.config.texts):
        what = "a number with an exponent and no decimal point"
        yield error(f"{keys}: {what}, which the trainer reads as text, and stops.")


@rule("warmup-minimum", notes=True)
def warmup_minimum(run: Run) -> Iterator[Finding]:
    """Most versions warm up for at least 100 or 1000 iterations, also where warmup_epochs is 0."""
    hyp: Hyp = run.config
    if hyp.warmup == hyp.era.floor and hyp.warmup > math.ceil(hyp.warmup_epochs * hyp.nb):
        yield note(
            f"warmup_epochs {number(hyp.warmup_epochs)} still warms up for {hyp.warmup} iterations, the minimum of "
            f"{hyp.era.title}: {number(hyp.warmup / hyp.nb)} epochs. warmup_bias_lr {number(hyp.used.lr0)} and "
            f"warmup_momentum {number(hyp.momentum)} soften it.",
            0,
            hyp.warmup,
        )


def as_the_weights(run: Run, _: Finding) -> Iterator[Offer]:
    """No other rate for the biases."""
    yield Offer({"warmup_bias_lr": run.config.used.lr0}, "the biases begin at the rate of the weights")


@rule("warmup-bias-high", as_the_weights)
def warmup_bias_high(run: Run) -> Iterator[Finding]:
    """The biases begin at warmup_bias_lr and fall to lr0: far above lr0 they undo what pretrained weights know."""
    hyp: Hyp = run.config
    factor = hyp.used.warmup_bias_lr / hyp.used.lr0 if hyp.used.lr0 else math.inf
    if hyp.warmup > 0 and factor > BIAS_FACTOR / run.margin * (1 + 1e-9) and hyp.used.warmup_bias_lr > 0:
        yield warning(
            f"The biases begin at warmup_bias_lr {number(hyp.used.warmup_bias_lr)}, {number(factor)} times the rate of "
            f"{number(hyp.used.lr0)}: the first {hyp.warmup} iterations may spoil pretrained weights.",
            0,
            hyp.warmup,
        )


def straight(run: Run, _: Finding) -> Iterator[Offer]:
    """The whole number of epochs, with which nothing is added; or the decay that knows the new number."""
    hyp: Hyp = run.config
    yield Offer({"epochs": hyp.total_epochs}, f"the cosine over all {hyp.total_epochs} epochs")
    yield Offer({hyp.decay or "cos_lr": False}, "the linear decay, which follows the new number of epochs")


@rule("cosine-of-old-epochs", straight)
def cosine_of_old_epochs(run: Run) -> Iterator[Finding]:
    """A fine-tune adds epochs, but the cosine was made with the old number: the rate rises again and falls again."""
    hyp: Hyp = run.config
    if hyp.decay_used.captured and hyp.total_epochs != hyp.epochs:
        first, peak = hyp.first_epoch * hyp.nb, 2 * hyp.epochs
        end = run.rate(hyp.iterations - 1)
        turns = f", is at its peak at epoch {peak}" if hyp.first_epoch < peak < hyp.total_epochs else ""
        yield error(
            f"From epoch {hyp.first_epoch} the run goes on to {hyp.total_epochs}, but the cosine keeps its "
            f"{hyp.epochs} epochs: the rate begins at {number(run.rate(first))}{turns} and ends at {number(end)}.",
            first,
        )


@rule("linear-negative-past-end", lambda run, _: [Planning(run.config).stretched(run.target or 0)])
def linear_negative_past_end(run: Run) -> Iterator[Finding]:
    """The linear decay of YOLOv5 is not clamped: past its epochs the rate is negative."""
    hyp: Hyp = run.config
    over = run.target is not None and run.target >= hyp.iterations
    below = hyp.decay_used.formula(100 * hyp.epochs, hyp.epochs, hyp.lrf) < 0
    if over and below and not hyp.decay_used.captured:
        end = hyp.total_epochs
        from_epoch = least(lambda x: hyp.decay_used.formula(x, end, hyp.lrf) < 0, end, 100 * end)
        message = f"Past epoch {end} the linear decay goes on falling: from epoch {from_epoch} on the rate is negative."
        yield warning(f"{message} Set epochs before the run begins.", hyp.iterations, run.target or -1)


def arriving(run: Run, _: Finding) -> Iterator[Offer]:
    """A warm-up so long that its last step is small, or none."""
    hyp: Hyp = run.config
    needed = math.ceil((hyp.momentum - hyp.warmup_momentum) / (SHORT_NOTED / 2) / hyp.nb)
    if needed * WARMUP_SHARE <= hyp.epochs:
        yield Offer({"warmup_epochs": float(needed)}, "a warm-up whose last step is small")
    yield Offer({"warmup_epochs": 0.0}, "no warm-up: momentum and accumulate have their values at once")


@rule("warmup-stops-short", arriving)
def warmup_stops_short(run: Run) -> Iterator[Finding]:
    """Where the warm-up stops one before nw, its last momentum and accumulate stay for the whole run."""
    hyp: Hyp = run.config
    if hyp.last_warm < 0 or hyp.first_epoch or hyp.warmup >= hyp.iterations:
        return
    curves, last = hyp.schedules(), hyp.last_warm
    stays = float(curves["momentum"](last)) if "momentum" in curves else hyp.momentum
    short = abs(hyp.momentum - stays)
    if short > SHORT_NOTED / run.margin:
        make = warning if short > SHORT_WARNING / run.margin else note
        yield make(f"Momentum stays at {number(stays, 5)} from iteration {last} on, not {number(hyp.momentum)}.", last)
    batches, wanted = int(curves["accumulate"](last)), max(round(hyp.nbs / hyp.batch), 1)
    if batches != wanted:
        share = f"{wanted} (nbs {hyp.nbs} / batch {hyp.batch})"
        yield warning(f"Gradients of {batches} batches are summed from iteration {last} on, not of {share}.", last)


@rule("auto-ignores-lr0", change("lr0 and momentum count", lambda run: {"optimizer": run.config.used.optimizer}))
def auto_ignores_lr0(run: Run) -> Iterator[Finding]:
    """optimizer: auto chooses optimizer, rate and momentum, and the biases begin at 0."""
    hyp: Hyp = run.config
    if not hyp.is_auto:
        return
    sgd = hyp.used.optimizer == "SGD"
    own = hyp.lr0 not in (USUAL_LR0, hyp.used.lr0) or (hyp.momentum != USUAL_MOMENTUM and not sgd)
    ignored = f"lr0 {number(hyp.lr0)}" + ("" if sgd else f" and momentum {number(hyp.momentum)}")
    takes = f"SGD with {number(hyp.used.lr0)}" if sgd else f"AdamW with {number(hyp.used.lr0, 6)} and beta 0.9"
    count = f"{'more than' if sgd else 'at most'} {AUTO_ITERATIONS} iterations"
    make = warning if own else note
    yield make(f"optimizer: auto ignores {ignored} and warmup_bias_lr: for {count} it takes {takes}.")


@rule("epochs-frozen", notes=True)
def epochs_frozen(run: Run) -> Iterator[Finding]:
    """A resumed run takes the epochs that were stored; --epochs beside it does nothing."""
    hyp: Hyp = run.config
    if hyp.resumed or run.start > hyp.start:
        again = "model=last.pt epochs=N" if hyp.era.auto else "--weights last.pt --epochs N"
        yield note(
            f"A resumed run takes its epochs ({hyp.epochs}) from {hyp.era.resume_reads}: those on the command line "
            f"have no effect, and a finished run cannot be resumed. To train longer, start a new run: {again}."
        )


def as_a_fraction(run: Run, _: Finding) -> Iterator[Offer]:
    """The fraction whose rate was meant."""
    hyp: Hyp = run.config
    yield Offer({"lrf": rounded_rate(hyp.lrf / hyp.lr0, 4)}, f"the run ends at the rate {hyp.lrf:g}")


@rule("lrf-is-a-fraction", as_a_fraction)
def lrf_is_a_fraction(run: Run) -> Iterator[Finding]:
    """Taken for a rate, lrf makes the run end at about nothing: it is a fraction of lr0."""
    hyp: Hyp = run.config
    if 0 < hyp.lrf < LOW_LRF and hyp.lr0 > 0 and not hyp.is_auto:
        lrf, end = number(hyp.lrf), number(hyp.lr0 * hyp.lrf)
        yield warning(f"lrf {lrf} is a fraction of lr0: the run ends at {end}, not at {lrf}.")


def longer(run: Run, _: Finding) -> Iterator[Offer]:
    """The warm-up with more epochs after it."""
    epochs = math.ceil(WARMUP_SHARE * max(run.config.warmup, 1) / run.config.nb)
    yield Offer({"epochs": epochs}, "enough epochs that the warm-up is a tenth of the run")


RULES: tuple[Rule, ...] = (
    number_read_as_text,
    cosine_of_old_epochs,
    warmup_bias_high,
    linear_negative_past_end,
    lrf_is_a_fraction,
    auto_ignores_lr0,
    warmup_stops_short,
    warmup_minimum,
    epochs_frozen,
)


class Planning(AnyPlanning):
    """The keys that bend the curve of a run."""

    terms: ClassVar[Terms] = Terms(horizon="iteration ", again="start a new run from last.pt", kept="lr0")
    rules: ClassVar[tuple[Rule, ...]] = RULES
    fixes: ClassVar[Mapping[str, tuple[Fix, ...]]] = {"warmup-covers-run": (longer,)}

    def __init__(self, hyp: Hyp) -> None:
        self.hyp = hyp

    def about(self) -> Mapping[str, Any]:
        hyp = self.hyp
        known = {"epochs": hyp.total_epochs, "iterations_per_epoch": hyp.iterations_per_epoch}
        return {"config": hyp.source, "era": hyp.era.name, "decay": hyp.decay_used.name, **known}

    def files(self) -> Mapping[str, str]:
        return dict(self.hyp.files)

    def place_of(self, key: str) -> tuple[str, int] | None:
        found = ((file, entries(text, file).get(key)) for file, text in self.hyp.files)
        return next(((file, entry.line) for file, entry in found if entry is not None), None)

    def line(self, key: str, value: Any) -> str:
        """A line of hyp.yaml, else an option of train.py; Ultralytics takes ``key=value`` for all of them."""
        if value is None or self.hyp.era.auto:
            return super().line(key, value)
        if key in HYP_KEYS:
            return f"{key}: {value}"
        option = f"--{key.replace('_', '-')}"
        return f"{option} {value}" if not isinstance(value, bool) else option if value else f"no {option}"

    def stretched(self, horizon: int) -> Offer:
        epochs = math.ceil((horizon + 1) / self.hyp.nb)
        return Offer({"epochs": epochs}, f"the same curve over {epochs} epochs")

    def decaying(self, horizon: int, start: int = 0) -> Changes | None:
        return {"lrf": 0.01} if self.hyp.lrf > 0.2 else None

    def warmed(self, iterations: int) -> Changes | None:
        length = min(iterations // (WARMUP_SHARE * self.hyp.nb), 3)
        part = float(length) if length else rounded_rate(iterations / WARMUP_SHARE / self.hyp.nb, 2)
        return {"warmup_epochs": part} if part * self.hyp.nb >= self.hyp.era.floor else None

    def reaching(self, rate: float, iteration: int, ngpus: int = 1) -> Iterable[Offer]:
        hyp = self.hyp
        now = abs(float(hyp.schedules()["weights"](iteration)))
        full = abs(float(replace(hyp, lrf=1.0).schedules()["weights"](iteration)))
        none = float(replace(hyp, lrf=0.0).schedules()["weights"](iteration))
        if full > none and none < rate <= full:  # the rate is a straight line over lrf
            lrf = rounded_rate((rate * 1.0005 - none) / (full - none), 4)
            yield Offer({"lrf": lrf}, "a higher end" if lrf > hyp.lrf else "a lower end")
        if now > 0 and not hyp.is_auto:
            words = "a higher rate throughout" if rate > now else "a lower rate throughout"
            yield Offer({"lr0": rounded_rate(hyp.lr0 * rate / now * 1.0005, 4)}, words)

    def held(self, rate: float, horizon: int, ngpus: int = 1) -> Changes | None:
        return {"lr0": rounded_rate(rate, 4), "lrf": 1.0, "epochs": math.ceil((horizon + 1) / self.hyp.nb)}


CONFIGS = Configs(
    read=read_config,
    options=GIVEN,
    schedules=(GroupRate, Momentum, Accumulate, Hyp, era_named),
    config_of=lambda schedule: schedule.hyp if isinstance(schedule, Curve) else None,
    planning=Planning,
    points=("lr0", "warmup_epochs", "lrf", "epochs"),
)

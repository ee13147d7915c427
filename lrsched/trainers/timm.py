"""timm: the args.yaml of a run, the rates that its train.py makes of it, and summary.csv: one of each an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import numpy as np

from lrsched.log import Log, TrainerLogs
from lrsched.numbers import LAST_ITERATION, Param, declared
from lrsched.rules import Configs, Finding, Rule, Run, note, rule
from lrsched.rules import Planning as AnyPlanning
from lrsched.schedule import Floats, Iterations, Schedule
from lrsched.text import joined, number
from lrsched.trainers.printed.plateau import Plateau
from lrsched.trainers.printed.tables import columns_of
from lrsched.trainers.records import Keyed, Row, config_of, log_of, runs, text_of
from lrsched.trainers.yaml import ConfigError, entries

__all__ = ["CONFIGS", "LOGS", "Args", "read_config"]

Rate = Annotated[float, Param("a learning rate", 0.0, math.inf, (1e-6, 0.1))]
Count = Annotated[int, Param("how many", 1, LAST_ITERATION, (1, 1024))]
Share = Annotated[float, Param("a factor", 0.0, math.inf, (0.1, 1.0))]
Milestones = Annotated[tuple[float, ...], Param("epochs of the drops", 0, LAST_ITERATION, (10, 300))]

CYCLIC, STABLE = ("cosine", "tanh", "poly"), ("wsd", "rsqrt")
SCHEDULERS = (*CYCLIC, *STABLE, "step", "multistep", "plateau", "constant", "none")

# what is left of the rate after a share of the decay of wsd or rsqrt
DECAYS: Mapping[str, Callable[[float], float]] = {
    "linear": lambda x: 1 - x,
    "1-sqrt": lambda x: 1 - math.sqrt(x),
    "power": lambda x: 1 - math.sqrt(x),
    "cosine": lambda x: 0.5 * (1 + math.cos(math.pi * x)),
    "exp": lambda x: (0.1**x - 0.1) / 0.9,
}


@dataclass(frozen=True, kw_only=True)
class Args(Keyed):
    """The arguments that decide the rates, as args.yaml has them; ``updates_per_epoch`` and ``metric`` are of a run.

    >>> args = Args(lr=0.1, epochs=20, warmup_epochs=4, warmup_lr=0.01, min_lr=0.001)
    >>> args.schedules()["rate"]([0, 2, 4, 10, 19]).round(5).tolist()
    [0.01, 0.055, 0.09055, 0.0505, 0.00161]
    """

    sched: str = "cosine"
    epochs: Annotated[int, Param("epochs of the run", 1, LAST_ITERATION, (10, 300))] = 300
    lr: Annotated[float | None, Param("a learning rate", 0.0, math.inf, (1e-5, 0.5))] = None
    lr_base: Rate = 0.1
    lr_base_size: Count = 256
    lr_base_scale: str = ""
    batch_size: Count = 128
    grad_accum_steps: Count = 1
    opt: str = "sgd"
    min_lr: Rate = 0.0
    warmup_lr: Rate = 1e-5
    warmup_epochs: Annotated[float, Param("epochs, 0 for none", 0.0, LAST_ITERATION, (0, 20))] = 5.0
    warmup_prefix: bool = False
    cooldown_epochs: Annotated[int, Param("epochs at min_lr", 0, LAST_ITERATION, (0, 10))] = 0
    decay_epochs: Annotated[float | None, Param("epochs between drops", 0, LAST_ITERATION, (2, 90), zero=False)] = None
    decay_milestones: Milestones = (90.0, 180.0, 270.0)
    decay_rate: Share = 0.1
    lr_cycle_mul: Annotated[float, Param("length of a cycle over the one before", 0, 100, (1, 2), zero=False)] = 1.0
    lr_cycle_decay: Share = 0.1
    lr_cycle_limit: Count = 1
    lr_k_decay: Annotated[float, Param("exponent of the time", 0, 100, (0.5, 2), zero=False)] = 1.0
    lr_decay_fn: str = ""
    lr_stable_timescale: Annotated[float | None, Param("epochs", 0, LAST_ITERATION, (1, 20), zero=False)] = None
    lr_noise: Annotated[tuple[float, ...], Param("shares of the run", 0, LAST_ITERATION, (0, 1))] = ()
    eval_metric: str = "top1"
    patience_epochs: Annotated[int, Param("epochs without a better metric", 0, LAST_ITERATION, (1, 20))] = 10
    sched_on_updates: bool = False
    updates_per_epoch: Annotated[int, Param("updates of an epoch, 0: not known", 0, LAST_ITERATION, (10, 5000))] = 0
    source: str = field(default="<config>", compare=False)
    metric: tuple[float, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        declared(self)
        for name, known in (("sched", SCHEDULERS), ("lr_decay_fn", ("", *DECAYS))):
            if getattr(self, name) not in known:
                raise ConfigError(f"{name} is {getattr(self, name)!r}, whose rates are not known; {joined(known)} are")
        if self.lr_noise and self.sched != "none":
            raise ConfigError(f"lr_noise is {list(self.lr_noise)}, random numbers that no plan has; without it it can")
        if self.sched in STABLE:
            _ = self.stable  # what timm refuses is reported now
        if self.sched == "plateau" and self.sched_on_updates:
            raise ConfigError("sched plateau is stepped once an epoch, so timm stops; write sched_on_updates: false")

    @property
    def total_epochs(self) -> int:
        """The epochs of the run, warm-up and cooldown included where they are added."""
        prefix = self.warmup_epochs if self.warmup_prefix else 0
        if self.sched in (*CYCLIC, *STABLE):
            mul, count = (self.lr_cycle_mul, self.lr_cycle_limit) if self.sched in CYCLIC else (1.0, 1)
            endless = mul != 1 and count * math.log(mul) > 50
            cycles = math.inf if endless else count if mul == 1 else (mul**count - 1) / (mul - 1)
            return math.floor(min(self.epochs * cycles, LAST_ITERATION)) + math.floor(prefix) + self.cooldown_epochs
        return self.epochs + math.floor(prefix)

    @property
    def tick(self) -> float:
        """The epochs between two steps of the schedule; 0 where the updates of an epoch are not known."""
        if not self.sched_on_updates:
            return 1.0
        return 1 / self.updates_per_epoch if self.updates_per_epoch else 0.0

    @property
    def every(self) -> float:
        """``decay_epochs``, or what timm takes for it."""
        return self.decay_epochs or (0.2 if self.sched in STABLE else 90.0)

    @cached_property
    def stable(self) -> tuple[float, float, float]:
        """Of wsd and rsqrt: the epochs after the warm-up, those of the decay at their end, the scale of the root."""
        length, scale = self.epochs - self.warmup_epochs * (not self.warmup_prefix), self.lr_stable_timescale
        decay = self.every * (length if self.every < 1 else 1)
        decay = round(decay / self.tick) * self.tick if self.tick else decay
        if not 0 < decay <= length:
            have = f"the decay of {number(decay)} epochs does not fit into the {number(length)} after the warm-up"
            raise ConfigError(f"sched is {self.sched!r}, and {have}; give fewer decay_epochs, or a share such as 0.2")
        if self.sched == "rsqrt" and not (scale or self.warmup_epochs):
            raise ConfigError("sched rsqrt without a warm-up needs lr_stable_timescale; give it in epochs")
        return length, decay, scale or self.warmup_epochs

    @cached_property
    def drops(self) -> tuple[int, ...]:
        """The epochs after which a plateau lowers the rate, as the metric of the log makes it."""
        rule = Plateau(monitor="loss", factor=self.decay_rate, patience=self.patience_epochs, torch=True)
        first, sign = int(self.warmup_epochs), 1 if "loss" in self.eval_metric else -1
        return tuple(first + row for row in rule.drops(sign * np.array(self.metric[first:])))

    def of_log(self, log: Log) -> Args:
        """The arguments with the metric that a plateau follows, where the log has it from the first epoch on."""
        name = {"loss": "val_loss"}.get(self.eval_metric, f"eval_{self.eval_metric}")
        whole = self.sched == "plateau" and np.array_equal(log.iteration, np.arange(len(log)))
        return replace(self, metric=tuple(log.column(name).tolist())) if whole else self

    def peak(self, ngpus: int = 1) -> float:
        """The rate before any schedule: ``lr``, or ``lr_base`` scaled by the images of an update.

        >>> Args(lr_base=0.1, batch_size=256, opt="sgd").peak(4), Args(lr_base=0.1, batch_size=256, opt="adamw").peak(4)
        (0.4, 0.2)
        """
        if self.lr is not None:
            return self.lr
        ratio = self.batch_size * ngpus * self.grad_accum_steps / self.lr_base_size
        adaptive = any(each in self.opt.lower() for each in ("ada", "lamb"))
        root = self.lr_base_scale == "sqrt" or (not self.lr_base_scale and adaptive)
        return self.lr_base * (ratio**0.5 if root else ratio)

    def caption(self, ngpus: int = 1) -> str:
        """The schedule in one line."""
        parts = (f"lr {number(self.peak(ngpus), 6)}", f"min_lr {number(self.min_lr, 6)}", f"epochs {self.epochs}")
        stalls = f"times {number(self.decay_rate)} where {self.eval_metric} stalls for {self.patience_epochs} epochs"
        last = f"{number(self.warmup_epochs)} warm-up epochs"
        return " · ".join([f"timm {self.sched}", *parts, last, *[stalls] * (self.sched == "plateau")])

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """The rate by the epoch; ``ngpus`` counts where ``lr`` is empty."""
        return {"rate": EpochRate(args=self, ngpus=ngpus)}


@dataclass(frozen=True, kw_only=True, repr=False)
class EpochRate(Schedule):
    """The rate of each epoch, in Python's floats as timm computes it; with sched_on_updates the one it ends with."""

    unit: ClassVar[str] = "epoch"

    args: Args
    ngpus: Count = 1

    @property
    def horizon(self) -> int | None:
        return max(min(self.args.total_epochs - 1, LAST_ITERATION), 0)

    @property
    def warmup(self) -> int:
        return max(math.ceil(self.args.warmup_epochs) - self.args.sched_on_updates, 0)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        """The end of the warm-up, and the drops."""
        args, begin = self.args, self.args.warmup_epochs if self.args.warmup_prefix else 0.0
        ahead = int(args.sched_on_updates)
        first, last, bends = first + ahead, last + ahead, {math.ceil(args.warmup_epochs)}
        if args.sched == "multistep":
            bends |= {math.ceil(begin + at - args.tick) for at in args.decay_milestones}
        elif args.sched == "step":
            drops = range(max(int((first - begin) / args.every), 1), int(last / args.every) + 1)
            bends |= {math.ceil(begin + drop * args.every) for drop in drops}
        elif args.sched == "plateau":
            bends |= {drop + 1 for drop in args.drops}
        elif args.sched in STABLE:
            bends |= {math.ceil(args.warmup_epochs + args.stable[0] - share) for share in (args.stable[1], 0)}
        elif args.sched in CYCLIC and args.lr_cycle_mul == 1:
            cycles = min(args.lr_cycle_limit, last // args.epochs)
            bends |= {math.ceil(begin + cycle * args.epochs) for cycle in range(1, cycles + 1)}
        return iter(sorted(bend - ahead for bend in bends if max(first, 1 + ahead) <= bend <= last))

    @property
    def caption(self) -> str:
        return self.args.caption(self.ngpus)

    def formula(self, t: Iterations) -> Floats:
        rates, peak = np.empty(len(t)), self.args.peak(self.ngpus)
        for row, epoch in enumerate(t.tolist()):
            try:
                rates[row] = _rate(self.args, peak, epoch + self.args.sched_on_updates)
            except OverflowError:  # where timm stops, because a number is too large
                rates[row] = math.inf
        return rates


def _rate(args: Args, peak: float, epoch: int) -> float:
    """The rate of one epoch."""
    length = args.warmup_epochs
    if args.sched == "none" or (epoch == 0 and not length):
        return peak  # the first step of a scheduler comes after epoch 0
    if epoch < length:
        goal = _after(args, peak, length) if args.sched == "tanh" and not args.warmup_prefix else peak
        return args.warmup_lr + epoch * ((goal - args.warmup_lr) / length)
    return _after(args, peak, epoch - length if args.warmup_prefix and args.sched != "plateau" else epoch)


def _after(args: Args, peak: float, t: float) -> float:
    """The rate at a time after the warm-up, of the schedule's own count."""
    if args.sched == "constant":
        return peak
    if args.sched == "step":
        steps = 1 / (args.tick or 1.0)  # an epoch has: a quotient is rounded as timm rounds it
        return float(peak * args.decay_rate ** ((t * steps) // (args.every * steps)))
    if args.sched == "multistep":
        # timm asks for the next step: the rate drops one epoch, or one update, before the milestone
        return float(peak * args.decay_rate ** sum(at <= t + args.tick for at in args.decay_milestones))
    if args.sched == "plateau":
        for _ in (drop for drop in args.drops if drop < t):
            low = max(peak * args.decay_rate, args.min_lr)
            peak = low if peak - low > 1e-8 else peak  # PyTorch leaves out a drop that changes next to nothing
        return peak
    if args.sched in STABLE:
        length, decay, scale = args.stable
        since = t - args.warmup_epochs * (not args.warmup_prefix)
        top = max(peak / math.sqrt(1 + since / scale) if args.sched == "rsqrt" else peak, args.min_lr)
        falls = DECAYS[args.lr_decay_fn or ("linear" if args.sched == "rsqrt" else "1-sqrt")]
        return args.min_lr + (top - args.min_lr) * falls(min(max((since - length) / decay + 1, 0.0), 1.0))
    cycle, passed, length = _cycle(args, t)
    if cycle >= args.lr_cycle_limit:
        return args.min_lr
    top, k = peak * args.lr_cycle_decay**cycle, args.lr_k_decay
    if args.sched == "tanh":
        x = passed / length
        left = 0.5 * (1 - math.tanh(-7.0 * (1.0 - x) + 3.0 * x))
    elif args.sched == "poly":
        left = (1 - passed**k / length**k) ** args.decay_rate
    else:
        left = 0.5 * (1 + math.cos(math.pi * passed**k / length**k))
    return float(args.min_lr + (top - args.min_lr) * left)


def _cycle(args: Args, t: float) -> tuple[int, float, float]:
    """The number of the cycle, the time since it began, and its length."""
    mul, first = args.lr_cycle_mul, args.epochs
    if mul == 1:
        return int(t // first), t - first * (t // first), first
    grown = 1 - t / first * (1 - mul)
    if grown <= 0:  # shrinking cycles come to an end
        return args.lr_cycle_limit, 0.0, 1.0
    number_of = math.floor(math.log(grown, mul))
    return number_of, t - (1 - mul**number_of) / (1 - mul) * first, mul**number_of * first


def read_config(source: Any, changes: Mapping[str, str] = MappingProxyType({})) -> Args:
    """Read the args.yaml that a run leaves beside its summary.csv, from the folder, the path or an open file.

    Arguments that are absent have the defaults of timm.

    Raises:
        ConfigError: for what cannot be read or planned, with the line.
        OSError: when the file cannot be opened.
    """
    text, label = text_of(source, "args.yaml")
    keys = entries(text, label)
    if not {"sched", "epochs"} <= keys.keys():
        raise ConfigError(f"{label}: there is no sched or no epochs; give the args.yaml of a run of timm's train.py.")
    return config_of(Args, keys, label, changes)


@rule("follows-a-metric", hides="never-decays", notes=True)
def follows_a_metric(run: Run) -> Iterator[Finding]:
    """A plateau waits for the metric of the run, so a plan has the rates before the first drop."""
    args = run.config
    if args.sched == "plateau" and not args.metric:
        yield note(
            f"The rate is multiplied by decay_rate {number(args.decay_rate)} each time {args.eval_metric} is no better "
            f"for more than {args.patience_epochs} epochs, which no plan knows; these are the rates without a drop."
        )


class Planning(AnyPlanning):
    """Arguments as the planner sees them."""

    rules: ClassVar[tuple[Rule, ...]] = (follows_a_metric,)


# --- summary.csv: a row an epoch, with the rate that its epoch, counted from 0, was trained with ----------------------


NAMES = {"epoch": "iteration", "lr": "rate", "train_lr": "rate", "train_loss": "loss", "eval_loss": "val_loss"}


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file with this beginning is a summary.csv."""
    header = beginning.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip().split(b",")
    evaluated = any(column.startswith(b"eval_") for column in header)
    return header[0] == b"epoch" and b"train_loss" in header and evaluated and b"step" not in header


def parse(data: bytes, source: str) -> list[Log]:
    """Every run in the file."""
    cells = columns_of(data.decode("utf-8-sig", "replace"), "epoch")
    rows: list[Row] = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    names = {key: name for key, name in NAMES.items() if key != "train_lr" or "lr" not in cells}
    return [log_of(run, names, source=source, trainer="timm", unit="epoch") for run in runs(rows, "epoch")]


LOGS = TrainerLogs(
    begins=begins, parse=parse, names=("summary.csv",), config_names=("args.yaml",), read_config=read_config
)

CONFIGS = Configs(
    read=read_config,
    schedules=(EpochRate, Args),
    planning=Planning,
    points=("lr", "warmup_epochs", "min_lr", "epochs"),
)

"""What the tests draw and write: runs by their parameters, texts of cfgs, schedules beside plain functions, logs.

Every generator and every writer of logs that more than one module of tests uses stands here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from hypothesis import HealthCheck, reject, settings
from hypothesis import strategies as st

from lrsched.log import Log
from lrsched.logs import read_log
from lrsched.numbers import declarations
from lrsched.schedule import BLOCK, LAST_ITERATION, Param, Schedule, params
from lrsched.schedules import NAMED, Sequential, clamped, clocked, held, per_epoch, repeated, shifted, table
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import DIALECTS, POLICIES, BurnIn, Net, Policy, parse_cfg

# --- runs of darknet's policies, by their parameters ---------------------------------------------------------------

ARITHMETICS = {dialect.name: dialect.arithmetic for dialect in DIALECTS}
ODD_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-45, -1e-45, 1.1754944e-38, 1e-20, 1e20, 3.4e38, 1e300, math.inf)
ODD_INTS = (0, 1, -1, 2, 7, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2**24, 2**24 + 1, LAST_ITERATION, -(2**31))


@dataclass(frozen=True)
class Run:
    """A policy by its parameters: for the oracle as they are, for lrsched as a schedule."""

    dialect: str
    policy: str
    values: dict[str, Any]
    burn_in: int = 0
    power: float = 4.0

    @property
    def oracle_values(self) -> dict[str, Any]:
        return {"power": self.power, **self.values, "burn_in": self.burn_in}

    @property
    def schedule(self) -> Schedule:
        kind = next(policy for policy in POLICIES if self.policy == policy.KEY)
        then: Policy = kind(**self.values, arithmetic=ARITHMETICS[self.dialect])
        return BurnIn(policy=then, burn_in=self.burn_in, power=self.power) if self.burn_in else then


def numbers(param: Param, *, whole: bool, sane: bool, longest: int) -> st.SearchStrategy[Any]:
    """Values of a parameter: those that people use, or any that a trainer accepts."""
    low, high = param.typical
    if whole:
        usual = st.integers(1, min(int(high), longest))
        odd = [n for n in ODD_INTS if param.low <= n <= param.high]
        wild = usual | st.integers(int(param.low), int(param.high)) | st.sampled_from(odd)
        return usual if sane else wild.filter(lambda n: n != 0 or param.zero)
    rates = st.floats(low, high) | st.floats(low, high).map(lambda x: float(np.float32(x)))
    odd_rates = [x for x in ODD_FLOATS if param.low <= x <= param.high]
    odd_rates += [math.nan] if math.isinf(param.high) else []
    return rates if sane else rates | st.floats(param.low, param.high) | st.sampled_from(odd_rates)


@st.composite
def runs(draw: st.DrawFn, policy: str | None = None, *, sane: bool | None = None, longest: int = 600_000) -> Run:
    """The parameters of any run; sane ones are those that people use."""
    kind = draw(st.sampled_from([each for each in POLICIES if policy in (None, each.KEY)]))
    sane = draw(st.booleans()) if sane is None else sane
    declared = declarations(kind)

    def drawn(name: str) -> st.SearchStrategy[Any]:
        hint, param = declared[name]
        return numbers(param, whole=int in (hint, *get_args(hint)), sane=sane, longest=longest)

    values = {name: draw(drawn(name)) for name in declared if name not in ("steps", "scales")}
    if "steps" in declared:
        at = draw(st.lists(drawn("steps"), max_size=6))
        scales = st.lists(drawn("scales"), min_size=len(at), max_size=len(at))
        values |= {"steps": tuple(sorted(at) if sane else at), "scales": tuple(draw(scales))}
    if "sgdr_cycle" in declared and values["max_batches"] >= 1:
        values["sgdr_cycle"] = draw(st.integers(1, min(longest, 5_000)) | st.sampled_from([values["sgdr_cycle"], None]))
    burn_in = st.just(0) | numbers(params(BurnIn)["burn_in"], whole=True, sane=sane, longest=longest)
    power = numbers(params(BurnIn)["power"], whole=False, sane=sane, longest=longest)
    return Run(
        dialect=draw(st.sampled_from(list(ARITHMETICS))),
        policy=kind.KEY,
        values=values,
        burn_in=draw(burn_in),
        power=values.get("power", draw(power | st.sampled_from([1.0, 2.0, 3.0, 4.0, 8.0]))),
    )


@st.composite
def iterations_of(draw: st.DrawFn, run: Run) -> int:
    """An iteration of a run, mostly one where something happens or where numbers get coarse."""
    values = run.values
    step, cycle = values.get("step") or 1, values.get("sgdr_cycle") or values["max_batches"] or 1
    drops = draw(st.integers(0, 40))
    landmarks = [0, run.burn_in, values["max_batches"], step, step * drops, cycle, cycle * drops, BLOCK * drops]
    landmarks += [sum(cycle * values.get("sgdr_mult", 1) ** k for k in range(drops % 12)), *values.get("steps", ())]
    near = st.tuples(st.sampled_from([*landmarks, 2**24, 2**31]), st.integers(-3, 3))
    beside = near.map(lambda pair: abs(sum(pair)) % 2**31)
    return draw(beside | st.integers(0, LAST_ITERATION) | st.integers(0, 2_000))


# --- texts of cfgs -------------------------------------------------------------------------------------------------

YOLO = """[net]
batch=64
subdivisions=16
learning_rate=0.001
burn_in=1000
max_batches=500200
policy=steps
steps=400000,450000
scales=.1,.1
"""
"""The keys of yolov3.cfg that decide its rate."""

LONG = 400
"""Iterations that the tests of schedules look at."""

KEYS = ["batch", "subdivisions", "time_steps", "learning_rate", "burn_in", "max_batches", "power", "angle", "B1"]
KEYS_OF_POLICY = {
    "step": ["step", "scale"],
    "steps": ["steps", "scales", "seq_scales"],
    "exp": ["gamma"],
    "sigmoid": ["gamma", "step"],
    "sgdr": ["sgdr_cycle", "sgdr_mult", "learning_rate_min", "steps"],
}
PLAIN_NUMBERS = st.integers(-2, 600_000).map(str) | st.floats(0, 2).map(lambda x: f"{x:.7f}".rstrip("0"))
ODD_NUMBERS = st.sampled_from(  # one string, because a list would take 31 lines
    "1e-3 1e0 5e5 .1 1. . - + 0x10 0x 0x1p4 inf -inf nan infinity NaN(1) 500,200 1_000 1.5.5 --1 -0 "  # noqa: SIM905
    "1e999 1e-999 00000000000000000012 99999999999 4294967296 -2147483648 2147483648 9223372036854775808 1e-45 "
    "junk".split()
)
LISTS = st.lists(PLAIN_NUMBERS | ODD_NUMBERS, max_size=5).map(",".join)
ODD_POLICIES = ["POLY", "cosine", "poly # x", "", "step s", "sgdr\r"]


@st.composite
def cfg_texts(draw: st.DrawFn) -> str:
    """The text of a cfg as a person could have written it, with whatever is odd."""

    def one(*usual: str, odd: Iterable[str] = ()) -> str:
        return draw(st.sampled_from([*usual, *odd]))

    policy = one(*(known.KEY for known in POLICIES), odd=ODD_POLICIES)
    others = [key for keys in KEYS_OF_POLICY.values() for key in keys]
    keys = [key for key in KEYS_OF_POLICY.get(policy, []) if draw(st.integers(0, 5))]
    keys += draw(st.lists(st.sampled_from(KEYS + others), max_size=6))
    lines = [one("[net]", odd=["[network]", " [net] ", "[net", "[ne]t", "[nets]"])]
    for key in ["policy", *keys]:
        value = policy
        if key in ("steps", "scales", "seq_scales"):
            value = draw(LISTS)
        elif key != "policy":
            value = draw(PLAIN_NUMBERS | ODD_NUMBERS)
        equals, after = (
            one("=", odd=[" = ", "= ", "\t=", "", "=="]),
            one("", odd=["", " ", " # was 3,4", "#5", ";", "\r"]),
        )
        lines.append(f"{key}{equals}{value}{after}")
        lines += draw(st.sampled_from([[], [], [], [""], ["# a note"], ["; a note"], [f"#{key}=1"]]))
    lines += draw(st.sampled_from([[], ["[convolutional]", "filters=8"], ["[yolo]"]]))
    return one("\n", odd=["\n", "\r\n"]).join(lines) + draw(st.sampled_from(["\n", ""]))


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text with up to four places overwritten, cut or filled with anything."""
    text = draw(texts)
    anything = st.text(max_size=3) | st.sampled_from("\n[]=,#\r\x0b\xa0\ufeff\x85")
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(begin + draw(st.integers(0, 4)), len(text))
        text = text[:begin] + draw(anything) + text[end:]
    return text


def net_of(text: str, dialect: str = "alexeyab") -> Net:
    """A cfg from ``key=value`` words."""
    return parse_cfg("\n".join(["[net]", *text.split(), ""]), dialect)


# --- schedules, each with a plain function that says the same in one line -----------------------------------------

Rate = Callable[[int], float]


@dataclass(frozen=True)
class Tree:
    """A schedule, the same as a plain function, and how much neighbours differ where no milestone lies between."""

    schedule: Schedule
    rate: Rate
    slope: float
    top: float


def harmonic(t: Any) -> Any:
    return 0.1 / (t + 1)


def staircase(t: Any) -> Any:
    return 0.5 ** (t // 7)


LEVELS = st.sampled_from([0.0, 0.1, 1.0, 0.3]) | st.floats(2.0**-20, 1.0)


@st.composite
def named_schedules(draw: st.DrawFn, longest: int = 60) -> Schedule:
    """Any named schedule but a table, where the parameters that are drawn fit together."""
    made_of_numbers = [f for name, f in NAMED.items() if name != "table" and "schedule" not in params(f)]
    function = draw(st.sampled_from(made_of_numbers))
    values: dict[str, Any] = {}
    for name, (_, param) in declarations(function).items():
        values[name] = draw(LEVELS)
        if param.text == "time":
            values[name] = draw(st.integers(1, longest) if name == "horizon" else st.integers(0, longest // 3))
        elif name in ("cycles", "mult", "power"):
            values[name] = draw(st.integers(1, 4))
    if "milestones" in values:
        values["milestones"] = sorted({values["milestones"] + values["warmup"] + 1, longest})
    try:
        made: Schedule = function(**values)
    except ValueError:
        reject()
    return made


@st.composite
def tables(draw: st.DrawFn, longest: int = 60) -> Schedule:
    """Any table."""
    at = draw(st.lists(st.integers(0, longest), min_size=1, max_size=5, unique=True).map(sorted))
    return table(at, [draw(LEVELS) for _ in at])


def leaf(source: Any) -> Tree:
    """A schedule that is no composite: its own rates, its largest change measured."""
    schedule = as_schedule(source)
    rates = schedule.rates(0, 2 * LONG).tolist()
    bends = set(schedule.milestones(0, 2 * LONG))
    changes = [abs(b - a) for t, (a, b) in enumerate(pairwise(rates), 1) if t not in bends]

    def rate(t: int) -> float:
        return rates[t] if t < len(rates) else float(schedule(t))

    return Tree(schedule, rate, max(changes, default=0.0), max(map(abs, rates)))


# policies as people use them: rates that are numbers, from 0 to 1
GENTLE = runs(sane=True, longest=60).filter(lambda run: run.policy != "poly").map(lambda run: run.schedule)
LEAVES = st.one_of(named_schedules(), tables(), GENTLE, st.sampled_from([harmonic, staircase])).map(leaf)


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Tree:
    """A composite of composites, up to ``depth`` deep."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(LEAVES)
    below = trees(depth - 1)
    if draw(st.integers(0, 3)) == 0:
        return _joined(draw, draw(st.lists(below, min_size=2, max_size=3)))
    kinds = [_multiplied, _added, _scaled, _shifted, _repeated, _held, _clamped, _clocked, _slowed]
    return draw(st.sampled_from(kinds))(draw, draw(below), below)


slow_to_draw = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
Below: TypeAlias = st.SearchStrategy[Tree]


def _multiplied(draw: st.DrawFn, a: Tree, below: Below) -> Tree:
    b = draw(below)
    slope = a.slope * b.top + b.slope * a.top + a.slope * b.slope
    return Tree(a.schedule * b.schedule, lambda t: a.rate(t) * b.rate(t), slope, a.top * b.top)


def _added(draw: st.DrawFn, a: Tree, below: Below) -> Tree:
    b = draw(below)
    return Tree(a.schedule + b.schedule, lambda t: a.rate(t) + b.rate(t), a.slope + b.slope, a.top + b.top)


def _scaled(draw: st.DrawFn, a: Tree, below: Below) -> Tree:
    factor = draw(st.sampled_from([0.1, 3.0, -1.0, 0.0]))
    return Tree(a.schedule * factor, lambda t: a.rate(t) * factor, a.slope * abs(factor), a.top * abs(factor))


def _shifted(draw: st.DrawFn, a: Tree, below: Below) -> Tree:
    by = draw(st.integers(-40, 40))
    return Tree(shifted(a.schedule, by=by), lambda t: a.rate(max(t - by, 0)), a.slope, a.top)


def _repeated(draw: st.DrawFn, a: Tree, below: Below) -> Tree:
    period, times = draw(st.integers(1, 50)), draw(st.none() | st.integers(1, 5))

    def rate(t: int) -> float:
        return a.rate(t % period if times is None else t - period * min(t // period, times - 1))

    return Tree(repeated(a.schedule, period=period, times=times), rate, a.slope, a.top)


def _held(draw: st.DrawFn, a: Tree, below: Below) -> Tree:
    at = draw(st.integers(0, 100))
    return Tree(held(a.schedule, at=at), lambda t: a.rate(min(t, at)), a.slope, a.top)


def _clamped(draw: st.DrawFn, a: Tree, below: Below) -> Tree:
    low, high = draw(st.sampled_from([(0.01, math.inf), (-math.inf, 0.2), (0.05, 0.15)]))
    bounds = {name: limit for name, limit in (("low", low), ("high", high)) if math.isfinite(limit)}
    schedule = clamped(a.schedule, **bounds)
    return Tree(schedule, lambda t: min(max(a.rate(t), low), high), a.slope, max(a.top, 0.05))


def _clocked(draw: st.DrawFn, a: Tree, below: Below) -> Tree:
    late, times, each = draw(st.integers(-5, 20)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    skipped = draw(st.lists(st.integers(0, 60), max_size=3))

    def rate(t: int) -> float:
        return a.rate(max((t - late) * times // each - sum(lost <= t for lost in skipped), 0))

    schedule = clocked(a.schedule, late=late, times=times, each=each, skipped=skipped)
    return Tree(schedule, rate, a.slope * math.ceil(times / each), a.top)


def _slowed(draw: st.DrawFn, a: Tree, below: Below) -> Tree:
    iterations = draw(st.integers(1, 50))
    return Tree(per_epoch(a.schedule, iterations=iterations), lambda t: a.rate(t // iterations), a.slope, a.top)


def _joined(draw: st.DrawFn, parts: list[Tree]) -> Tree:
    at = draw(st.lists(st.integers(1, 90), min_size=len(parts) - 1, max_size=len(parts) - 1, unique=True).map(sorted))
    words: list[Literal["boundary", "zero"]] = ["boundary", "zero"]
    count_from = draw(st.sampled_from(words))

    def rate(t: int) -> float:
        index = sum(t >= boundary for boundary in at)
        begin = at[index - 1] if index and count_from == "boundary" else 0
        return parts[index].rate(t - begin)

    made = Sequential(schedules=tuple(part.schedule for part in parts), at=tuple(at), count_from=count_from)
    return Tree(made, rate, max(part.slope for part in parts), max(part.top for part in parts))


# --- lines of logs, from numbers that the tests know: C's printf by Python's ``format`` ---------------------------


@dataclass(frozen=True)
class Line:
    """A line and the numbers that it shows."""

    line: str
    shows: Mapping[str, float]
    kind: str


REST = "{rate} rate, {seconds} seconds, {images} images"
HANK_AI = "{iteration}: loss={loss3}, avg loss={avg_loss3}"
RECORD_LINES: Mapping[str, str] = {
    "pjreddie": "{iteration}: {loss}, {avg_loss} avg, " + REST,
    "alexeyab 2018": " {iteration}: {loss}, {avg_loss} avg loss, " + REST,
    "alexeyab, time left": " {iteration}: {loss}, {avg_loss} avg loss, " + REST + ", {hours_left} time left",
    "alexeyab": " {iteration}: {loss}, {avg_loss} avg loss, " + REST + ", {hours_left} hours left",
    "classifier": "{iteration}, {epoch3}: {loss}, {avg_loss} avg, " + REST,
    "classifier, hours left": "{iteration}, {epoch3}: {loss}, {avg_loss} avg, " + REST + ", {hours_left} hours left",
    "rnn": "{iteration}: {loss}, {avg_loss} avg, {rate} rate, {seconds} seconds",
    "rnn, epochs": "{iteration}: {loss}, {avg_loss} avg, {rate} rate, {seconds} seconds, {epoch} epochs",
    "gan": "{iteration}: gen: {loss}, adv: {second_loss} | gen_avg: {avg_loss}, adv_avg: {second_avg_loss}, " + REST,
    "attention": "{iteration}, {epoch3}: Att: {second_loss}, {second_avg_loss} avg, Class: {loss}, {avg_loss} avg, "
    + REST,
    "hank-ai v2": HANK_AI + ", rate={rate}, {duration}, {images} images, time remaining={left}",
    "hank-ai": HANK_AI + ", last={last}, best=none, {following}, rate={rate8}, load 64=89.7 milliseconds, "
    "train={duration}, {images} images, time remaining={left}",
    "hank-ai, coloured": "\x1b[1;37m{iteration}\x1b[0m: loss=\x1b[1;37m{loss3}\x1b[0m, avg loss={avg_loss3}, "
    "last=\x1b[1;37m{last}\x1b[0m, best=none, {following}, rate={rate8}, load 64=89.7 milliseconds, "
    "train={duration}, {images} images, time remaining={left}",
}
"""One line per iteration, as each trainer prints it."""

LAYER_LINES = (
    "Region Avg IOU: {iou}, Class: {class_probability}, Obj: {obj}, No Obj: {no_obj}, Avg Recall: {avg_recall},  "
    "count: {count}",
    "Region {layer} Avg IOU: {iou}, Class: {class_probability}, Obj: {obj}, No Obj: {no_obj}, .5R: {recall_50}, "
    ".75R: {recall_75},  count: {count}",
    "v3 (iou loss, Normalizer: (iou: 0.07, obj: 1.00, cls: 1.00) Region {layer} Avg (IOU: {iou}), count: {count}, "
    "class_loss = {class_loss}, iou_loss = {iou_loss}, total_loss = {total_loss} ",
    "v3 (mse loss, Normalizer: (iou: 0.75, cls: 1.00) Region {layer} Avg (IOU: {iou}, GIOU: {giou}), "
    "Class: {class_probability}, Obj: {obj}, No Obj: {no_obj}, .5R: {recall_50}, .75R: {recall_75}, count: {count}, "
    "class_loss = {class_loss}, iou_loss = {iou_loss}, total_loss = {total_loss} ",
    "v3 (mse loss, Normalizer: (iou: 0.750000, cls: 1.000000) Region {layer} Avg (IOU: {iou}, GIOU: {giou}), "
    "Class: {class_probability}, Obj: {obj}, No Obj: {no_obj}, .5R: {recall_50}, .75R: {recall_75}, count: {count}, "
    "loss = {loss}, class_loss = {class_loss}, iou_loss = {iou_loss}",
)
"""One line per region or yolo layer."""


def fixed(values: st.SearchStrategy[float], decimals: int = 6) -> st.SearchStrategy[str]:
    """Numbers as ``%f`` prints them."""
    return st.builds(lambda value: f"{value:.{decimals}f}", values)


NANS = st.sampled_from(["nan", "-nan", "-nan(ind)", "nan(snan)"])
LOSSES = NANS | fixed(
    st.floats(0, 40, width=32)
    | st.floats(0, 2.0**80, width=32)
    | st.sampled_from([0.0, 9.9999995, 10.0, 99999.99, 1e7, 123456789.0, 5e20, math.inf, -math.inf, -1.5])
)
PARTS = NANS | fixed(st.floats(0, 1, width=32))
LAYER_LOSSES = NANS | fixed(st.floats(0, 2.0**20, width=32) | st.sampled_from([49152.003906, 5e20, math.inf]))
UNITS = st.sampled_from(["microseconds", "milliseconds", "seconds"])
LEFT = st.tuples(st.integers(0, 59), st.sampled_from(["seconds", "minutes", "hours", "days", "weeks"]))

RECORD_FIELDS: dict[str, st.SearchStrategy[str]] = {
    "iteration": (st.integers(0, 600_000) | st.sampled_from([9_999_999, 10_000_000, 2**31 - 1])).map(str),
    **dict.fromkeys(("loss", "avg_loss", "second_loss", "second_avg_loss"), LOSSES),
    "loss3": fixed(st.floats(0, 1e6), 3),
    "avg_loss3": fixed(st.floats(0, 1e6), 3),
    "rate": fixed(st.floats(0, 1, width=32)),
    "rate8": fixed(st.floats(0, 1, width=32), 8),
    "seconds": fixed(st.floats(0, 4000)),
    "images": (st.integers(0, 10**9) | st.sampled_from([99_999_999, 100_000_000, 2**40])).map(str),
    "hours_left": fixed(st.floats(0, 5000) | st.just(-1.0)),
    "epoch": fixed(st.floats(0, 100)),
    "epoch3": fixed(st.floats(0, 1000), 3),
    "duration": st.tuples(fixed(st.floats(0, 900), 3), UNITS).map(" ".join),
    "left": LEFT.map(lambda left: f"{left[0]} {left[1]}") | st.just("unknown"),
    "last": st.sampled_from(["none", "46.21%", "0.00%"]),
    "following": st.sampled_from(["mAP=DISABLED", "mAP=1100", "next=1100"]),
}
LAYER_FIELDS: dict[str, st.SearchStrategy[str]] = {
    "layer": st.integers(0, 300).map(str),
    "count": st.integers(0, 400).map(str),
    "giou": NANS | fixed(st.floats(-1, 1, width=32)),
    **dict.fromkeys(("loss", "class_loss", "iou_loss", "total_loss"), LAYER_LOSSES),
    **dict.fromkeys(("iou", "class_probability", "obj", "no_obj", "avg_recall", "recall_50", "recall_75"), PARTS),
}
NOT_COLUMNS = ("duration", "left", "last", "following")


@st.composite
def _lines(draw: st.DrawFn, kind: str, forms: Sequence[str], fields: Mapping[str, st.SearchStrategy[str]]) -> Line:
    form = draw(st.sampled_from(forms))
    texts = {name: draw(text) for name, text in fields.items() if f"{{{name}}}" in form}
    shows = {"layer": -1.0} if kind == "layer" else {"rate_decimals": 8.0 if "{rate8}" in form else 6.0}
    for name in texts.keys() - NOT_COLUMNS:
        shows[name.rstrip("38")] = math.nan if "nan" in texts[name] else float(texts[name])
    return Line(form.format(**texts), shows, kind)


# lines that sum up an iteration, and lines of a region or yolo layer, of any dialect
record_lines = partial(_lines, "record", sorted(RECORD_LINES.values()), RECORD_FIELDS)
layer_lines = partial(_lines, "layer", LAYER_LINES, LAYER_FIELDS)

NO_RECORDS = (
    "\x1b]2;410/6000: loss=2.4 hours left=7.1\x07",
    "\x1b[H\x1b[J1/4000: loss=1970.4 hours left=-1.0\x07",
    "\x1b[0m",
    " rank = 100 of ranks = 385 ",
    "Loaded: 0.249344 seconds ",
    "Loaded: 12.249344 seconds - performance bottleneck on CPU or Disk HDD/SSD ",
    " (next mAP calculation at 1000 iterations) ",
    " total_bbox = 394, rewritten_bbox = 0.070914 % ",
    "Region 82 Avg IOU: 0.5, Cla ",
    "12: 1.5, 1.25 avg, 0.0010 ",
    "12: 1.500000, 1.250000 avg, 0.001000 rate, 3.5 seco ",
    "3, 0.5: 1.500000, 1.250000 avg, 0.001000 rate, 3.500000 seconds, 64 ima ",
    "12: loss=1.395, avg loss=32.521, rate=0.00261000, load 64= ",
    "learning rate, seconds, images, hours left ",
    "CUDA Error: out of memory ",
)


def garbage() -> st.SearchStrategy[bytes]:
    """Anything else: pieces of real text, any bytes without digits; it ends so that no number grows by it."""
    known = st.sampled_from([text.encode() for text in NO_RECORDS])
    anything = st.binary(max_size=12).map(lambda piece: bytes(b for b in piece if b not in b"0123456789\x1b") + b" ")
    return known | anything


def same(found: float, expected: float) -> bool:
    return bool(np.float64(found) == np.float64(expected) or (math.isnan(found) and math.isnan(expected)))


# --- logs of whole runs, printed line by line from a cfg: the loops of the forks, plainly --------------------------


def turns(dialect: str, ngpus: int, start: int, last: int, burn_in: int = 0) -> Iterator[tuple[int, int, list[int]]]:
    """The training loop as the forks' sources tell it: a line's iteration, that of its rate, where each GPU trained."""
    short = last < 10000 if dialect == "alexeyab" else last <= 10000
    counters, iteration, saved = [start] * ngpus, start, {1000 if short else 10000: start, 100: start}
    while iteration < last:
        if dialect == "hank-ai" and ngpus > 1 and iteration < burn_in:  # a run of one GPU, which then starts again
            iteration += 1
            saved = dict.fromkeys(saved, iteration)
            counters = [iteration] * ngpus
            yield iteration, iteration, [iteration]
            continue
        counters = [count + 1 for count in counters]
        trained = list(counters)
        if dialect == "pjreddie":
            if ngpus > 1 and counters[0] % 4 == 0:
                counters = [counters[0] + 4 * (ngpus - 1)] * ngpus
            iteration = counters[0]
            yield iteration, iteration, trained
            continue
        iteration += ngpus
        counters[0] = iteration
        if ngpus > 1 and iteration % 4 == 0:
            counters = [iteration + 4 * (ngpus - 1)] * ngpus
        yield iteration, counters[0], trained
        for every, save in saved.items():  # the numbered weights, then the latest ones
            if iteration >= save + every or iteration % every == 0:
                saved[every] = iteration
                counters = [iteration, *[counters[0]] * (ngpus - 1)]


def falling_loss(iteration: int) -> float:
    return 2.0 + 10.0 / (iteration + 1)


def log_lines(
    net: Net,
    turns: Iterable[tuple[Any, ...]],
    ngpus: int = 1,
    loss: Callable[[int], float] = falling_loss,
    batch: int = 64,
) -> list[str]:
    """One line per turn, or per printed iteration and that of its rate."""
    schedule = net.schedule(ngpus)
    form = RECORD_LINES[net.dialect.name]
    lines = []
    for printed, at, *_ in turns:
        value, rate = loss(printed), float(schedule(at))
        shown = {"loss": f"{value:f}", "avg_loss": f"{value + 0.1:f}", "rate": f"{rate:f}", "rate8": f"{rate:.8f}"}
        shown |= {"loss3": f"{value:.3f}", "avg_loss3": f"{value + 0.1:.3f}", "seconds": "1.500000", "last": "none"}
        shown |= {"duration": "1.1 seconds", "hours_left": "3.000000", "left": "8 seconds", "following": "next=1100"}
        lines.append(form.format(iteration=printed, images=printed * batch * ngpus, **shown))
    return lines


def log_of(lines: Iterable[str]) -> Log:
    """What is read of some lines."""
    return read_log([("\n".join(lines) + "\n").encode()])


def run_log(net: Net, last: int, *, start: int = 0, ngpus: int = 1) -> Log:
    """The log of a run."""
    return log_of(log_lines(net, turns(net.dialect.name, ngpus, start, last, net.burn_in), ngpus))


def with_column(log: Log, name: str, values: Any) -> Log:
    """The same log with other values in one column."""
    columns = {**log.records.columns, name: np.asarray(values)}
    return replace(log, records=replace(log.records, columns=columns))

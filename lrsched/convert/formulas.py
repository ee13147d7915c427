"""What a schedule is as a few lines of Python: the formula of each named schedule and combinator, and of darknet's.

The lines are written for iteration ``t`` and the parameters by their names; what does nothing (a warm-up of 0, a factor
of 1) is left out later. A schedule without a formula becomes a table.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrsched.schedule import LAST_ITERATION, Schedule, params
from lrsched.schedules import Product, Sequential, Sum
from lrsched.schedules.naming import Named, half_up
from lrsched.trainers.darknet import BurnIn, Policy, Poly, Random, Sgdr, Sigmoid, Steps
from lrsched.trainers.darknet.arithmetic import single
from lrsched.trainers.yolov5.hyp import GroupRate

__all__ = ["Formula", "arguments_of", "formula_of", "table_of", "unwrapped"]

MOST_ROWS = 5000  # of a table that is written


@dataclass(frozen=True)
class Formula:
    """The lines of a function of ``t``."""

    name: str  # what the function is called beside others
    about: str  # what it computes, in a line
    body: str  # its lines; they end with a return
    values: Mapping[str, Any]  # the parameters, by the names that the lines have for them
    parts: Mapping[str, Schedule | Formula] = field(default_factory=dict)  # other schedules that the lines call
    vector: str = ""  # the lines for arrays, where they are others
    ahead: Callable[[int], int] = lambda horizon: horizon  # up to where the parts are asked, from where the run ends


RISE = "if t < warmup:\n    return initial + (peak - initial) * t / warmup\n"
WAVE_UP = "if t < warmup:\n    return initial + (peak - initial) * (1 - math.cos(math.pi * t / warmup)) / 2\n"
SHARE = "x = (t - warmup) / (horizon - warmup)\n"
DONE = "x = min((t - warmup) / (horizon - warmup), 1)\n"
DECAYS = {
    "linear": "return final + (peak - final) * (1 - x)",
    "cosine": "return final + (peak - final) * (1 + math.cos(math.pi * x)) / 2",
    "root": "return peak + (final - peak) * math.sqrt(x)",
    "exponential": "return peak * (final / peak) ** x",
}
RISES = {
    "linear": "x = min(t / iterations, 1)\nreturn initial + (peak - initial) * x",
    "cosine": "x = min(t / iterations, 1)\nreturn initial + (peak - initial) * (1 - math.cos(math.pi * x)) / 2",
    "quadratic": "x = min(t / iterations, 1)\nreturn initial + (peak - initial) * x**2",
    "logarithmic": "x = min(math.log1p(t) / math.log(iterations), 1)\nreturn initial + (peak - initial) * x",
    "exponential": "x = min(t / iterations, 1)\nreturn initial * (peak / initial) ** x",
    "constant": "return initial if t < iterations else peak",
}
CYCLE = "x = min((t - k * cycle) / (cycle - 1), 1)\n"
CYCLE_WAVE = "return floor + (top - floor) * (1 + math.cos(math.pi * x)) / 2"
TOP = "top = floor + (peak - floor) * shrink**k\n"


def _inverse_sqrt(a: dict[str, Any]) -> str:
    return RISE + f"return peak * math.sqrt(warmup / max({'min(t, horizon)' if a['horizon'] else 't'}, warmup))"


def _warmup(a: dict[str, Any]) -> str:
    a["iterations"] = max(a["iterations"], 2) if a["form"] == "logarithmic" else a["iterations"]
    return RISES[a["form"]]


def _stable(a: dict[str, Any]) -> str:
    a["start"] = a["horizon"] - a["decay"]
    return f"{RISE}if t < start:\n    return peak\nx = min((t - start) / decay, 1)\n{DECAYS[a['form']]}"


def _restarts(a: dict[str, Any]) -> str:
    if a["mult"] == 1:
        return f"k = min(t // cycle, cycles - 1)\n{CYCLE}{TOP}{CYCLE_WAVE}"
    a["lengths"] = tuple(half_up(a["cycle"] * a["mult"] ** k) for k in range(a["cycles"]))
    a["starts"] = tuple(int(end) for end in np.cumsum((0, *a["lengths"][:-1])))
    begun = "k = sum(t >= start for start in starts) - 1\nx = min((t - starts[k]) / (lengths[k] - 1), 1)\n"
    return f"{begun}{TOP}{CYCLE_WAVE}"


def _repeated(a: dict[str, Any]) -> str:
    again = "t % period" if a["times"] is None else "t - min(t // period, times - 1) * period"
    return f"return schedule({again})"


def _clocked(a: dict[str, Any]) -> str:
    a["skipped"] = tuple(sorted(a["skipped"]))
    lost = " - sum(t >= lost for lost in skipped)" if a["skipped"] else ""
    return f"return schedule(max((t - late) * times // each{lost}, 0))"


def _clamped(a: dict[str, Any]) -> str:
    inner = "schedule(t)" if a["low"] is None else "max(schedule(t), low)"
    return f"return {inner}" if a["high"] is None else f"return min({inner}, high)"


FORMULAS: dict[str, tuple[str, str | Callable[[dict[str, Any]], str]]] = {
    "constant": ("The same rate at every iteration", "return rate"),
    "warmup": ("A rise to peak, which stays", _warmup),
    "linear": ("A straight line from peak to final", RISE + DONE + DECAYS["linear"]),
    "exponential": ("Equal factors from peak to final", RISE + DONE + DECAYS["exponential"]),
    "polynomial": ("A polynomial from peak to final", RISE + DONE + "return final + (peak - final) * (1 - x) ** power"),
    "cosine": ("Half a cosine from peak to final", RISE + DONE + DECAYS["cosine"]),
    "one_cycle": (
        "Half a cosine from initial up to peak, half a cosine down to final",
        WAVE_UP + DONE + DECAYS["cosine"],
    ),
    "warmup_stable_decay": ("The peak for a long time, then a decay to final", _stable),
    "inverse_sqrt": ("The inverse square root of the iteration", _inverse_sqrt),
    "step": ("A drop every so many iterations", RISE + "return peak * factor ** (t // every)"),
    "multi_step": (
        "A drop at each milestone",
        RISE + "drops = sum(t >= milestone for milestone in milestones)\nreturn peak * factor**drops",
    ),
    "cosine_with_restarts": ("Half cosines from peak to floor, again and again", _restarts),
    "cyclic": (
        "Triangles between floor and peak",
        "k = min(t // (up + down), cycles - 1)\ni = min(t - k * (up + down), up + down)\n"
        + TOP
        + "return floor + (top - floor) * (i / up if i < up else (up + down - i) / down)",
    ),
    "waves": (
        "Cosine waves between peak and final",
        RISE + SHARE + "return final + (peak - final) * (1 + math.cos(2 * math.pi * cycles * x)) / 2",
    ),
    "restarts": (
        "Half cosines from peak to 0, again and again",
        RISE + SHARE + "if x >= 1:\n    return 0.0\nreturn peak * (1 + math.cos(math.pi * (cycles * x % 1))) / 2",
    ),
    "clamped": ("Within limits", _clamped),
    "held": ("The last rate stays", "return schedule(min(t, at))"),
    "shifted": ("Some iterations later", "return schedule(max(t - by, 0))"),
    "repeated": ("The first iterations, again and again", _repeated),
    "clocked": ("By another clock", _clocked),
    "per_epoch": ("The rate of an epoch", "return schedule(t // iterations)"),
}
"""What each named schedule computes, in a line and as lines of Python, which may depend on its arguments."""

TABLE = """\
k = bisect.bisect_right(iterations, t)
if k == 0 or k == len(rates):
    return rates[min(k, len(rates) - 1)]
x = (t - iterations[k - 1]) / (iterations[k] - iterations[k - 1])
return rates[k - 1] + (rates[k] - rates[k - 1]) * x
"""

TABLE_OF_ARRAYS = """\
at, values = math.array(iterations), math.array(rates)
k = math.clip(math.searchsorted(at, t, side="right"), 1, len(rates) - 1)
before, after = math.take(at, k - 1), math.take(at, k)
x = min((t - before) / (after - before), 1)
return math.take(values, k - 1) + (math.take(values, k) - math.take(values, k - 1)) * x
"""


def formula_of(schedule: Schedule) -> Formula | None:
    """The formula of a schedule; None where none is known."""
    schedule = unwrapped(schedule)
    if isinstance(schedule, Named):
        return _of_named(schedule)
    if isinstance(schedule, (Product, Sum)):
        return _of_operator(schedule)
    if isinstance(schedule, Sequential):
        return _of_sequence(schedule)
    if isinstance(schedule, GroupRate):
        return _of_yolov5(schedule)
    return _of_darknet(schedule) if isinstance(schedule, (Policy, BurnIn)) else None


def arguments_of(schedule: Named) -> dict[str, Any]:
    """The arguments of a named schedule, with what stands for those that are absent."""
    a = dict(schedule.arguments)
    if schedule.name == "one_cycle":
        a["initial"] = a["peak"] / 25 if a["initial"] is None else a["initial"]
        a["final"] = a["initial"] / 1e4 if a["final"] is None else a["final"]
    elif schedule.name == "multi_step":
        a["milestones"] = tuple(sorted(a["milestones"]))
    elif schedule.name == "cyclic":
        a["down"] = a["up"] if a["down"] is None else a["down"]
    return a


def _of_named(schedule: Named) -> Formula | None:
    values, name = arguments_of(schedule), schedule.name
    if name == "table":
        return _table(values["iterations"], values["rates"])
    if name not in FORMULAS:
        return None
    about, lines = FORMULAS[name]
    body = lines if isinstance(lines, str) else lines(values)
    values.setdefault("initial", 0.0)
    rises = body.startswith(RISE) and values["warmup"]
    parts: dict[str, Schedule | Formula] = {key: each for key, each in values.items() if isinstance(each, Schedule)}
    ahead: dict[str, Callable[[int], int]] = {
        "shifted": lambda horizon: horizon - values["by"],
        "clocked": lambda horizon: (horizon - values["late"]) * values["times"] // values["each"],
    }
    about += ", after a warm-up" * bool(rises)
    return Formula(name, about, body, values, parts, ahead=ahead.get(name, lambda horizon: horizon))


def _of_operator(schedule: Product | Sum) -> Formula:
    parts: dict[str, Schedule | Formula] = {f"part{index}": part for index, part in enumerate(schedule.schedules)}
    if isinstance(schedule, Product):
        line = " * ".join([*(f"{part}(t)" for part in parts), "factor"]) + " / divisor"
        return Formula(
            "product", "A product", f"return {line}", {"factor": schedule.factor, "divisor": schedule.divisor}, parts
        )
    line = " + ".join([*(f"{part}(t)" for part in parts), "term"])
    return Formula("total", "A sum", f"return {line}", {"term": schedule.term}, parts)


def _of_sequence(schedule: Sequential) -> Formula:
    stretches = list(_stretches(schedule, 0, 0, LAST_ITERATION + 1))
    parts: dict[str, Schedule | Formula] = {f"part{index}": part for index, (part, _, _) in enumerate(stretches)}
    lines = [f"return {name}(t - {zero})" for name, (_, zero, _) in zip(parts, stretches, strict=True)]
    early = [f"if t < {end}:\n    {line}" for line, (_, _, end) in zip(lines[:-1], stretches, strict=False)]
    return Formula("sequence", "One after the other", "\n".join([*early, lines[-1]]), {}, parts)


def _stretches(schedule: Schedule, zero: int, first: int, end: int) -> Iterator[tuple[Schedule, int, int]]:
    """The schedules that follow one another, each with its iteration 0 and the iteration after its last."""
    schedule = unwrapped(schedule)
    if not isinstance(schedule, Sequential):
        yield schedule, zero, end
        return
    bounds = [zero, *(zero + at for at in schedule.at), end]
    for part, begin, after in zip(schedule.schedules, bounds, bounds[1:], strict=False):
        if begin < end and (after > first or after == end):
            start = begin if schedule.count_from == "boundary" else zero
            yield from _stretches(part, start, max(begin, first), min(after, end))


def unwrapped(schedule: Schedule) -> Schedule:
    """A schedule without what only says where the run ends."""
    while isinstance(schedule, Named) and schedule.name == "run":
        schedule = dict(schedule.arguments)["schedule"]
    return schedule


def _of_darknet(schedule: Policy | BurnIn) -> Formula:
    policy = schedule.policy if isinstance(schedule, BurnIn) else schedule
    values: dict[str, Any] = {name: getattr(policy, name) for name in params(type(policy))}
    about = f"The policy {policy.KEY} of darknet"
    body = "return " + re.sub(r"\b(exp|cos|sqrt|pi)\b", r"math.\1", policy.FORMULA)
    if "gamma" in values:
        values["gamma"] = float(single(values["gamma"]))  # its last digits count at large iterations
    if isinstance(policy, Sigmoid):
        body = "return learning_rate / (1 + math.exp(min(gamma * (t - step), 700)))"
    elif isinstance(policy, Poly) and policy.power % 1:
        body = "return learning_rate * max(1 - t / max_batches, 0) ** power"
    elif isinstance(policy, Steps):
        reached = [step for step in policy.reached_at() if step < 2**31]
        rates = policy([0, *reached]).tolist()
        values = {"steps": tuple(reached), "rates": tuple(float(f"{rate:.7g}") for rate in rates)}
        body = "drops = sum(t >= step for step in steps)\nreturn rates[drops]"
    elif isinstance(policy, Sgdr):
        body = _sgdr(policy, values)
    elif isinstance(policy, Random):
        raise ValueError("the policy random draws its rates, so no function has them")
    if isinstance(schedule, BurnIn):
        own = "power" if values.get("power", schedule.power) == schedule.power else "burn_in_power"
        first = {"learning_rate": policy.learning_rate, "burn_in": schedule.burn_in, own: schedule.power}
        values = first | values
        body = f"if t < burn_in:\n    return learning_rate * (t / burn_in) ** {own}\n{body}"
        about += ", after its burn-in"
    # the function has that name
    values = {key.replace("learning_rate", "lr"): value for key, value in values.items()}
    return Formula(policy.KEY, about, body.replace("learning_rate", "lr"), values)


def _sgdr(policy: Sgdr, values: dict[str, Any]) -> str:
    values["sgdr_cycle"] = policy.first_cycle
    wave = "low + (learning_rate - low) * (1 + math.cos(math.pi * {}) ) / 2".replace("low", "learning_rate_min")
    if policy.horizon is not None and policy.first_cycle >= policy.horizon:
        return f"x = min(t / sgdr_cycle, 1)\nreturn {wave.format('x')}"
    if policy.sgdr_mult == 1:
        return f"x = (t - max(t - 1, 0) // sgdr_cycle * sgdr_cycle) / sgdr_cycle\nreturn {wave.format('x')}"
    cycles = list(policy.cycles(0, policy.horizon or 2**31 - 1))
    values["starts"], values["sizes"] = (tuple(each) for each in zip(*cycles, strict=True))
    return (
        f"k = max(sum(t > start for start in starts) - 1, 0)\nx = (t - starts[k]) / sizes[k]\nreturn {wave.format('x')}"
    )


def _of_yolov5(rate: GroupRate) -> Formula:
    hyp, decay = rate.hyp, rate.hyp.decay_used
    values = {"nb": hyp.nb, "lr0": hyp.lr0, "begin": hyp.warmup_bias_lr if rate.bias else 0.0, "nw": hyp.warmup}
    values["last"] = hyp.last_warm
    rise = "if epoch * nb <= last:\n    return begin + (lr0 * decay(epoch) - begin) * min(t, last) / nw\n"
    later = "return lr0 * decay(max(epoch - 1, 0))" if hyp.era.lags else "return lr0 * decay(epoch)"
    body = f"epoch = t // nb\n{rise if hyp.last_warm >= 0 else ''}{later}"
    # the few lines of the trainer's own function, without its docstring
    [function] = ast.parse(inspect.getsource(decay.formula)).body
    assert isinstance(function, ast.FunctionDef)
    lines = "\n".join(map(ast.unparse, function.body[1:]))
    length = {"epochs": hyp.epochs if decay.captured else hyp.total_epochs, "lrf": hyp.lrf}
    part = Formula("decay", f"The factor of an epoch, {decay.name}", f"x = t\n{lines}", length)
    group = "biases" if rate.bias else "weights"
    return Formula("yolov5", f"The rate of the {group} of {hyp.era.title}", body, values, {"decay": part})


def table_of(schedule: Schedule, horizon: int) -> Formula:
    """A schedule as a table of the rates up to its horizon, without those on straight lines between others."""
    rates = np.asarray(schedule.rates(0, horizon + 1), np.float64)
    slopes = np.diff(rates)
    bends = np.abs(np.diff(slopes)) > 1e-13 * np.max(np.abs(rates), initial=0)
    kept = np.flatnonzero(np.concatenate([[True], bends, [True] * (horizon > 0)]))
    if kept.size > MOST_ROWS:
        raise ValueError(f"{schedule}: its formula is not known, and a table of it would have {kept.size} rows")
    return _table(tuple(kept.tolist()), tuple(rates[kept].tolist()))


def _table(iterations: tuple[int, ...], rates: tuple[float, ...]) -> Formula:
    values = {"iterations": iterations, "rates": rates}
    if len(rates) == 1:
        return Formula("table", "The same rate at every iteration", "return rate", {"rate": rates[0]})
    return Formula("table", "Straight lines between listed rates", TABLE, values, vector=TABLE_OF_ARRAYS)

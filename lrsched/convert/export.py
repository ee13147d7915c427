"""Any schedule as code of a framework: its own class where that has the rates of the run, else a function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from lrsched.convert.formulas import unwrapped
from lrsched.convert.source import Language, function_text, known_horizon
from lrsched.schedule import Schedule, Sequential
from lrsched.schedules import Named
from lrsched.sources import Source, as_schedule
from lrsched.text import did_you_mean
from lrsched.trainers import darknet

__all__ = ["TARGETS", "export_source"]

PER_EPOCH = "make it lrsched.schedules.per_epoch(schedule, iterations=N) first, with the iterations of an epoch"

WIDTH = 90
"""A longer call is written on several lines."""

Arguments: TypeAlias = dict[str, Any]


def export_source(source: Source, to: str, *, horizon: int | None = None, **options: Any) -> str:
    """The text of a module with a schedule: ``"torch"``, ``"transformers"``, ``"optax"``, ``"keras"`` or ``"python"``.

    Where a class or a function of the framework has the rates of the whole run, it stands there; else the function of
    :func:`to_source` in what the framework steps. Neither needs lrsched.

    >>> from lrsched.schedules import cosine
    >>> print(export_source(cosine(peak=0.1, horizon=20_000), "torch"))
    from torch.optim.lr_scheduler import CosineAnnealingLR
    <BLANKLINE>
    LEARNING_RATE = 0.1  # of the optimizer
    <BLANKLINE>
    <BLANKLINE>
    def make_scheduler(optimizer):
        ...
        return CosineAnnealingLR(optimizer, T_max=20000, eta_min=0.0)
    <BLANKLINE>

    Raises:
        OSError, TypeError, ValueError: for what has no rate, or neither a formula nor a horizon.
    """
    if to not in TARGETS:
        raise ValueError(f"to must be one of {', '.join(map(repr, TARGETS))}, got {to!r}{did_you_mean(to, TARGETS)}")
    schedule = as_schedule(source, horizon=horizon, **options)
    last = schedule.horizon if horizon is None else horizon
    if schedule.unit != "iteration" and to not in ("torch", "python"):
        raise ValueError(f"{to} counts steps, the schedule {schedule.unit}s; {PER_EPOCH}")
    return TARGETS[to](schedule, last)


def _known(schedule: Schedule, horizon: int | None) -> tuple[str, Arguments]:
    """The named schedule that has the rates of a run, with its arguments; ("", {}) where there is none."""
    schedule = unwrapped(schedule)
    if isinstance(schedule, Named):
        a = dict(schedule.arguments)
        if schedule.name == "multi_step":
            a["factors"] = (a["factor"],) * len(a["milestones"])
        if schedule.name == "one_cycle":
            a["initial"] = a["peak"] / 25 if a["initial"] is None else a["initial"]
            a["final"] = a["initial"] / 1e4 if a["final"] is None else a["final"]
        if schedule.name == "waves" and a["cycles"] == 0.5 and (horizon or 0) <= a["horizon"]:
            return "cosine", a
        return schedule.name, a
    a = {"peak": getattr(schedule, "learning_rate", 0.0), "warmup": 0, "horizon": horizon}
    match schedule:
        case darknet.Constant():
            return "constant", {"rate": schedule.learning_rate}
        case darknet.Step(step=each, scale=factor) if each > 0:
            return "step", {**a, "every": each, "factor": factor}
        case darknet.Steps(steps=steps, scales=scales) if steps and list(steps) == sorted(set(steps)) and steps[0] > 0:
            return "multi_step", {**a, "milestones": steps, "factors": scales}
        case darknet.Poly(power=power, max_batches=last) if power > 0 and last == horizon:
            return "polynomial", {**a, "power": power, "final": 0.0}
        case darknet.Sgdr(learning_rate_min=final) if horizon and schedule.first_cycle >= horizon:
            return "cosine", {**a, "horizon": schedule.first_cycle, "final": final}
    return "", {}


def _goes_on(name: str, a: Arguments, horizon: int | None) -> bool:
    """Whether a run is longer than its schedule, whose last rate stays, which few classes know."""
    length = (a["up"] + (a["down"] or a["up"])) * a["cycles"] if name == "cyclic" else a.get("horizon")
    return horizon is not None and length is not None and length < horizon


def _call(name: str, *arguments: str, **keywords: Any) -> str:
    return f"{name}({', '.join([*arguments, *(f'{key}={value!r}' for key, value in keywords.items())])})"


def _laid_out(code: str, indent: str = "") -> str:
    """A call on one line, or, where that is long, each of its arguments on its own."""
    tree = ast.parse(code, mode="eval").body
    if len(indent) + len(code) > WIDTH and isinstance(tree, (ast.Call, ast.List)):
        parts = tree.elts if isinstance(tree, ast.List) else [*tree.args, *tree.keywords]
        deeper = f"{indent}    "
        begin, end = ("[", "]") if isinstance(tree, ast.List) else (f"{ast.unparse(tree.func)}(", ")")
        lines = (ast.unparse(part) for part in parts)
        texts = (
            line if isinstance(part, ast.keyword) else _laid_out(line, deeper)
            for line, part in zip(lines, parts, strict=True)
        )
        return "\n".join([begin, *(f"{deeper}{text}," for text in texts), f"{indent}{end}"])
    return code


# --- torch ------------------------------------------------------------------------------------------------------------


def _torch_class(schedule: Schedule, horizon: int | None) -> str | None:
    """The scheduler of torch with these rates, for an optimizer with the peak as its rate."""
    name, a = _known(schedule, horizon)
    if name == "constant":
        return _call("ConstantLR", "optimizer", factor=1.0)
    if not a.get("peak") or _goes_on(name, a, horizon):
        return None
    peak, first = a["peak"], a.get("initial", 0.0) / a["peak"]
    if name == "warmup" and a["form"] == "linear" and 0 < first <= 1:
        return _call("LinearLR", "optimizer", start_factor=first, total_iters=a["iterations"])
    if name == "one_cycle" and a["warmup"] and 0 < a["final"] <= a["initial"]:
        total, ratio = a["horizon"] + 1, a["initial"] / a["final"]
        shares = {"pct_start": (a["warmup"] + 1) / total, "div_factor": peak / a["initial"], "final_div_factor": ratio}
        return _call("OneCycleLR", "optimizer", max_lr=peak, total_steps=total, **shares, cycle_momentum=False)
    if name == "cyclic" and a["shrink"] in (0.5, 1):
        sizes = {"step_size_up": a["up"], "step_size_down": a["down"] or a["up"]}
        mode = "triangular" if a["shrink"] == 1 else "triangular2"
        ends = {"base_lr": a["floor"], "max_lr": peak}
        return _call("CyclicLR", "optimizer", **ends, **sizes, mode=mode, cycle_momentum=False)
    if a.get("warmup"):
        return None
    if name == "step":
        return _call("StepLR", "optimizer", step_size=a["every"], gamma=a["factor"])
    if name == "multi_step" and len(set(a["factors"])) == 1:
        return _call("MultiStepLR", "optimizer", milestones=list(a["milestones"]), gamma=a["factors"][0])
    if name == "linear" and 0 <= a["final"] <= peak:
        ends = {"start_factor": 1.0, "end_factor": a["final"] / peak}
        return _call("LinearLR", "optimizer", **ends, total_iters=a["horizon"])
    if name == "polynomial" and a["final"] == 0:
        return _call("PolynomialLR", "optimizer", total_iters=a["horizon"], power=a["power"])
    if name == "exponential":
        return _call("ExponentialLR", "optimizer", gamma=(a["final"] / peak) ** (1 / a["horizon"]))
    if name == "cosine":
        return _call("CosineAnnealingLR", "optimizer", T_max=a["horizon"], eta_min=a["final"])
    return None


def _torch(schedule: Schedule, horizon: int | None) -> str:
    code = _torch_class(schedule, horizon)
    if code is None:
        return _with_function(schedule, horizon, "from torch.optim.lr_scheduler import LambdaLR")
    return _scheduler(
        f"from torch.optim.lr_scheduler import {code.partition('(')[0]}", _base(schedule, horizon), code, schedule.unit
    )


def _scheduler(head: str, rate: float, code: str, unit: str, functions: str = "") -> str:
    about = f'    """A scheduler to step after every {unit}, of an optimizer with lr=LEARNING_RATE."""'
    function = f"def make_scheduler(optimizer):\n{about}\n    return {_laid_out(code, '    ')}\n"
    rate_line = f"LEARNING_RATE = {rate!r}  # of the optimizer"
    return "\n".join([head, "", rate_line, "", "", *([functions, ""] if functions else []), function])


def _with_function(schedule: Schedule, horizon: int | None, head: str) -> str:
    imports, functions = _split(schedule, horizon, "python")
    code = "LambdaLR(optimizer, lambda t: learning_rate(t) / LEARNING_RATE)"
    return _scheduler(
        "\n\n".join(filter(None, [imports, head])), _base(schedule, horizon), code, schedule.unit, functions
    )


def _split(schedule: Schedule, horizon: int | None, language: Language) -> tuple[str, str]:
    """The imports and the functions of a text."""
    text = function_text(schedule, horizon, language)
    head, _, code = text.partition("\n\n\n") if not text.startswith("def ") else ("", "", text)
    return head, code


def _base(schedule: Schedule, horizon: int | None) -> float:
    """The rate that an optimizer is made with: the one that people write, or the largest of the run."""
    policy, hyp = getattr(schedule, "policy", schedule), getattr(schedule, "hyp", None)
    _, a = _known(policy, horizon)
    written = a.get("peak") or a.get("rate") or getattr(policy, "learning_rate", 0.0) or getattr(hyp, "lr0", 0.0)
    if written:
        return float(written)
    rates = np.asarray(schedule(np.linspace(0, known_horizon(schedule, horizon), 1000).astype(np.int64)), np.float64)
    return float(rates.max()) if rates.max() > 0 else 1.0


# --- transformers -----------------------------------------------------------------------------------------------------


def _transformers_name(schedule: Schedule, horizon: int | None) -> tuple[str, Arguments, Arguments] | None:
    """The type of ``get_scheduler`` with these rates, the arguments of the schedule and those of the type."""
    name, a = _known(schedule, horizon)
    if name == "constant":
        return name, a, {}
    below = a.get("peak", 0.0) <= a.get("final", 0.0)
    if not a or a.get("initial", 0.0) or below or _goes_on(name, a, horizon):
        return None
    if name == "linear" and a["final"] == 0:
        return name, a, {}
    if name in ("cosine", "waves"):
        waves = {} if a.get("cycles", 0.5) == 0.5 else {"num_cycles": a["cycles"]}
        least = {"min_lr": a["final"]} if a["final"] else {}
        return "cosine_with_min_lr" if least else "cosine", a, {**least, **waves}
    if name == "warmup" and a["form"] == "linear":
        return "constant_with_warmup", {**a, "warmup": a["iterations"]}, {}
    if name == "polynomial":
        return name, a, {"lr_end": a["final"], "power": a["power"]}
    if name == "inverse_sqrt":
        return name, a, {}
    if name == "restarts" and a["cycles"] == int(a["cycles"]):
        return "cosine_with_restarts", a, {"num_cycles": int(a["cycles"])}
    if name == "warmup_stable_decay" and a["final"] == 0 and a["form"] != "exponential":
        forms = {"linear": "linear", "cosine": "cosine", "root": "1-sqrt"}
        return name, a, {"num_decay_steps": a["decay"], "decay_type": forms[a["form"]]}
    return None


def _transformers(schedule: Schedule, horizon: int | None) -> str:
    found, last = _transformers_name(schedule, horizon), horizon
    if found is None:
        text = _with_function(schedule, horizon, "from torch.optim.lr_scheduler import LambdaLR")
    else:
        name, a, own = found
        steps = {"num_warmup_steps": a.get("warmup", 0), "num_training_steps": a.get("horizon") or last}
        keywords = {**steps, **({"scheduler_specific_kwargs": own} if own else {})}
        code = _call("get_scheduler", repr(name), "optimizer", **keywords)
        text = _scheduler("from transformers import get_scheduler", _base(schedule, horizon), code, schedule.unit)
    return f"{text}\n\n# Trainer(..., optimizers=(optimizer, make_scheduler(optimizer)))\n"


# --- optax and keras --------------------------------------------------------------------------------------------------


def _optax_call(schedule: Schedule, horizon: int | None) -> str | None:
    """The expression of optax with these rates."""
    if isinstance(schedule, Sequential) and schedule.count_from == "boundary":
        parts = [_optax_call(part, None) for part in schedule.schedules]
        found = [part for part in parts if part is not None]
        joined = f"optax.join_schedules([{', '.join(found)}], boundaries={list(schedule.at)!r})"
        return joined if len(found) == len(parts) else None
    name, a = _known(schedule, horizon)
    if name == "constant":
        return f"optax.constant_schedule({a['rate']!r})"
    if name == "warmup" and a["form"] == "linear":
        ends = {"init_value": a["initial"], "end_value": a["peak"]}
        return _call("optax.linear_schedule", **ends, transition_steps=a["iterations"])
    if not a.get("peak"):
        return None
    rise, length = a.get("warmup", 0), (a.get("horizon") or 0) - (a.get("warmup") or 0)
    if name == "step" and not rise:
        keywords = {"transition_steps": a["every"], "decay_rate": a["factor"], "staircase": True}
        return _call("optax.exponential_decay", init_value=a["peak"], **keywords)
    if name == "multi_step" and not rise and len(set(a["milestones"])) == len(a["milestones"]):
        scales = dict(zip(a["milestones"], a["factors"], strict=True))
        return _call("optax.piecewise_constant_schedule", init_value=a["peak"], boundaries_and_scales=scales)
    ends = {"init_value": a["peak"], "end_value": a.get("final", 0.0)}
    decays = {
        "linear": lambda: _call("optax.linear_schedule", **ends, transition_steps=length),
        "polynomial": lambda: _call("optax.polynomial_schedule", **ends, power=a["power"], transition_steps=length),
        "exponential": lambda: _call(
            "optax.exponential_decay", **ends, transition_steps=length, decay_rate=a["final"] / a["peak"]
        ),
        "cosine": lambda: _call(
            "optax.cosine_decay_schedule", init_value=a["peak"], decay_steps=length, alpha=a["final"] / a["peak"]
        ),
    }
    if name not in decays or a["final"] > a["peak"] or a.get("power", 1.0) % 1:
        return None  # a compiler may make of 1 - t/T a number below 0, and of its root NaN
    if not rise:
        return decays[name]()
    if name == "cosine":
        ends = {"init_value": a.get("initial", 0.0), "peak_value": a["peak"], "end_value": a["final"]}
        return _call("optax.warmup_cosine_decay_schedule", **ends, warmup_steps=rise, decay_steps=a["horizon"])
    straight = _call("optax.linear_schedule", init_value=a["initial"], end_value=a["peak"], transition_steps=rise)
    return f"optax.join_schedules([{straight}, {decays[name]()}], boundaries=[{rise}])"


def _keras_call(schedule: Schedule, horizon: int | None) -> str | None:
    """The schedule of keras with these rates."""
    name, a = _known(schedule, horizon)
    if not a.get("peak") or a.get("final", 0.0) > a["peak"] or a.get("power", 1.0) % 1:
        return None  # as with optax
    rise, peak = a.get("warmup", 0), a["peak"]
    if name == "cosine":
        length = {"decay_steps": a["horizon"] - rise, "alpha": a["final"] / peak}
        if not rise:
            return _call("schedules.CosineDecay", repr(peak), **length)
        return _call(
            "schedules.CosineDecay", repr(a.get("initial", 0.0)), **length, warmup_target=peak, warmup_steps=rise
        )
    if rise:
        return None
    if name in ("linear", "polynomial"):
        end = {"decay_steps": a["horizon"], "end_learning_rate": a["final"], "power": a.get("power", 1.0)}
        return _call("schedules.PolynomialDecay", repr(peak), **end)
    if name == "exponential":
        return _call("schedules.ExponentialDecay", repr(peak), decay_steps=a["horizon"], decay_rate=a["final"] / peak)
    if name == "step":
        keywords = {"decay_steps": a["every"], "decay_rate": a["factor"], "staircase": True}
        return _call("schedules.ExponentialDecay", repr(peak), **keywords)
    if name == "multi_step" and len(set(a["milestones"])) == len(a["milestones"]) and a["milestones"]:
        values = np.cumprod([peak, *a["factors"]]).tolist()
        # keras takes the next value one step after a boundary
        return f"schedules.PiecewiseConstantDecay({[at - 1 for at in a['milestones']]!r}, {values!r})"
    return None


def _optax(schedule: Schedule, horizon: int | None) -> str:
    code = _optax_call(schedule, horizon)
    if code is None:
        return function_text(schedule, horizon, "jax")
    return f"import optax\n\nlearning_rate = {_laid_out(code)}\n"


KERAS_CLASS = '''

class LearningRate(schedules.LearningRateSchedule):
    """The rate of every step, for an optimizer: SGD(LearningRate())."""

    def __call__(self, step):
        return learning_rate(step)

    def get_config(self):
        return {}
'''


def _keras(schedule: Schedule, horizon: int | None) -> str:
    code = _keras_call(schedule, horizon)
    if code is not None:
        return f"from keras.optimizers import schedules\n\nlearning_rate = {_laid_out(code)}\n"
    imports, functions = _split(schedule, horizon, "keras")
    head = "\n".join(filter(None, [imports, "from keras.optimizers import schedules"]))
    return f"{head}\n\n\n{functions}{KERAS_CLASS}"


TARGETS: Mapping[str, Callable[[Schedule, int | None], str]] = {
    "torch": _torch,
    "transformers": _transformers,
    "optax": _optax,
    "keras": _keras,
    "python": lambda schedule, horizon: function_text(schedule, horizon, "python"),
}
"""What writes the code, by the name of the framework."""

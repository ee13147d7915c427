"""Which class or function of a framework has the rates of a schedule over a whole run, and with which arguments."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from lrsched.convert.formulas import arguments_of, unwrapped
from lrsched.schedule import Schedule
from lrsched.schedules import Named, Sequential
from lrsched.trainers import darknet

__all__ = ["call", "keras_class", "known", "optax_call", "torch_call", "transformers_call"]

Arguments: TypeAlias = dict[str, Any]


def known(schedule: Schedule, horizon: int | None) -> tuple[str, Arguments]:
    """The named schedule that has the rates of a run, with its arguments; ("", {}) where there is none."""
    schedule = unwrapped(schedule)
    if isinstance(schedule, Named):
        a = arguments_of(schedule)
        if schedule.name == "multi_step":
            a["factors"] = (a["factor"],) * len(a["milestones"])
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
    length = (a["up"] + a["down"]) * a["cycles"] if name == "cyclic" else a.get("horizon")
    return horizon is not None and length is not None and length < horizon


def call(name: str, *arguments: str, **keywords: Any) -> str:
    """A call as code."""
    return f"{name}({', '.join([*arguments, *(f'{key}={value!r}' for key, value in keywords.items())])})"


def torch_call(schedule: Schedule, horizon: int | None) -> str | None:
    """The scheduler of torch with these rates, for an optimizer with the peak as its rate."""
    name, a = known(schedule, horizon)
    if name == "constant":
        return call("ConstantLR", "optimizer", factor=1.0)
    if not a.get("peak") or _goes_on(name, a, horizon):
        return None
    peak, first = a["peak"], a.get("initial", 0.0) / a["peak"]
    if name == "warmup" and a["form"] == "linear" and 0 < first <= 1:
        return call("LinearLR", "optimizer", start_factor=first, total_iters=a["iterations"])
    if name == "one_cycle" and a["warmup"] and 0 < a["final"] <= a["initial"]:
        total, ratio = a["horizon"] + 1, a["initial"] / a["final"]
        shares = {"pct_start": (a["warmup"] + 1) / total, "div_factor": peak / a["initial"], "final_div_factor": ratio}
        return call("OneCycleLR", "optimizer", max_lr=peak, total_steps=total, **shares, cycle_momentum=False)
    if name == "cyclic" and a["shrink"] in (0.5, 1):
        sizes = {"base_lr": a["floor"], "max_lr": peak, "step_size_up": a["up"], "step_size_down": a["down"]}
        mode = "triangular" if a["shrink"] == 1 else "triangular2"
        return call("CyclicLR", "optimizer", **sizes, mode=mode, cycle_momentum=False)
    if a.get("warmup"):
        return None
    if name == "step":
        return call("StepLR", "optimizer", step_size=a["every"], gamma=a["factor"])
    if name == "multi_step" and len(set(a["factors"])) == 1:
        return call("MultiStepLR", "optimizer", milestones=list(a["milestones"]), gamma=a["factors"][0])
    if name == "linear" and 0 <= a["final"] <= peak:
        ends = {"start_factor": 1.0, "end_factor": a["final"] / peak}
        return call("LinearLR", "optimizer", **ends, total_iters=a["horizon"])
    if name == "polynomial" and a["final"] == 0:
        return call("PolynomialLR", "optimizer", total_iters=a["horizon"], power=a["power"])
    if name == "exponential":
        return call("ExponentialLR", "optimizer", gamma=(a["final"] / peak) ** (1 / a["horizon"]))
    if name == "cosine":
        return call("CosineAnnealingLR", "optimizer", T_max=a["horizon"], eta_min=a["final"])
    return None


def transformers_call(schedule: Schedule, horizon: int | None) -> str | None:
    """The call of ``get_scheduler`` with these rates."""
    name, a = known(schedule, horizon)

    def scheduler(kind: str, **own: Any) -> str:
        steps = {"num_warmup_steps": a.get("warmup", 0), "num_training_steps": a.get("horizon") or horizon}
        more = {"scheduler_specific_kwargs": own} if own else {}
        return call("get_scheduler", repr(kind), "optimizer", **steps, **more)

    if name == "constant":
        return scheduler(name)
    below = a.get("peak", 0.0) <= a.get("final", 0.0)
    if not a or a.get("initial", 0.0) or below or _goes_on(name, a, horizon):
        return None
    if name == "inverse_sqrt" or (name == "linear" and a["final"] == 0):
        return scheduler(name)
    if name in ("cosine", "waves"):
        waves = {} if a.get("cycles", 0.5) == 0.5 else {"num_cycles": a["cycles"]}
        least = {"min_lr": a["final"]} if a["final"] else {}
        return scheduler("cosine_with_min_lr" if least else "cosine", **least, **waves)
    if name == "warmup" and a["form"] == "linear":
        a["warmup"] = a["iterations"]
        return scheduler("constant_with_warmup")
    if name == "polynomial":
        return scheduler(name, lr_end=a["final"], power=a["power"])
    if name == "restarts" and a["cycles"] == int(a["cycles"]):
        return scheduler("cosine_with_restarts", num_cycles=int(a["cycles"]))
    if name == "warmup_stable_decay" and a["final"] == 0 and a["form"] != "exponential":
        return scheduler(name, num_decay_steps=a["decay"], decay_type=a["form"].replace("root", "1-sqrt"))
    return None


def optax_call(schedule: Schedule, horizon: int | None) -> str | None:
    """The expression of optax with these rates."""
    if isinstance(schedule, Sequential) and schedule.count_from == "boundary":
        parts = [optax_call(part, None) for part in schedule.schedules]
        found = [part for part in parts if part is not None]
        joined = f"optax.join_schedules([{', '.join(found)}], boundaries={list(schedule.at)!r})"
        return joined if len(found) == len(parts) else None
    name, a = known(schedule, horizon)
    if name == "constant":
        return f"optax.constant_schedule({a['rate']!r})"
    if name == "warmup" and a["form"] == "linear":
        ends = {"init_value": a["initial"], "end_value": a["peak"]}
        return call("optax.linear_schedule", **ends, transition_steps=a["iterations"])
    if not a.get("peak"):
        return None
    rise, length = a.get("warmup", 0), (a.get("horizon") or 0) - (a.get("warmup") or 0)
    if name == "step" and not rise:
        keywords = {"transition_steps": a["every"], "decay_rate": a["factor"], "staircase": True}
        return call("optax.exponential_decay", init_value=a["peak"], **keywords)
    if name == "multi_step" and not rise and len(set(a["milestones"])) == len(a["milestones"]):
        scales = dict(zip(a["milestones"], a["factors"], strict=True))
        return call("optax.piecewise_constant_schedule", init_value=a["peak"], boundaries_and_scales=scales)
    final, power = a.get("final", 0.0), a.get("power", 1.0)
    ends, share = {"init_value": a["peak"], "end_value": final}, final / a["peak"]
    decays = {
        "linear": ("linear_schedule", {**ends, "transition_steps": length}),
        "polynomial": ("polynomial_schedule", {**ends, "power": power, "transition_steps": length}),
        "exponential": ("exponential_decay", {**ends, "transition_steps": length, "decay_rate": share}),
        "cosine": ("cosine_decay_schedule", {"init_value": a["peak"], "decay_steps": length, "alpha": share}),
    }
    if name not in decays or final > a["peak"] or power % 1:
        return None  # a compiler may make of 1 - t/T a number below 0, and of its root NaN
    decay = call(f"optax.{decays[name][0]}", **decays[name][1])
    if not rise:
        return decay
    if name == "cosine":
        ends = {"init_value": a.get("initial", 0.0), "peak_value": a["peak"], "end_value": final}
        return call("optax.warmup_cosine_decay_schedule", **ends, warmup_steps=rise, decay_steps=a["horizon"])
    straight = call("optax.linear_schedule", init_value=a["initial"], end_value=a["peak"], transition_steps=rise)
    return f"optax.join_schedules([{straight}, {decay}], boundaries=[{rise}])"


def keras_class(schedule: Schedule, horizon: int | None) -> tuple[str, Any, Arguments] | None:
    """The class of keras with these rates, its first argument and the others."""
    name, a = known(schedule, horizon)
    if name == "constant":
        return "ExponentialDecay", a["rate"], {"decay_steps": 1, "decay_rate": 1.0}
    if not a.get("peak") or a.get("final", 0.0) > a["peak"] or a.get("power", 1.0) % 1:
        return None  # as with optax
    rise, peak = a.get("warmup", 0), a["peak"]
    if name == "cosine":
        length = {"decay_steps": a["horizon"] - rise, "alpha": a["final"] / peak}
        if not rise:
            return "CosineDecay", peak, length
        return "CosineDecay", a.get("initial", 0.0), {**length, "warmup_target": peak, "warmup_steps": rise}
    if rise:
        return None
    if name in ("linear", "polynomial"):
        end = {"decay_steps": a["horizon"], "end_learning_rate": a["final"], "power": a.get("power", 1.0)}
        return "PolynomialDecay", peak, end
    if name == "exponential":
        return "ExponentialDecay", peak, {"decay_steps": a["horizon"], "decay_rate": a["final"] / peak}
    if name == "step":
        return "ExponentialDecay", peak, {"decay_steps": a["every"], "decay_rate": a["factor"], "staircase": True}
    if name == "multi_step" and len(set(a["milestones"])) == len(a["milestones"]) and a["milestones"]:
        # keras takes the next value one step after a boundary
        values = np.cumprod([peak, *a["factors"]]).tolist()
        return "PiecewiseConstantDecay", [at - 1 for at in a["milestones"]], {"values": values}
    return None

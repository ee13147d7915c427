"""The keys of a cfg that shape its curve, and the points of the curve with what dragging one writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from lrsched.numbers import LAST_ITERATION, declarations
from lrsched.schedule import Schedule, params
from lrsched.shaping import Handle, Key, Option, key_of, rounded_rate, solved
from lrsched.shaping import Shaping as AnyShaping
from lrsched.trainers.darknet.dialects import DIALECTS, as_dialect
from lrsched.trainers.darknet.net import Net, parse_cfg
from lrsched.trainers.darknet.policies import POLICIES
from lrsched.trainers.darknet.usual import decay_keys

__all__ = ["Shaping"]

FIRST = ("learning_rate", "max_batches", "burn_in")
LISTS = ("steps", "scales")


class Shaping(AnyShaping):
    """What can be shaped of a cfg."""

    config: Net

    def options(self) -> Mapping[str, Option]:
        titles = {known.name: known.title.partition("/")[0] for known in DIALECTS}
        return {"dialect": Option("fork", self.config.dialect.name, titles)}

    def read(self, options: Mapping[str, str]) -> Net:
        net, dialect = self.config, as_dialect(options.get("dialect", self.config.dialect))
        return parse_cfg(f"{net}\n" if net.text is None else net.text, dialect, source=net.source)

    def shown(self) -> Iterator[Key]:
        net = self.config
        policy = next(policy for policy in POLICIES if net.policy == policy.KEY)
        for name in dict.fromkeys(["policy", *FIRST, *params(policy), *(["power"] if net.burn_in else [])]):
            if (key := self.key(name)) is not None:
                yield key._replace(param=params(policy).get(name, key.param))

    def key(self, name: str) -> Key | None:
        net, known = self.config, declarations(Net)
        if name == "policy":
            return Key(name, net.policy, str, choices=tuple(p.KEY for p in POLICIES if p.KEY in net.dialect.policies))
        default = next((f.default for f in fields(net) if f.name == name), None)
        return key_of(name, getattr(net, name), default, *known[name]) if name in known else None

    def facts(self) -> tuple[str, ...]:
        return ("ngpus", "classes", "images")

    def rows(self) -> tuple[str, ...]:
        return LISTS if self.config.policy == "steps" else ()

    def completed(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Another policy gets its usual values for the keys that are missing."""
        net, policy = self.config, changes.get("policy")
        if policy is None or policy == net.policy:
            return changes
        known = {"max_batches": net.max_batches, "learning_rate": net.learning_rate, **changes}
        horizon = known["max_batches"]
        usual = decay_keys(str(policy), horizon, known["learning_rate"]) if horizon > 1 else {}
        # the power bends the burn-in of every policy
        missing = {key: value for key, value in usual.items() if key != "power" and net.line_of(key) is None}
        return missing | dict(changes)

    def handles(self, ngpus: int = 1) -> Sequence[Handle]:
        return sorted(_points(self.config, ngpus), key=lambda handle: handle.iteration)


def _points(net: Net, ngpus: int) -> Iterator[Handle]:
    """The points of the curve that can be dragged: its ends, and those of the policy."""
    warm, horizon, top = max(net.burn_in, 0), net.max_batches, net.learning_rate * net.gpu_factor(ngpus)
    label, keys = "learning rate" + ", end of the burn-in" * bool(warm), ("learning_rate", "burn_in")
    peak = _reaching(net, ngpus, "learning_rate", warm, max(abs(net.learning_rate), 1e-6) * 4)
    high = max(horizon - 1, 0) if horizon > 0 else LAST_ITERATION
    yield Handle("learning_rate", label, warm, keys, _moving("burn_in"), peak, high=high)
    if net.policy == "steps":
        yield from _steps(net, ngpus)
    elif net.policy == "step" and net.step > 0 and top:
        scale = lambda rate: {"scale": rounded_rate(rate / top)}  # noqa: E731 (one of several of the same form)
        yield Handle("step", "first drop", net.step, ("step", "scale"), _moving("step"), scale, low=1)
    elif net.policy == "exp" and horizon > 0 and top > 0:
        yield Handle("gamma", "rate at the end", horizon, ("gamma",), None, partial(_gamma, top, horizon))
    elif net.policy == "poly" and horizon > 1 and top > 0:
        middle = horizon // 2  # at the end the rate is 0 with any power
        power = partial(_power, top, 1 - middle / horizon)
        yield Handle("power", "rate in the middle of the run", middle, ("power",), None, power)
    elif net.policy == "sigmoid" and net.step > 0:
        yield Handle("step", "midpoint", net.step, ("step",), _moving("step"), low=1)
    elif net.policy == "sgdr":
        cycle = horizon if net.sgdr_cycle is None else net.sgdr_cycle
        least = _reaching(net, ngpus, "learning_rate_min", cycle, max(abs(net.learning_rate), 1e-9))
        keys = ("sgdr_cycle", "learning_rate_min")
        yield Handle("sgdr_cycle", "end of the first cycle", cycle, keys, _moving("sgdr_cycle"), least, low=1)
    if horizon > 0:
        yield Handle("max_batches", "last iteration", horizon, ("max_batches",), _moving("max_batches"), low=warm + 1)


def _steps(net: Net, ngpus: int) -> Iterator[Handle]:
    """Each step in time, with its scale in height."""
    steps, scales = net.steps, net.scales
    if not steps or list(steps) != sorted(set(steps)) or steps[0] < 1:
        return  # some of them count from another iteration than they name
    bounds = [max(net.burn_in, 0), *steps, net.max_batches if net.max_batches > steps[-1] else LAST_ITERATION]
    for i, step in enumerate(steps):
        before = float(replace(net, steps=steps[:i], scales=scales[:i]).schedule(ngpus)(step))

        def at(t: int, i: int = i) -> Mapping[str, Any]:
            return {"steps": (*steps[:i], t, *steps[i + 1 :])}

        def reaches(rate: float, i: int = i, before: float = before) -> Mapping[str, Any]:
            return {"scales": (*scales[:i], rounded_rate(rate / before), *scales[i + 1 :])} if before else {}

        yield Handle(f"step:{i}", f"step {i + 1}", step, LISTS, at, reaches, bounds[i] + 1, bounds[i + 2] - 1)


def _moving(key: str) -> Callable[[int], Mapping[str, Any]]:
    return lambda t: {key: t}


def _reaching(net: Net, ngpus: int, key: str, at: int, high: float) -> Callable[[float], Mapping[str, Any]]:
    """What solves for the value of a key with which the rate at an iteration is a given one."""

    def curve(value: float) -> Schedule:
        changes: dict[str, Any] = {key: value}
        return replace(net, **changes).schedule(ngpus)

    def reaches(rate: float) -> Mapping[str, Any]:
        value = solved(curve, at, rate, 0.0, max(high, 4 * rate))
        return {} if value is None else {key: rounded_rate(value)}

    return reaches


def _gamma(top: float, horizon: int, rate: float) -> Mapping[str, Any]:
    """The base of exp; the digits that matter are those of 1 minus it."""
    gamma = (rate / top) ** (1 / horizon) if rate > 0 else 0.0
    return {"gamma": float(f"{1 - rounded_rate(1 - gamma):.15g}")}


def _power(top: float, left: float, rate: float) -> Mapping[str, Any]:
    """The power of poly with which a share of the run is left and a share of the rate."""
    share = min(max(rate / top, 1e-9), 1.0)
    return {"power": round(math.log(share) / math.log(left), 2)}

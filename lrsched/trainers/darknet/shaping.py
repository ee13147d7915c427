"""The keys of a cfg that shape its curve, and the points of the curve with what dragging one writes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from lrsched.numbers import declarations
from lrsched.schedule import params
from lrsched.shaping import Handle, Key, Option, key_of, rounded_rate, solved
from lrsched.shaping import Shaping as AnyShaping
from lrsched.trainers.darknet.dialects import DIALECTS, as_dialect
from lrsched.trainers.darknet.net import Net, parse_cfg
from lrsched.trainers.darknet.policies import POLICIES
from lrsched.trainers.darknet.usual import decay_keys

__all__ = ["Shaping"]

FIRST = ("learning_rate", "max_batches", "burn_in")
LISTS = ("steps", "scales")
MIDDLE = 2
"""The power of poly is dragged in the middle of the run: at its end the rate is 0 with any."""


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
            if name in net.dialect.reads(net.policy, adam=False) and (key := self.key(name)) is not None:
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
        """Another policy gets its usual values for keys that nobody gave."""
        net, policy = self.config, changes.get("policy")
        if policy is None or policy == net.policy:
            return changes
        known = {"max_batches": net.max_batches, "learning_rate": net.learning_rate, **changes}
        horizon = known["max_batches"]
        usual = decay_keys(str(policy), horizon, known["learning_rate"]) if horizon > 1 else {}
        # the power bends the burn-in of every policy
        return {
            **{key: value for key, value in usual.items() if key != "power" and net.line_of(key) is None},
            **changes,
        }

    def handles(self, ngpus: int = 1) -> Sequence[Handle]:
        made = _Handles(self.config, ngpus)
        own = {"steps": made.steps, "step": made.drop, "exp": made.exp, "poly": made.poly}
        own |= {"sigmoid": made.sigmoid, "sgdr": made.sgdr}
        found = [made.peak(), *own.get(self.config.policy, lambda: iter(()))(), *made.end()]
        return sorted(found, key=lambda handle: handle.iteration)


class _Handles:
    """The points of one cfg that can be dragged."""

    def __init__(self, net: Net, ngpus: int) -> None:
        self.net, self.ngpus, self.horizon = net, ngpus, net.max_batches

    def solved(self, key: str, at: int, rate: float, low: float, high: float) -> dict[str, Any]:
        """The value of a key with which the rate at an iteration is ``rate``."""

        def curve(value: float) -> Any:
            changes: dict[str, Any] = {key: value}
            return replace(self.net, **changes).schedule(self.ngpus)

        value = solved(curve, at, rate, low, high)
        return {} if value is None else {key: rounded_rate(value)}

    def peak(self) -> Handle:
        """Where the burn-in is over, or the run begins."""
        net, warm = self.net, max(self.net.burn_in, 0)
        low, high = 0.0, max(abs(net.learning_rate), 1e-6) * 4
        return Handle(
            name="learning_rate",
            label="learning rate" + ", end of the burn-in" * bool(warm),
            iteration=warm,
            keys=("learning_rate", "burn_in"),
            at=lambda t: {"burn_in": t},
            reaches=lambda rate: self.solved("learning_rate", warm, rate, low, max(high, 4 * rate)),
            high=max(self.horizon - 1, 0) if self.horizon > 0 else 2**31 - 1,
        )

    def end(self) -> Iterator[Handle]:
        """The last iteration."""
        if self.horizon > 0:
            low, top = max(self.net.burn_in, 0) + 1, 2**31 - 1
            at = lambda t: {"max_batches": t}  # noqa: E731 (one of several of the same form)
            yield Handle("max_batches", "last iteration", self.horizon, ("max_batches",), at, low=low, high=top)

    def steps(self) -> Iterator[Handle]:
        """Each step in time, with its scale in height."""
        steps, scales = self.net.steps, self.net.scales
        if not steps or list(steps) != sorted(set(steps)) or any(step < 1 for step in steps):
            return  # some of them count from another iteration than they name
        bounds = [max(self.net.burn_in, 0), *steps, self.horizon if self.horizon > steps[-1] else 2**31 - 1]
        for i, step in enumerate(steps):
            before = float(replace(self.net, steps=steps[:i], scales=scales[:i]).schedule(self.ngpus)(step))

            def at(t: int, i: int = i) -> Mapping[str, Any]:
                return {"steps": (*steps[:i], t, *steps[i + 1 :])}

            def reaches(rate: float, i: int = i, before: float = before) -> Mapping[str, Any]:
                return {"scales": (*scales[:i], rounded_rate(rate / before), *scales[i + 1 :])} if before else {}

            yield Handle(f"step:{i}", f"step {i + 1}", step, LISTS, at, reaches, bounds[i] + 1, bounds[i + 2] - 1)

    def drop(self) -> Iterator[Handle]:
        """The first drop of equal ones."""
        net = self.net
        if net.step > 0 and net.learning_rate:
            factor = net.learning_rate * net.gpu_factor(self.ngpus)
            yield Handle(
                name="step",
                label="first drop",
                iteration=net.step,
                keys=("step", "scale"),
                at=lambda t: {"step": t},
                reaches=lambda rate: {"scale": rounded_rate(rate / factor)},
                low=1,
            )

    def exp(self) -> Iterator[Handle]:
        """The base, at the end of the run."""
        if self.horizon > 0 and self.net.learning_rate > 0:
            top = self.net.learning_rate * self.net.gpu_factor(self.ngpus)

            def reaches(rate: float) -> Mapping[str, Any]:
                gamma = (rate / top) ** (1 / self.horizon) if rate > 0 else 0.0
                return {"gamma": float(f"{1 - rounded_rate(1 - gamma):.15g}")}

            yield Handle("gamma", "rate at the end", self.horizon, ("gamma",), None, reaches)

    def poly(self) -> Iterator[Handle]:
        """The power, in the middle of the run."""
        if self.horizon > 1 and self.net.learning_rate > 0:
            at, top = self.horizon // MIDDLE, self.net.learning_rate * self.net.gpu_factor(self.ngpus)

            def reaches(rate: float) -> Mapping[str, Any]:
                share = min(max(rate / top, 1e-9), 1.0)
                return {"power": round(math.log(share) / math.log(1 - at / self.horizon), 2)}

            yield Handle("power", "rate in the middle of the run", at, ("power",), None, reaches)

    def sigmoid(self) -> Iterator[Handle]:
        """The midpoint in time."""
        if self.net.step > 0:
            yield Handle("step", "midpoint", self.net.step, ("step",), lambda t: {"step": t}, low=1)

    def sgdr(self) -> Iterator[Handle]:
        """The end of the first cycle, whose rate is the lowest."""
        net, cycle = self.net, self.horizon if self.net.sgdr_cycle is None else self.net.sgdr_cycle
        low, high = 0.0, max(abs(net.learning_rate), 1e-9)
        yield Handle(
            name="sgdr_cycle",
            label="end of the first cycle",
            iteration=cycle,
            keys=("sgdr_cycle", "learning_rate_min"),
            at=lambda t: {"sgdr_cycle": t},
            reaches=lambda rate: self.solved("learning_rate_min", cycle, rate, low, high),
            low=1,
        )

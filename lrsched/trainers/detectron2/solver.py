"""The SOLVER section of a config.yaml: the rates that detectron2 trains with."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from lrsched.numbers import LAST_ITERATION, Param, declared
from lrsched.schedule import Schedule
from lrsched.schedules import clamped, constant, cosine, held, multi_step, polynomial, warmup
from lrsched.text import joined, number
from lrsched.trainers.records import Keyed, config_of, text_of
from lrsched.trainers.yaml import ConfigError, Entry, entries

__all__ = ["Solver", "read_config"]

Rate = Annotated[float, Param("a learning rate", 0.0, math.inf, (1e-4, 0.02))]
Share = Annotated[float, Param("a factor", 0.0, math.inf, (0.001, 0.1))]
Count = Annotated[int, Param("a number of iterations", 1, LAST_ITERATION, (300, 90_000))]
Length = Annotated[int, Param("a number, 0 for none", 0, LAST_ITERATION, (0, 1000))]

SCHEDULERS = ("WarmupMultiStepLR", "WarmupCosineLR", "WarmupStepWithFixedGammaLR", "WarmupPolyLR")


@dataclass(frozen=True, kw_only=True)
class Solver(Keyed):
    """What decides the rates; the fields are the keys of SOLVER in lower case.

    ``fvcore``: the versions since 2021 make one curve of warm-up and decay, which meet, and clamp the warm-up to the
    run; those before multiply the two.

    >>> solver = Solver(base_lr=0.02, steps=(60, 80), max_iter=90, warmup_iters=10)
    >>> solver.schedules()["rate"]([0, 5, 10, 60, 80]).round(5).tolist()
    [2e-05, 0.01001, 0.02, 0.002, 0.0002]
    """

    lr_scheduler_name: str = "WarmupMultiStepLR"
    base_lr: Rate = 0.001
    base_lr_end: Rate = 0.0
    gamma: Share = 0.1
    steps: Annotated[tuple[int, ...], Param("iterations of the drops", 0, LAST_ITERATION, (1000, 90_000))] = (30_000,)
    num_decays: Count = 3
    max_iter: Count = 40_000
    warmup_factor: Share = 0.001
    warmup_iters: Length = 1000
    warmup_method: str = "linear"
    rescale_interval: bool = False
    poly_lr_power: Annotated[float, Param("exponent of the decay", 0.01, 100, (0.9, 2.0))] = 0.9
    poly_lr_constant_ending: Share = 0.0
    reference_world_size: Length = 0
    fvcore: bool = True
    source: str = field(default="<config>", compare=False)

    def __post_init__(self) -> None:
        declared(self)
        for name, known in (("lr_scheduler_name", SCHEDULERS), ("warmup_method", ("linear", "constant"))):
            if getattr(self, name) not in known:
                raise ConfigError(f"{name.upper()} is {getattr(self, name)!r}; known are {joined(known)}")

    def caption(self, ngpus: int = 1) -> str:
        """The schedule in one line."""
        used = self.scaled(ngpus)
        drops = (
            f"STEPS {joined(used.steps)} · GAMMA {number(used.gamma)}" if "MultiStep" in self.lr_scheduler_name else ""
        )
        parts = (self.lr_scheduler_name, f"BASE_LR {number(used.base_lr, 6)}", f"MAX_ITER {used.max_iter}")
        return " · ".join(filter(None, (*parts, drops, f"{used.warmup_method} warm-up of {used.warmup_iters}")))

    def scaled(self, ngpus: int) -> Solver:
        """What ``REFERENCE_WORLD_SIZE`` makes of it on ``ngpus`` GPUs."""
        if self.reference_world_size in (0, ngpus):
            return self
        scale = ngpus / self.reference_world_size
        return replace(
            self,
            base_lr=self.base_lr * scale,
            max_iter=round(self.max_iter / scale),
            warmup_iters=round(self.warmup_iters / scale),
            steps=tuple(round(at / scale) for at in self.steps),
            reference_world_size=0,
        )

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """The rate of the group that most parameters belong to, by the count of iterations from 0."""
        used = self.scaled(ngpus)
        length, last = used.warmup_iters, used.max_iter
        clamps = used.fvcore and used.lr_scheduler_name != "WarmupPolyLR"  # which came with a project, and multiplies
        if not clamps:
            factor: Schedule = warmup(length, peak=1.0, initial=used.warmup_factor) if length else constant(1.0)
            if used.warmup_method == "constant" and length:
                factor = constant(used.warmup_factor).then(constant(1.0), at=length)
            whole = factor * used._decay(last)
            return {"rate": held(whole, at=last) if length > last else whole}
        length = min(length, last)
        rescaled = used.rescale_interval and length < last
        main = used._decay(last - length if rescaled else last)
        if not length:
            return {"rate": main}
        start, goal = used.warmup_factor * used.base_lr, float(main(0 if rescaled else length))
        rise = constant(start) if used.warmup_method == "constant" else warmup(length, peak=goal, initial=start)
        if rescaled:
            return {"rate": rise.then(main, at=length)}
        first = max(math.floor(length - last / 1e6) + 1, 1)  # of what is asked for a millionth ahead, as the drops are
        return {"rate": rise.then(main, at=first, count_from="zero")}

    def _decay(self, last: int) -> Schedule:
        """The decay over ``last`` iterations (those after the warm-up, where it is rescaled)."""
        if self.lr_scheduler_name == "WarmupCosineLR":
            return cosine(peak=self.base_lr, horizon=last, final=self.base_lr_end)
        if self.lr_scheduler_name == "WarmupPolyLR":
            main = polynomial(peak=self.base_lr, horizon=last, power=self.poly_lr_power)
            low = self.poly_lr_constant_ending * self.base_lr
            return clamped(main, low=low) if low else main
        early = last / 1e6 if self.fvcore else 0.0
        if self.lr_scheduler_name == "WarmupStepWithFixedGammaLR":
            parts = self.num_decays + 1
            at = [math.ceil(part * last / parts - early) for part in range(1, parts)]
        else:  # fvcore asks for the iteration as a share of the run, a millionth ahead
            at = [math.ceil(step * last / self.max_iter - early - 1e-9) for step in self.steps if step < self.max_iter]
        return multi_step(peak=self.base_lr, milestones=sorted(at), factor=self.gamma, horizon=last)


def read_config(source: Any, changes: Mapping[str, str] = MappingProxyType({})) -> Solver:
    """Read the config.yaml that a run leaves in its folder, from the folder, the path or an open file.

    Keys that are absent have their defaults.

    Raises:
        ConfigError: where SOLVER is missing, or cannot be read (with the line).
        OSError: when the file cannot be opened.
    """
    text, label = text_of(source, "config.yaml")
    keys = _keys(text, label, ())
    if not keys:
        raise ConfigError(f"{label}: there is no section SOLVER; give the config.yaml of the output folder.")
    # the key came with the schedulers of fvcore; a file written by hand has neither
    dumped = re.search(r"^VERSION:", text, re.MULTILINE) is not None and "gamma" in keys and "_BASE_" not in text
    keys["fvcore"] = Entry(not dumped or "base_lr_end" in keys, 0)
    return config_of(Solver, keys, label, {key.lower(): value for key, value in changes.items()})


def _keys(text: str, source: str, above: tuple[str, ...]) -> dict[str, Entry]:
    """The keys of SOLVER, over those of the files that ``_BASE_`` names, which lie beside the file or by its path."""
    inside, kept = False, []
    for line in text.splitlines():  # other sections may hold what only a full reader of YAML understands
        inside = line.startswith(("SOLVER:", "_BASE_:")) or (inside and (not line.strip() or line[0] in " #-"))
        kept.append(line if inside else "")
    found = entries("\n".join(kept), source)
    solver, base = found.get("SOLVER", Entry({}, 0)).value, found.get("_BASE_", Entry(None, 0))
    keys: dict[str, Entry] = {}
    above = (*above, os.path.realpath(source))
    for name in base.value if isinstance(base.value, list) else [base.value] if base.value else []:
        path = Path(source).parent / os.path.expanduser(str(name))
        place = f"{source}, line {base.line}: _BASE_ {name}"
        if "://" in str(name):
            raise ConfigError(
                f"{place} is not a file of this machine, and nothing is loaded; write the path of a copy."
            )
        if os.path.realpath(path) in above:
            raise ConfigError(f"{place} is based on this file again, so the circle has no end; name another file.")
        try:
            below = _keys(*text_of(path), above)
        except OSError as problem:
            raise ConfigError(f"{place} cannot be read ({problem.strerror}); put the file there.") from None
        keys |= {key: entry._replace(line=0) for key, entry in below.items()}
    return keys | {str(key).lower(): entry for key, entry in (solver.items() if isinstance(solver, dict) else ())}

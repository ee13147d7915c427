"""detectron2: the SOLVER section of config.yaml, the rates that it makes, and metrics.json."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from lrsched.fitting import Fit, Observed, fit
from lrsched.log import Log, TrainerLogs
from lrsched.numbers import LAST_ITERATION, Param, declared
from lrsched.rules import Configs, Finding, Rule, Run, Terms, rule, warning
from lrsched.rules import Planning as AnyPlanning
from lrsched.schedule import Schedule
from lrsched.schedules import clamped, constant, cosine, held, multi_step, polynomial, warmup
from lrsched.text import joined, number
from lrsched.trainers.printed import numbers
from lrsched.trainers.records import Keyed, Row, config_of, json_lines, log_of, runs, text_of
from lrsched.trainers.yaml import ConfigError, Entry, entries

__all__ = ["CONFIGS", "LOGS", "Solver", "read_config"]

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
        parts = [self.lr_scheduler_name, f"BASE_LR {number(used.base_lr, 6)}", f"MAX_ITER {used.max_iter}"]
        if "MultiStep" in self.lr_scheduler_name:
            parts += [f"STEPS {joined(used.steps)}", f"GAMMA {number(used.gamma)}"]
        return " · ".join([*parts, f"{used.warmup_method} warm-up of {used.warmup_iters}"])

    def scaled(self, ngpus: int) -> Solver:
        """What ``REFERENCE_WORLD_SIZE`` makes of it on ``ngpus`` GPUs."""
        if self.reference_world_size in (0, ngpus):
            return self
        scale, steps = ngpus / self.reference_world_size, self.steps
        fewer = {key: round(getattr(self, key) / scale) for key in ("max_iter", "warmup_iters")}
        scaled: dict[str, Any] = {"base_lr": self.base_lr * scale, "steps": tuple(round(at / scale) for at in steps)}
        return replace(self, **scaled, **fewer, reference_world_size=0)

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
            raise ConfigError(f"{place} is not a local file, and nothing is loaded; write the path of a copy.")
        if os.path.realpath(path) in above:
            raise ConfigError(f"{place} is based on this file again, so the circle has no end; name another file.")
        try:
            below = _keys(*text_of(path), above)
        except OSError as problem:
            raise ConfigError(f"{place} cannot be read ({problem.strerror}); put the file there.") from None
        keys |= {key: entry._replace(line=0) for key, entry in below.items()}
    return keys | {str(key).lower(): entry for key, entry in (solver.items() if isinstance(solver, dict) else ())}


@rule("steps-beyond-run", hides="never-decays")
def steps_beyond_run(run: Run) -> Iterator[Finding]:
    """STEPS of another MAX_ITER: detectron2 says so in one line among many, and goes on.

    Source: facebookresearch/detectron2#161, #497.
    """
    used = run.config.scaled(run.ngpus)
    late = [at for at in used.steps if at >= used.max_iter]
    if late and used.lr_scheduler_name == "WarmupMultiStepLR":
        usual = f"({used.max_iter * 2 // 3}, {used.max_iter * 8 // 9})"
        lie = "lies" if len(late) == 1 else "lie"
        message = f"STEPS {joined(late)} {lie} beyond MAX_ITER {used.max_iter}, so the rate does not drop there"
        yield warning(f"{message}; write STEPS: {usual}, the usual 2/3 and 8/9 of the run.", used.max_iter)


class Planning(AnyPlanning):
    """SOLVER as the planner sees it."""

    terms: ClassVar[Terms] = Terms(horizon="MAX_ITER: ")
    rules: ClassVar[tuple[Rule, ...]] = (steps_beyond_run,)


# --- metrics.json: a JSON object every 20 iterations, with the rate of its iteration; every start appends to it -------


NAMES = {"iteration": "iteration", "lr": "rate", "total_loss": "loss", "validation_loss": "val_loss", "time": "seconds"}


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file with this beginning is a metrics.json."""
    first = re.search(rb'^\{.*"iteration": ?\d.*', beginning, re.MULTILINE)
    return first is not None and any(key in first[0] for key in (b'"eta_seconds"', b'"data_time"', b'"total_loss"'))


def parse(data: bytes, source: str) -> list[Log]:
    """Every training in the file; what an evaluation measured stands in the row before it."""
    rows, skipped = json_lines(data.decode("utf-8-sig", "replace"))
    kept: list[Row] = []
    for row in rows:
        if "lr" in row:
            kept.append(row)
        elif kept and "iteration" in row:
            kept[-1] = {**row, **kept[-1]}
    known: dict[str, Any] = {"source": source, "trainer": "detectron2", "skipped": skipped}
    found = runs(kept, "iteration", lambda row: row.get("eta_seconds") == 0)
    return [log_of(run, NAMES, **known, horizon=_horizon(run)) for run in found]


def _horizon(run: Sequence[Row]) -> int | None:
    """MAX_ITER, from the seconds that are left and those of an iteration: in the first row both are of the same ones.

    Newer versions count what is left after this iteration, so the next number is possible too: the rounder one it is.
    """
    left, each = (numbers.number(run[0].get(key)) for key in ("eta_seconds", "time"))
    if not 0 <= left < 1e12 or not each > 0:
        return None
    first, last = (numbers.number(row["iteration"]) for row in (run[0], run[-1]))
    ahead = first + left / each
    if abs(ahead - round(ahead)) > 1e-3 or round(ahead) + 1 <= last:
        return None
    return max(round(ahead) + 1, round(ahead), key=lambda at: len(str(at)) - len(str(at).rstrip("0")))


def fitted(log: Log, observed: Observed) -> Fit | None:
    """What explains the rates; of a log that ends within the warm-up the peak follows from the usual WARMUP_FACTOR."""
    found = fit(observed)
    if found is None or found.family != "warmup" or not found.parameters.get("initial"):
        return found
    initial, slope = found.parameters["initial"], found.parameters["slope"]
    length = (initial / Solver.warmup_factor - initial) / slope
    if length < observed.step[-1] or abs(length - round(length)) > 1e-3:
        return found
    peak = float(f"{initial / Solver.warmup_factor:.9g}")
    curve = warmup(round(length), peak=peak, initial=initial)
    why = "the log ends within the warm-up; they follow from the usual WARMUP_FACTOR of 0.001"
    words = {"peak": peak, "warmup": round(length), "initial": initial}
    left = {"peak": why, "warmup": why}
    return replace(found, curve=curve, parameters=words, open=left)


LOGS = TrainerLogs(
    begins=begins,
    parse=parse,
    names=("metrics.json",),
    config_names=("config.yaml",),
    read_config=read_config,
    fitted=fitted,
)

CONFIGS = Configs(read=read_config, planning=Planning, points=("base_lr", "warmup_iters", "base_lr_end", "max_iter"))

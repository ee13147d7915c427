"""What a run was told: TrainingArguments as JSON, LLaMA-Factory's YAML, the hyperparameters of a model card."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lrsched.log import Log
from lrsched.schedule import Schedule
from lrsched.text import number
from lrsched.trainers import PICKLED
from lrsched.trainers.huggingface.schedules import run, schedule_of
from lrsched.trainers.records import Keyed, text_of
from lrsched.trainers.yaml import ConfigError, Entry, entries, scalar

__all__ = ["Arguments", "arguments_beside", "arguments_of", "read_arguments"]

# the keys of a model card that have another name among the arguments
CARD = {"lr_scheduler_warmup_steps": "warmup_steps", "lr_scheduler_warmup_ratio": "warmup_ratio"}
CARD |= {"training_steps": "max_steps", "num_epochs": "num_train_epochs"}

# a file without any of these has no arguments of a Trainer, whatever else it is
OWN = re.compile(r"\b(learning_rate|lr_scheduler_\w+|max_steps|training_steps|warmup_\w+)\b")
WANTED: dict[type, str] = {float: "a number", int: "a whole number"}
CARD_LINE = re.compile(r"(?m)^- (\w+): *(.*?) *$")


@dataclass(frozen=True, kw_only=True)
class Arguments(Keyed):
    """The arguments of a Trainer that decide its rate, with the Trainer's own defaults.

    ``scheduler`` is what DeepSpeed's config has under this name; it replaces the schedule of the arguments.

    >>> run = Arguments(learning_rate=5e-6, lr_scheduler_type="cosine", warmup_ratio=0.1, max_steps=336)
    >>> run.schedules()
    {'learning_rate': waves(peak=5e-06, horizon=336, warmup=34)}
    """

    learning_rate: float = 5e-5
    lr_scheduler_type: str = "linear"
    warmup_steps: float = 0.0
    warmup_ratio: float = 0.0
    lr_scheduler_kwargs: Mapping[str, Any] = field(default_factory=dict)
    scheduler: Mapping[str, Any] = field(default_factory=dict)
    max_steps: int = -1
    num_train_epochs: float = 3.0
    source: str = "<arguments>"

    def caption(self, ngpus: int = 1) -> str:
        """The schedule in one line."""
        warm = f"warm-up {number(self.warmup_steps or self.warmup_ratio)}"
        length = f"{self.max_steps} steps" if self.max_steps > 0 else f"{number(self.num_train_epochs)} epochs"
        kind = self.scheduler["type"] if self.scheduler else self.lr_scheduler_type
        return " · ".join([kind, f"learning_rate {number(self.learning_rate)}", warm, length])

    def of_log(self, log: Log) -> Arguments:
        """The arguments with the steps that the run itself counted on, where they only have epochs."""
        return self if self.max_steps > 0 or log.horizon is None else replace(self, max_steps=log.horizon)

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """The rate, by the steps that the schedule has taken.

        Raises:
            ConfigError: where the number of steps is not known, and for what the Trainer refuses.
        """
        steps = self.max_steps
        if steps <= 0:
            unknown = f"the steps of {number(self.num_train_epochs)} epochs depend on the data"
            known = "write max_steps, which trainer_state.json has"
            raise ConfigError(f"{self.source}: {unknown}, so the rates are not known; {known}.")
        try:
            return {"learning_rate": self._made(steps)}
        except (TypeError, ValueError) as why:
            raise ConfigError(f"{self.source}: {why}.") from None

    def _made(self, steps: int) -> Schedule:
        """The schedule in a run of these steps; in DeepSpeed's config the Trainer fills in what is "auto"."""
        share = self.warmup_steps or self.warmup_ratio
        warmup = int(self.warmup_steps) if self.warmup_steps >= 1 else math.ceil(steps * share)
        if not self.scheduler:
            return schedule_of(self.lr_scheduler_type, self.learning_rate, warmup, steps, **self.lr_scheduler_kwargs)
        defaults = {"warmup_max_lr": 0.001, "warmup_num_steps": 1000, "total_num_steps": steps}
        given: dict[str, Any] = {**defaults, **self.scheduler["params"]}
        filled = {"warmup_min_lr": 0.0, "warmup_max_lr": self.learning_rate, "warmup_num_steps": max(warmup, 1)}
        values = {key: filled.get(key, steps) if value == "auto" else value for key, value in given.items()}
        lr, length, end = (values.pop(key) for key in ("warmup_max_lr", "warmup_num_steps", "total_num_steps"))
        return run(schedule_of(self.scheduler["type"], lr, int(length), int(end), **values), horizon=steps)


def read_arguments(source: Any, changes: Mapping[str, Any] = MappingProxyType({})) -> Arguments:
    """Read them from a path or an open file, as if some had the values of ``changes``.

    Raises:
        ConfigError: for a file without such arguments, and for what is pickled.
        OSError: when the file cannot be opened.
    """
    found = arguments_in(source, changes)
    if found is None:
        raise ConfigError(f"{source}: it has no argument of a Trainer (learning_rate ...); give TrainingArguments.")
    return found


def arguments_in(source: Any, changes: Mapping[str, Any] = MappingProxyType({})) -> Arguments | None:
    """The same; None for a file without such arguments."""
    name = os.fspath(source) if isinstance(source, str | os.PathLike) else str(getattr(source, "name", "<stream>"))
    if name.endswith(PICKLED):
        how = "write training_args.to_json_string() to a .json file, and give that"
        how = how if "training_args" in name else "give the config that it was trained with"
        raise ConfigError(f"{name}: this is a pickle, which can run any code when it is read, so it is not; {how}.")
    text, _ = text_of(source)
    values = _values(text, name) if OWN.search(text) else {}
    beside = Path(name).parent / str(values.get("deepspeed", "-"))
    if isinstance(values.get("deepspeed"), str) and beside.is_file():
        values["deepspeed"] = _values(beside.read_text("utf-8-sig", "replace"), os.fspath(beside))
    return arguments_of({**values, **changes}, name)


def arguments_beside(path: Path) -> Arguments | None:
    """Those of a run, from its folder or the one above; None where a folder has several runs, or several of them."""
    runs = [len(list(path.parent.glob(f"*{name}"))) for name in ("trainer_state.json", "trainer_log.jsonl")]
    others = (other for other in path.parent.glob(f"*{path.suffix}") if other != path and other.is_file())
    if max(runs) > 1 or (not any(runs) and any(OWN.search(other.read_text("utf-8", "replace")) for other in others)):
        return None
    return arguments_in(path)


def arguments_of(values: Mapping[str, Any], source: str = "<arguments>") -> Arguments | None:
    """The arguments among other values, numbers where they are text; None where there are none.

    >>> print(arguments_of({"learning_rate": "1e-4", "lr_scheduler_type": "cosine", "bf16": True}).caption())
    cosine · learning_rate 0.0001 · warm-up 0 · 3 epochs
    >>> arguments_of({"imgsz": 640}) is None
    True

    Raises:
        ConfigError: where one is not a number.
    """
    values = {CARD.get(key, key): value for key, value in values.items() if value is not None}
    deepspeed = values if isinstance(values.get("scheduler"), Mapping) else values.get("deepspeed")
    known: dict[str, Any] = {
        each.name: _as(each.name, type(each.default), values[each.name], source)
        for each in fields(Arguments)
        if each.name in values and each.name not in ("scheduler", "source")
    }
    if isinstance(deepspeed, Mapping) and isinstance(scheduler := deepspeed.get("scheduler"), Mapping):
        known["scheduler"] = {"type": str(scheduler.get("type")), "params": dict(scheduler.get("params") or {})}
    return Arguments(**known, source=source) if known else None


def _as(name: str, kind: type, value: Any, source: str) -> Any:
    try:
        if name == "lr_scheduler_kwargs":
            own = dict(json.loads(value) if isinstance(value, str) else value)
            return {key: _number(each) if isinstance(each, str) else each for key, each in own.items()}
        return str(value).rpartition(".")[2].lower() if kind is str else kind(float(value))
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(f"{source}: {name} must be {WANTED.get(kind, 'a dictionary')}, got {value!r}.") from None


def _number(text: str) -> float | str:
    """A number that YAML takes for a text, such as 1e-5, which has no point."""
    try:
        return float(text)
    except ValueError:
        return text


def _values(text: str, source: str) -> dict[str, Any]:
    """The keys and values of JSON, a model card or YAML."""
    if source.endswith(".md"):
        return {key: scalar(value) for key, value in CARD_LINE.findall(text)}
    if not text.lstrip().startswith("{"):
        return _plain(entries(text, source))
    try:
        return dict(json.loads(text))
    except (ValueError, RecursionError) as why:
        raise ConfigError(f"{source}: the JSON is broken ({why}).") from None


def _plain(given: Mapping[str, Entry]) -> dict[str, Any]:
    return {key: _plain(value) if isinstance(value, dict) else value for key, (value, _) in given.items()}

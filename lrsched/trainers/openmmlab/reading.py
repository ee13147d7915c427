"""What mmcv and mmengine print and write while they train: TIME.log, TIME.log.json, vis_data/scalars.json."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from lrsched.fitting import Clock, Observed, printed_slack
from lrsched.log import Event, Log, Skipped, cut_runs
from lrsched.text import number as shown
from lrsched.trainers.openmmlab.config import RunConfig, config_of, epoch_length_of
from lrsched.trainers.printed.numbers import number
from lrsched.trainers.records import json_lines
from lrsched.trainers.yaml import ConfigError

__all__ = ["begins", "clocks", "parse", "readings"]

Row: TypeAlias = dict[str, float]  # a record by the names of its columns; ``step`` and ``epoch`` as printed, from 1

_STAMP = r"(?:\d{4}[-/])?\d\d[-/]\d\d \d\d:\d\d:\d\d(?:,\d+)? - [\w.-]+ - [A-Z]+ - "
_RECORD = re.compile(r"\b(Epoch|Iter)(?:\(train\))?\s*(?:\[\s*(\d{1,9})\])?\[\s*(\d{1,9})/(\d{1,9})\]\s+(.*)")
_EVALUATION = re.compile(r"\b(?:Epoch|Iter)\(val\)\s*(?:\[\s*\d+\])?\[[\s\d/]+\]\s+(.*)")
_PAIR = re.compile(r"([\w./@-]+): (-?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|nan|inf))(?![\w:])")
_CONFIG = re.compile(rf"(?ms)^{_STAMP}Config:\s*\n(.*?)(?=^{_STAMP}|\Z)")
_STARTS = re.compile(rf"(?m)^(?={_STAMP}Config:)")
_GPUS = re.compile(r"GPU number: (\d+)")
_JSON_BEGINS = re.compile(rb'\{"env_info": ?"|"mode": ?"(?:train|val)", ?"epoch": ?\d|"iter": ?\d+.{0,200}"step": ?\d')
_TEXT_BEGINS = re.compile(
    rf"(?m)^{_STAMP}(?:Environment info|Config:|(?:Epoch|Iter)(?:\(train\))? *\[)|- mm\w+ - INFO - ".encode()
)
MOST = 1e9  # epochs and iterations from here on are damage
_NAMES = {"lr": "rate", "time": "seconds"}
_LEFT_OUT = {"iter", "eta", "memory", "base_lr"}


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file with this beginning is a log of these trainers."""
    return bool(_JSON_BEGINS.search(beginning) or _TEXT_BEGINS.search(beginning))


def clocks(log: Log) -> Sequence[Clock]:
    """Steps are counted from 1, and a rate belongs to the step it is logged with."""
    return (Clock(late=1),)


def parse(data: bytes, source: str) -> list[Log]:
    """Every run in a file."""
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    documents, skipped = json_lines("\n".join(dict.fromkeys(text.split("\n"))))  # a merge doubles lines
    if any("lr" in each for each in documents):
        logs = [_of_json(documents, source, skipped=skipped)]
    else:
        gpus = _GPUS.search(text)
        known = {"gpus": int(gpus[1])} if gpus else {}
        logs = [_of_text(part, source, **known) for part in _STARTS.split(text)]
    return [run for log in logs if log is not None for run in cut_runs(log)]


def _of_json(documents: list[dict[str, Any]], source: str, **known: Any) -> Log | None:
    rows: list[Row] = []
    ends = set()
    rounded = any("mode" in each for each in documents)  # mmcv rounds every number to 5 decimals
    for each in documents:
        row = {key: number(value) for key, value in each.items() if type(value) in (int, float)}
        rates = _rates(each.get("base_lr", each.get("lr")))
        row["step"] = step = row.get("step", row.get("iter", math.nan))
        if each.get("mode", "train") == "train" and rates and 0 <= step < MOST and 0 <= row.get("epoch", 1.0) < MOST:
            rows.append(row | rates | ({"rate_slack": 0.505e-5} if rounded else {}))
        elif rows:
            rows[-1] = row | rows[-1]
            ends.add(step)
    config = next((each["config"] for each in documents if isinstance(each.get("config"), str)), "")
    within = any(row["step"] <= before["step"] for before, row in itertools.pairwise(rows))
    if not rounded or not (within or len({row.get("epoch") for row in rows}) == 1):
        return _log(rows, source, config, None, None, **known)
    longest, first = (f(row["step"] for row in rows) for f in (max, min))
    # the rest of an epoch that is shorter than the interval is not logged; an evaluation may say how long it is
    near = [end for end in ends if longest <= end < longest + first]
    return _log(rows, source, config, int(min(near, default=longest)), None, at_least=not near, **known)


def _rates(given: Any) -> Row:
    """The rate of each optimizer, or of each group of parameters; the first is the one people plot."""
    if type(given) in (int, float):
        return {"lr": number(given)}
    listed = given.items() if isinstance(given, dict) else enumerate(given if isinstance(given, list) else [])
    rates = [(key, number(rate)) for key, rate in listed if type(rate) in (int, float)]
    return {f"lr_{key}" if place else "lr": rate for place, (key, rate) in enumerate(rates)}


def _of_text(text: str, source: str, **known: Any) -> Log | None:
    rows: list[Row] = []
    length, total = None, None
    for line in dict.fromkeys(text.split("\n")):
        found = _RECORD.search(line)
        evaluated = None if found or not rows else _EVALUATION.search(line)
        if evaluated:
            rows[-1] |= {key: float(value) for key, value in _PAIR.findall(evaluated[1]) if key not in rows[-1]}
        pairs = dict(_PAIR.findall(found[5])) if found else {}
        rates = {key: value for key, value in pairs.items() if re.fullmatch("lr(_.+)?", key)}
        if found and rates:
            first = pairs.get("base_lr", next(iter(rates.values())))
            place = {"epoch": float(found[2])} if found[2] else {}
            length, total = (int(found[4]), total) if found[1] == "Epoch" else (length, int(found[4]))
            values = {key: float(value) for key, value in pairs.items() if key != next(iter(rates))}
            row = values | place | {"step": float(found[3]), "lr": float(first), "rate_slack": _printed(first)}
            if rows and all(row.get(key) == rows[-1].get(key) for key in ("step", "epoch")):
                rows.append(row | rows.pop())  # older versions print an evaluation as another record of the last step
            else:
                rows.append(row)
    config = _CONFIG.search(text)
    return _log(rows, source, config[1] if config else "", length, total, **known)


def _printed(text: str) -> float:
    """By how much a rate may differ from the number that was printed."""
    mantissa, exponent, _ = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    precision = {"digits": decimals + 1} if exponent else {"decimals": decimals}
    return float(printed_slack([float(text)], **precision)[0])


def _log(rows: list[Row], source: str, dumped: str, length: int | None, total: int | None, **known: Any) -> Log | None:
    """The rows as a log; with ``length`` they count within epochs of so many iterations."""
    if not rows:
        return None
    for row in rows:
        epoch = row.pop("epoch", math.nan) - 1
        row["iteration"] = row.pop("step") + (epoch * length if length and not math.isnan(epoch) else 0)
        row["epoch"] = epoch
    names = dict.fromkeys(name for row in rows for name in row if name not in _LEFT_OUT)
    table = {_NAMES.get(name, name): [row.get(name, math.nan) for row in rows] for name in names}
    length, skipped = length or epoch_length_of(table["iteration"], table["epoch"]), known.pop("skipped", Skipped())
    config, events = _config(dumped, source, total, epoch_length=length, **known)
    if config is not None and not config.at_least:
        total = config.iterations
    found = {"horizon": total, "config": config, "events": events, "skipped": skipped}
    return Log.of(table, source=source, trainer="openmmlab", **found)


def _config(dumped: str, source: str, total: int | None, **known: Any) -> tuple[RunConfig | None, tuple[Event, ...]]:
    """The config that a log dumps, or a warning that says why its rates are not known."""
    try:
        config = config_of(dumped, source, **known) if dumped else None
        if config is not None:
            epochs = config.length("epochs")
            if total and epochs and config.epoch_length is None:  # a loop of epochs that prints iterations (XTuner)
                config = replace(config, epoch_length=total // epochs)
            config.schedules()
    except ConfigError as why:
        return None, (Event(kind="warning", iteration=0, record=0, text=str(why)),)
    return config, ()


def readings(config: RunConfig, log: Log, observed: Observed) -> Iterator[tuple[RunConfig, str]]:
    """Other configs that may explain the rates of a log, with what that means."""
    step, rate, slack = observed.step - 1, observed.rate, observed.slack
    resumed, lr = log.epoch[0] > 0, config.lr()
    once, twice = (config.at_rate(each).schedules()["rate"](step) for each in (lr, 2 * lr))
    share = (twice - once) / lr  # each rate is a share of lr, plus what does not depend on it
    top = int(np.argmax(share))
    found = float(lr + (rate[top] - once[top]) / share[top]) if share[top] > 0 else 0.0
    near = (float(f"{found:.{digits}e}") for digits in range(12))
    plain = next((each for each in near if abs(each - found) * share[top] <= slack[top]), found)
    if plain > 0:
        ratio, why = max(plain / lr, lr / plain), ""
        if np.ptp(once) <= slack.max():  # one level tells nothing of the reason
            pass
        elif resumed:
            why = ": a resume goes on with the rate of the checkpoint, whatever the config says"
        elif abs(ratio - round(ratio)) < 1e-9:
            times = f"{round(ratio)} times {'as much' if plain > lr else 'less'}"
            why = f", {times}: it was scaled before the training, as auto_scale_lr does for the number of GPUs"
        yield config.at_rate(plain), f"The rates are those of lr {shown(plain, 6)}, not {shown(lr, 6)}{why}."
    if resumed and config.is_mmengine and (np.abs(rate - rate[0]) <= 2 * slack).all():
        loads = "a resume loads the schedulers of the checkpoint, which have ended; their new ends are ignored"
        yield config.at_rate(float(rate[0]), changing=False), f"The rate stays at {shown(rate[0], 6)}: {loads}."

"""The rules about what is written in a cfg: its keys, numbers, batch and layers, each with its fixes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from lrsched.numbers import LAST_ITERATION, params
from lrsched.rules import SHORTEST, Finding, Fix, Offer, Rule, Run, change, error, note, rule, warning
from lrsched.text import closest, counted, joined, plain
from lrsched.trainers.darknet import usual
from lrsched.trainers.darknet.arithmetic import single
from lrsched.trainers.darknet.cfg import Entry, Section, heads
from lrsched.trainers.darknet.dialects import DIALECTS
from lrsched.trainers.darknet.net import Net

__all__ = ["BATCH_RULES", "KEY_RULES"]


def _section(net: Net) -> Section:
    """The lines of ``[net]``; none where the net comes from no cfg."""
    return net.section or Section("net", 0)


def _near_policy(run: Run) -> Mapping[str, Any]:
    net, written = run.config, run.config.section.value("policy")
    near = closest(written.partition("#")[0].lower(), net.dialect.policies)
    with suppress(ValueError):
        if near and net.with_values({"policy": near}):
            return {"policy": near}
    policy, horizon = near or "steps", _meant_values(run).get("max_batches", net.max_batches)
    return {"policy": policy, **usual.decay_keys(policy, max(horizon, 2), net.learning_rate)}


@rule("unknown-policy", change("the policy you probably meant", _near_policy), misread=True, hides="never-decays")
def unknown_policy(run: Run) -> Iterator[Finding]:
    """A policy the fork does not know becomes constant, with a message on stderr that is easy to miss."""
    net: Net = run.config
    entry = _section(net).first("policy")
    if entry is not None and entry.value is not None and entry.value != net.policy:
        make = warning if any(entry.value in dialect.policies for dialect in DIALECTS) else error
        unknown = f"{net.dialect.title} does not know policy={entry.value} in line {entry.line}"
        yield make(f"{unknown} and trains at a constant rate.")


_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")
_UNITS = {"k": 1e3, "m": 1e6}


def meant_number(written: str, *, whole: bool = False, all_of_it: float = 1.0) -> float | None:
    """The number a person means by a value: separators, exponents, ``400k`` and percentages included; or None.

    >>> meant_number("5e5"), meant_number("500,200", whole=True), meant_number("400k"), meant_number("abc")
    (500000.0, 500200.0, 400000.0, None)
    """
    value, factor = written.strip(), 1.0
    if value[-1:] == "%":
        value, factor = value[:-1], all_of_it / 100
    elif value[-1:].lower() in _UNITS:
        value, factor = value[:-1], _UNITS[value[-1:].lower()]
    if whole:
        value = re.sub(r"(?<=\d)[,_' .](?=\d{3}(?!\d))", "", value)
    elif re.match(r"\d*,\d+\Z", value):
        value = value.replace(",", ".")
    if not _PLAIN.match(value):
        return None
    number = float(value) if factor == 1 else round(float(value) * factor, 9)
    return None if whole and not math.isfinite(number) else number


def _meant(net: Net, key: str, text: str) -> tuple[float, ...] | None:
    """The numbers a person means by the value of a key; None when one of them is not a number."""
    held, all_of_it, written = getattr(net, key), net.max_batches if key == "steps" else 1, text.partition("#")[0]
    whole, parts = key == "steps" or isinstance(held, int), written.split(",") if isinstance(held, tuple) else [written]
    meant = [meant_number(part, whole=whole, all_of_it=all_of_it) for part in parts]
    return None if None in meant else tuple(number for number in meant if number is not None)


def _value(net: Net, key: str, text: str | None) -> Any:
    """What a person means by the text of a key, as the key holds it; None where it should be a number and is not."""
    if key not in params(type(net)):
        return text
    meant, held = _meant(net, key, text or ""), getattr(net, key)
    if meant is None:
        return None
    if isinstance(held, tuple):
        return tuple(map(int, meant)) if key == "steps" else meant
    return int(meant[0]) if isinstance(held, int) else meant[0]


def _misread(net: Net) -> Iterator[tuple[Entry, tuple[float, ...] | None]]:
    """Each line whose numbers were read as others, with those that were meant."""
    read = net.dialect.reads(net.policy, adam=False)
    for key in params(type(net)):
        entry, value = _section(net).first(key), getattr(net, key)
        many = isinstance(value, tuple)
        if entry is None or not entry.value or key not in read or (net.dialect.strict_numbers and not many):
            continue  # a fork with strict numbers refuses what it cannot read, but for lists
        meant, given = _meant(net, key, entry.value), value if many else (value,)
        both = min(len(meant or ()), len(given)) if key == "scales" else None  # one more or less is another matter
        if meant is None or [*map(single, meant)][:both] != [single(float(number)) for number in given][:both]:
            yield entry, meant


def _meant_values(run: Run) -> Mapping[str, Any]:
    net: Net = run.config
    meant = {entry.key: _value(net, entry.key, entry.value) for entry, _ in _misread(net)}
    horizon = meant.get("max_batches") or net.max_batches or usual.iterations_for(run.classes, run.images)
    steps = meant.get("steps", net.steps) or usual.usual_steps(horizon, 2)
    common = vars(usual.usual_net(policy=net.policy)) | usual.decay_keys(net.policy, horizon, usual.DETECTOR_RATE)
    common |= {"max_batches": horizon, "burn_in": min(usual.USUAL_BURN_IN, horizon // 10), "steps": steps}
    values = {key: common[key] if value is None else value for key, value in meant.items()}
    if "scales" in meant or ("steps" in meant and meant["steps"] is None):
        values["scales"] = _one_each(steps, meant.get("scales") or ())
    return values


def _one_each(steps: Sequence[int], scales: Sequence[float]) -> tuple[float, ...]:
    """As many scales as there are steps; the last one that is not 0 again where some are missing."""
    given = [scale for scale in scales if scale] or [0.1]
    return (*given, *(given[-1],) * len(steps))[: len(steps)]


@rule("value-not-a-number", change("plain numbers", _meant_values), misread=True, hides="steps-scales-mismatch")
def value_not_a_number(run: Run) -> Iterator[Finding]:
    """C takes the longest prefix that is a number: 5e5 iterations are 5, 500,200 are 500, steps of 400k are 400."""
    for entry, meant in _misread(run.config):
        value = getattr(run.config, entry.key)
        make = warning if isinstance(value, int) and meant and abs(meant[0] - value) < 1 else error
        shown = meant if isinstance(value, tuple) else meant and meant[0]
        instead = ": not a valid number." if meant is None else f", not as {plain(shown)}."
        yield make(f"{entry.key}={entry.value} in line {entry.line} is read as {plain(value)}{instead}")


one_per_step: Fix = change("one scale per step", lambda run: {"scales": _one_each(run.config.steps, run.config.scales)})


@rule("steps-scales-mismatch", one_per_step, misread=True)
def steps_scales_mismatch(run: Run) -> Iterator[Finding]:
    """Every step needs one scale: more are ignored, missing ones are 0 where the fork does not crash."""
    net: Net = run.config
    entry = _section(net).first("scales") if net.policy == "steps" else None
    if entry is None or entry.value is None:
        return
    steps, scales = len(net.steps), len([p for p in entry.value.partition("#")[0].split(",") if p.strip()])
    if scales > steps:
        yield warning(f"policy=steps has {counted(steps, 'step')} but {scales} scales; the rest is ignored.")
    elif scales < steps:
        first, given = min(max(net.steps[scales], 0), LAST_ITERATION), counted(scales, "scale")
        zero = f"a missing one is 0, so the rate is 0 from iteration {first} on"
        yield error(f"policy=steps has {counted(steps, 'step')} but {given}; {zero}.", first)


def _twice(net: Net) -> dict[str, list[Entry]]:
    """The entries of each key that is given several times with different values."""
    same: dict[str, list[Entry]] = {}
    known = net.dialect.all_keys()
    for entry in _section(net).entries:
        if entry.key in known:
            same.setdefault(entry.key, []).append(entry)
    return {key: entries for key, entries in same.items() if len({entry.value for entry in entries}) > 1}


def _last_values(run: Run) -> Mapping[str, Any] | None:
    last = {key: _value(run.config, key, entries[-1].value) for key, entries in _twice(run.config).items()}
    return None if None in last.values() else last


@rule("key-twice", change("the last of the values, once", _last_values))
def key_twice(run: Run) -> Iterator[Finding]:
    """Of a key given twice the first counts, so an edit of the second changes nothing."""
    for key, entries in _twice(run.config).items():
        ignored = [f"{key}={entry.value} in line {entry.line}" for entry in entries[1:]]
        counts = f"{key} appears {len(entries)} times; {key}={entries[0].value} in line {entries[0].line} counts"
        yield warning(f"{counts}, {joined(ignored)} {'is' if len(ignored) == 1 else 'are'} ignored.")


def _unknown(net: Net) -> Iterator[tuple[Entry, str | None]]:
    """The entries nobody reads, with the key that was probably meant."""
    known = net.dialect.all_keys()
    for entry in _section(net).entries:
        if entry.key not in known:
            elsewhere = any(entry.key in dialect.all_keys() for dialect in DIALECTS)
            yield entry, None if elsewhere else closest(entry.key, known, 0.75)


def _right_key(run: Run, _: Finding) -> Iterator[Offer]:
    for entry, near in _unknown(run.config):
        value = _value(run.config, near or "", entry.value)
        if near in params(type(run.config)) and value is not None:
            yield Offer({entry.key: None, near: value}, f"you probably meant {near}")


@rule("unknown-key", _right_key)
def unknown_key(run: Run) -> Iterator[Finding]:
    """A key that nobody reads changes nothing, and nobody says so."""
    net: Net = run.config
    for entry, near in _unknown(net):
        missing = near in {*params(type(net)), "policy"} and _section(net).first(near or "") is None
        meant = f"; did you mean {near}?" if near else "."
        unread = f"{net.dialect.title} does not read the key {entry.key} in line {entry.line}{meant}"
        yield warning(unread) if missing else note(unread)


def _give_horizon(run: Run, _: Finding) -> Iterator[Offer]:
    common = run.start + usual.iterations_for(run.classes, run.images)
    for horizon in (run.target if run.target is not None and run.length >= SHORTEST else common, common):
        yield Offer({"max_batches": horizon}, "a length for the run")
        yield from filter(None, [run.planning.stretched(horizon)])


@rule("max-batches-missing", _give_horizon, hides="rate-not-finite never-decays")
def max_batches_missing(run: Run) -> Iterator[Finding]:
    """Without max_batches, whose default is 0, `detector train` stops at once and `classifier train` never."""
    if run.horizon is None and not any(near == "max_batches" for _, near in _unknown(run.config)):
        trains = "`detector train` ends before its first iteration, and `classifier train` never ends"
        yield warning(f"max_batches is {run.config.max_batches}: {trains}.")


usual_batch: Fix = change("the usual batch of detectors", lambda run: {"batch": 64, "subdivisions": 16})


@rule("batch-one", lambda run, finding: usual_batch(run, finding) if finding.serious else ())
def batch_one(run: Run) -> Iterator[Finding]:
    """83 of 492 cfgs found in the wild train with batch=1, as they were written for testing."""
    net: Net = run.config
    if net.effective_batch == 1 and net.section is not None:
        refused = (
            "`detector train` of this fork refuses it"
            if net.dialect.refuses_batch_of_one
            else "too small to train with"
        )
        make = warning if _section(net).first("batch") is not None else note
        yield make(f"The effective batch is 1 image, as for testing: {refused}.")


def _fitting(run: Run) -> Mapping[str, Any]:
    batch, parts = run.config.batch, max(run.config.subdivisions, 1)
    divisors = (d for n in range(1, math.isqrt(batch) + 1) if batch % n == 0 for d in (n, batch // n))
    return {"subdivisions": min(d for d in divisors if d >= parts)}


@rule("batch-not-divisible", change("subdivisions that divide the batch", _fitting))
def batch_not_divisible(run: Run) -> Iterator[Finding]:
    """The effective batch is batch // subdivisions * subdivisions, whatever was meant."""
    net: Net = run.config
    if 0 < net.subdivisions <= net.batch and net.batch % net.subdivisions:
        effective = f"the effective batch is {net.effective_batch}"
        yield warning(f"batch={net.batch} is not divisible by subdivisions={net.subdivisions}: {effective}.")


@rule(
    "subdivisions-exceed-batch",
    change("the batch as written, one image at a time", lambda run: {"subdivisions": max(run.config.batch, 1)}),
    usual_batch,
)
def subdivisions_exceed_batch(run: Run) -> Iterator[Finding]:
    """More parts than images leave one image in each part, so the effective batch grows."""
    net: Net = run.config
    if net.subdivisions > net.batch:
        loads = f"the trainer loads one image at a time and the effective batch is {net.effective_batch}"
        yield warning(f"subdivisions={net.subdivisions} is more than batch={net.batch}: {loads}.")


def _right_classes(run: Run) -> Mapping[str, Any]:
    layers = heads(run.config.sections)
    filters = tuple(head.wanted(run.classes or head.classes) for head in layers)
    changes: dict[str, Any] = {}
    if run.classes and any(head.classes != run.classes for head in layers):
        changes["classes"] = run.classes
    if any(head.filters not in (None, number) for head, number in zip(layers, filters, strict=True)):
        changes["filters"] = filters[0] if len(set(filters)) == 1 else filters
    return changes


in_every_head: Fix = change("classes and filters of every detection layer", _right_classes)


@rule("classes-differ", in_every_head, hides="filters-differ")
def classes_differ(run: Run) -> Iterator[Finding]:
    """The most common mistake after the rate: the layers still have the classes of the cfg that was copied."""
    classes = run.classes or 0
    for head in [head for head in heads(run.config.sections) if classes and head.classes != classes][:1]:
        has = f"[{head.layer.name}] in line {head.layer.line} has classes={head.classes}"
        yield (error if head.classes < classes else warning)(f"{has}, but the data set has {classes}.")


@rule("filters-differ", in_every_head)
def filters_differ(run: Run) -> Iterator[Finding]:
    """A detection layer takes (classes + 5) numbers for each of its masks; the trainer stops when it gets others."""
    for head in heads(run.config.sections):
        wanted = head.wanted(head.classes)
        if head.convolution is not None and head.filters != wanted:
            has = f"[convolutional] in line {head.convolution.line} has filters={head.filters}"
            needs = f"the [{head.layer.name}] after it needs (classes + 5) x masks = {wanted}"
            yield error(f"{has}, but {needs}: the trainer stops.")
            return


KEY_RULES: tuple[Rule, ...] = (unknown_policy, value_not_a_number, steps_scales_mismatch, key_twice, unknown_key)
KEY_RULES += (max_batches_missing, classes_differ, filters_differ)
BATCH_RULES: tuple[Rule, ...] = (subdivisions_exceed_batch, batch_not_divisible, batch_one)
"""Both in the order in which their findings are shown."""

"""Rules about what stands in the cfg: keys, numbers, batches, forks and GPUs."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.planner.facts import Facts, Finding, Rule, Severity, rule
from lrsched.planner.usual import iterations_for, usual_rates
from lrsched.schedule import LAST_ITERATION, Schedule, params
from lrsched.trainers.darknet import DIALECTS, CfgError, Dialect, Net, cfg_value, parse_cfg
from lrsched.trainers.darknet.arithmetic import single
from lrsched.trainers.darknet.numbers import shortest

__all__ = ["CFG_RULES", "READING_RULES"]

FAR = 10
LARGE_DIFFERENCE = 1e-4

_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")


def _at_start(facts: Facts, code: str, severity: Severity, message: str) -> Finding:
    end = facts.run.start if facts.end is None else max(facts.end, facts.run.start)
    return Finding(code=code, severity=severity, first=facts.run.start, last=end, message=message)


@rule("learning-rate-unusual")
def learning_rate_unusual(facts: Facts) -> Iterator[Finding]:
    """A rate far from what the policy is used with is mostly a slip of the decimal point."""
    policy = facts.run.policy
    if policy is None or facts.zero_from == facts.run.start:
        return
    rate, (low, high) = abs(policy.learning_rate), usual_rates(policy.KEY)
    if low <= rate <= high or rate == 0 or not math.isfinite(rate):
        return
    far = rate > FAR * high or rate * FAR < low
    gpus = f" ({facts.run.ngpus} GPUs included)" if facts.run.ngpus > 1 else ""
    batch = f" and batch {facts.run.net.effective_batch}" if facts.run.net is not None else ""
    yield _at_start(
        facts,
        "learning-rate-unusual",
        "warning" if far else "note",
        f"The rate starts from {rate:g}{gpus}; with policy {policy.KEY}{batch} {low:g} to {high:g} is usual.",
    )


@rule("batch-one", "batch-not-divisible", "subdivisions-exceed-batch")
def batch(facts: Facts) -> Iterator[Finding]:
    """The effective batch is batch // subdivisions * subdivisions, whatever was meant.

    83 of 492 cfgs found in the wild train with batch=1, as they were written for testing.
    """
    net = facts.run.net
    if net is None:
        return
    effective = net.effective_batch
    if net.subdivisions > net.batch:
        yield _at_start(
            facts,
            "subdivisions-exceed-batch",
            "warning",
            f"subdivisions={net.subdivisions} is more than batch={net.batch}: the trainer loads one image at a time "
            f"and the effective batch is {effective}.",
        )
    elif net.batch % net.subdivisions:
        yield _at_start(
            facts,
            "batch-not-divisible",
            "warning",
            f"batch={net.batch} is not divisible by subdivisions={net.subdivisions}: the effective batch is "
            f"{effective}.",
        )
    if effective == 1 and net.section is not None:
        written = net.section.first("batch") is not None
        refused = "`detector train` of this fork refuses it" if net.dialect.refuses_batch_of_one else "too few to learn"
        yield _at_start(
            facts,
            "batch-one",
            "warning" if written else "note",
            f"The effective batch is 1 image, as for testing: {refused}.",
        )


@rule("key-twice")
def key_twice(facts: Facts) -> Iterator[Finding]:
    """Of a key given twice the first counts, so an edit of the second changes nothing."""
    net = facts.run.net
    if net is None or net.section is None:
        return
    read = net.dialect.all_keys()
    for key in dict.fromkeys(entry.key for entry in net.section.entries):
        entries = [entry for entry in net.section.entries if entry.key == key]
        if len(entries) > 1 and key in read:
            same = len({entry.value for entry in entries}) == 1
            yield _at_start(
                facts,
                "key-twice",
                "note" if same else "warning",
                f"{key} stands {len(entries)} times; {key}={entries[0].value} in line {entries[0].line} counts, "
                + (
                    "the others say the same." if same else f"{key}={entries[-1].value} in line {entries[-1].line} not."
                ),
            )


@rule("unknown-key")
def unknown_key(facts: Facts) -> Iterator[Finding]:
    """A key that nobody reads changes nothing, and nobody says so."""
    net = facts.run.net
    if net is None or net.section is None:
        return
    known = net.dialect.all_keys()
    for entry in net.section.entries:
        if entry.key in known:
            continue
        elsewhere = any(entry.key in dialect.all_keys() for dialect in DIALECTS)
        near = [] if elsewhere else difflib.get_close_matches(entry.key, sorted(known), 1, 0.75)
        serious = bool(near) and near[0] in {*params(Net), "policy"} and net.section.first(near[0]) is None
        severity: Severity = "warning" if serious else "note"
        meant = f"; did you mean {near[0]}?" if near else "."
        yield _at_start(
            facts,
            "unknown-key",
            severity,
            f"{net.dialect.title} does not read the key {entry.key} in line {entry.line}{meant}",
        )


@rule("value-not-a-number")
def value_not_a_number(facts: Facts) -> Iterator[Finding]:
    """C takes the longest prefix that is a number: 5e5 iterations are 5, and 500,200 are 500."""
    net = facts.run.net
    if net is None or net.section is None or net.dialect.strict_numbers:
        return
    read = net.dialect.reads(net.policy, adam=False)
    for key in params(Net):
        entry = net.section.first(key)
        value = getattr(net, key)
        if entry is None or entry.value is None or isinstance(value, tuple) or key not in read:
            continue
        written = entry.value.partition("#")[0]
        meant = meant_number(written)
        if meant is not None and meant == value:
            continue
        shown = str(value) if isinstance(value, int) else f"{value:g}"
        yield _at_start(
            facts,
            "value-not-a-number",
            "warning" if meant is not None and abs(meant - value) < 1 else "error",
            f"{key}={entry.value} in line {entry.line} is read as {shown}"
            + (f", not as {meant:.10g}." if meant is not None else ": it is not one plain number."),
        )


def meant_number(written: str) -> float | None:
    """The number a person means by a value, thousands separators and exponents included, or None.

    >>> meant_number("5e5"), meant_number("500,200"), meant_number("1_000"), meant_number("abc")
    (500000.0, 500200.0, 1000.0, None)
    """
    joined = re.sub(r"(?<=\d)[,_' ](?=\d{3}(?!\d))", "", written.strip())
    return float(joined) if _PLAIN_NUMBER.match(joined) else None


@rule("unknown-policy")
def unknown_policy(facts: Facts) -> Iterator[Finding]:
    """A policy the fork does not know becomes constant, with a message on stderr that is easy to miss.

    One that another fork knows may be meant for that one, so it is a warning only.
    """
    net = facts.run.net
    entry = net.section.first("policy") if net is not None and net.section is not None else None
    if net is None or entry is None or entry.value is None or entry.value == net.policy:
        return
    elsewhere = any(entry.value in dialect.policies for dialect in DIALECTS)
    yield _at_start(
        facts,
        "unknown-policy",
        "warning" if elsewhere else "error",
        f"{net.dialect.title} does not know policy={entry.value} in line {entry.line} and trains at a constant rate.",
    )


@rule("steps-scales-mismatch")
def steps_scales_mismatch(facts: Facts) -> Iterator[Finding]:
    """Every step needs one scale: more are ignored, missing ones are 0 where the fork does not crash."""
    net = facts.run.net
    if net is None or net.section is None or net.policy != "steps":
        return
    entry = net.section.first("scales")
    if entry is None or entry.value is None:
        return
    given = len([part for part in entry.value.partition("#")[0].split(",") if part.strip()])
    if given > len(net.steps):
        yield _at_start(
            facts,
            "steps-scales-mismatch",
            "warning",
            f"steps and scales do not match, {len(net.steps)} to {given}: what scales has more never counts.",
        )
    elif given < len(net.steps):
        first = net.steps[given]
        yield Finding(
            code="steps-scales-mismatch",
            severity="error",
            first=min(max(first, 0), LAST_ITERATION),
            last=max(facts.end or 0, first, 0),
            message=(
                f"steps has {len(net.steps)} values but scales has {given}: a missing one is 0, so the rate is 0 "
                f"from iteration {first} on."
            ),
        )


@rule("gpu-factor")
def gpu_factor(facts: Facts) -> Iterator[Finding]:
    """Several GPUs multiply the rate in some forks, and every update advances the iteration by their number.

    AlexeyAB/darknet#1165, #1899, #1098, #7687, PR #2095.
    """
    run, net = facts.run, facts.run.net
    if net is None or run.ngpus == 1 or run.policy is None:
        return
    if net.dialect.gpus_multiply_rate:
        rate = f"learning_rate={net.learning_rate:g} becomes {run.policy.learning_rate:g} on {run.ngpus} GPUs"
    else:
        rate = f"learning_rate stays {net.learning_rate:g} on {run.ngpus} GPUs"
    updates = "" if facts.end is None else f"; each GPU makes about {facts.end // run.ngpus} updates"
    lower = shortest(single(net.learning_rate / run.ngpus))
    advice = f" Burn in on one GPU first; on NaN write learning_rate={cfg_value(lower)}"
    yield _at_start(
        facts,
        "gpu-factor",
        "note",
        f"{rate}{updates}.{advice}" + (f" and burn_in={net.burn_in * run.ngpus}." if net.burn_in > 0 else "."),
    )


@rule("too-few-iterations")
def too_few_iterations(facts: Facts) -> Iterator[Finding]:
    """A run should have max(6000, 2000 x classes, images) iterations (AlexeyAB/darknet#5508)."""
    run = facts.run
    if (run.classes is None and run.images is None) or facts.end is None:
        return
    needed = iterations_for(run.classes, run.images)
    if facts.end < needed:
        yield _at_start(
            facts,
            "too-few-iterations",
            "warning",
            f"{facts.end} iterations are few for this data set; the field takes max(6000, 2000 x classes, images) = "
            f"{needed}.",
        )


@rule("dialects-differ")
def dialects_differ(facts: Facts) -> Iterator[Finding]:
    """The same cfg trains differently in another fork, or not at all."""
    net = facts.run.net
    if net is None or net.text is None or not facts.length:
        return
    for dialect in DIALECTS:
        if dialect.name != net.dialect.name:
            yield from _difference(facts, net, net.text, dialect)


def _difference(facts: Facts, net: Net, text: str, dialect: Dialect) -> Iterator[Finding]:
    run = facts.run
    end = max(facts.end or 0, run.start)
    try:
        other = parse_cfg(text, dialect, source=net.source)
        schedule = other.schedule(run.ngpus)
    except CfgError as problem:
        verb = {"refuses": "refuses", "crashes": "crashes with", "hangs": "hangs with"}[problem.outcome]
        yield _at_start(facts, "dialects-differ", "note", f"{dialect.title} {verb} this cfg: {problem.args[0]}")
        return
    if _same_numbers(net, other, run.ngpus):
        return
    more = _ends(schedule.pieces(run.start, end)) - set(facts.iterations.tolist())
    where = np.array(sorted({*facts.iterations.tolist(), *more})) if more else facts.iterations
    mine = run.schedule(where) if more else facts.rates
    first = _first_difference(run.schedule, schedule, where, mine)
    if first is not None:
        yield Finding(
            code="dialects-differ",
            severity="note",
            first=first,
            last=end,
            message=(
                f"{dialect.title} would train this cfg differently: policy {other.policy}, from iteration {first} on "
                f"with rate {float(schedule(first)):g} instead of {run.rate(first):g}."
            ),
        )


def _same_numbers(one: Net, other: Net, ngpus: int) -> bool:
    """Whether two forks hold the same numbers and mean the same by them, so that only the rounding can differ."""
    forks = (one.dialect, other.dialect)
    if ngpus > 1 and forks[0].gpus_multiply_rate != forks[1].gpus_multiply_rate:
        return False
    wraps = one.policy == "sigmoid" or min((one.burn_in, one.step, *one.steps)) < 0
    if wraps and forks[0].arithmetic.unsigned != forks[1].arithmetic.unsigned:
        return False
    return replace(other, dialect=one.dialect) == one


def _first_difference(one: Schedule, other: Schedule, where: NDArray[np.int64], rates: NDArray[Any]) -> int | None:
    """The first iteration at which two schedules differ by more than rounding, narrowed down between ``where``."""
    while True:
        mine, theirs = rates.astype(np.float64), other(where).astype(np.float64)
        with np.errstate(invalid="ignore"):
            close = np.abs(mine - theirs) <= LARGE_DIFFERENCE * np.maximum(np.abs(mine), np.abs(theirs))
        close |= (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
        if close.all():
            return None
        at = int(close.argmin())
        if at == 0 or where[at] - where[at - 1] <= 1:
            return int(where[at])
        where = np.linspace(where[at - 1], where[at], 66).astype(np.int64)
        rates = one(where)


def _ends(pieces: object) -> set[int]:
    return {t for piece in pieces for t in (piece.first, piece.end)} if isinstance(pieces, tuple) else set()


READING_RULES: tuple[Rule, ...] = (
    unknown_policy,
    value_not_a_number,
    steps_scales_mismatch,
    key_twice,
    unknown_key,
)
"""Told first: what was read is not what was meant, so the rest may look different once it is."""

CFG_RULES: tuple[Rule, ...] = (
    batch,
    learning_rate_unusual,
    too_few_iterations,
    gpu_factor,
    dialects_differ,
)

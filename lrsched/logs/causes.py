"""Why a log does not show the rates of a cfg: the single changes that explain all of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from lrsched.log import MOST_GPUS, Integers, Log
from lrsched.logs.fits import FITS, Fit, burn_ins, learning_rates, powers, steps_and_scales
from lrsched.logs.inference import infer_observed, written
from lrsched.logs.printed import Flags, Observed, printed_units
from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet import DIALECTS, CfgError, Dialect, Net, parse_cfg

__all__ = ["Cause", "find_causes"]

FARTHEST = 300_000
"""Shifted iterations are looked for up to so far past the last one."""

MOST_SHIFTS = 20
"""So many shifts that fit a part of the records are tried on all of them."""

Fits = Callable[[Observed, Net, int], Iterator[Fit]]

NET_KEYS = (
    *("learning_rate", "burn_in", "policy", "steps", "scales", "step", "scale", "gamma", "power", "max_batches"),
    *("learning_rate_min", "sgdr_cycle", "sgdr_mult"),
)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One thing that explains every mismatch.

    Attributes:
        code: ``gpus``, ``dialect``, ``learning-rate``, ``burn-in``, ``power``, ``max-batches``, ``steps``,
            ``policy``, ``shifted``, ``edited``, ``cleared`` or ``another-cfg``.
        message: one sentence.
        changes: what to put in place of the planned values: cfg keys, or ``ngpus``, ``dialect`` and ``shift``.
        record: the first record that it is about; 0 for the whole log.
        iteration: its iteration.
        until: whether the changes hold before that record, not from it on.
        cost: how many numbers it takes, the fewer the likelier.
    """

    code: str
    message: str
    changes: Mapping[str, object]
    record: int = 0
    iteration: int = 0
    until: bool = False
    cost: int = 1

    def __str__(self) -> str:
        return self.message


def find_causes(log: Log, observed: Observed, net: Net, ngpus: int, good: Flags) -> tuple[Cause, ...]:
    """Everything that explains all records by itself, the simplest first.

    Args:
        log: the log, for where the trainer was started.
        observed: its rates.
        net: the cfg.
        ngpus: the number of GPUs.
        good: the records that the cfg explains.
    """
    starts = _starts(log)
    again = tuple(_cleared(log, starts))
    if good.all():
        return again
    whole = list(whole_causes(observed, net, ngpus)) or list(_other_cfg(observed, net, ngpus))
    found = [*whole, *_edits(observed, net, ngpus, good, starts)]
    weighed = [_against_header(cause, log, net, ngpus) for cause in found]

    def likeliest(cause: Cause) -> tuple[int, bool]:
        return cause.cost, not (cause.code == "edited" and cause.record in starts)

    return (*sorted(weighed, key=likeliest), *again)


def _against_header(cause: Cause, log: Log, net: Net, ngpus: int) -> Cause:
    """A cause that contradicts the learning rate that the trainer printed is less likely."""
    if cause.code not in ("gpus", "learning-rate") or not log.header.learning_rate:
        return cause
    rate = float(str(cause.changes.get("learning_rate", net.learning_rate)))
    count = int(str(cause.changes.get("ngpus", ngpus))) if net.dialect.gpus_multiply_rate else 1
    agrees = math.isclose(rate * count, float(log.header.learning_rate), rel_tol=1e-4)
    return cause if agrees else replace(cause, cost=cause.cost + 4)


def whole_causes(observed: Observed, net: Net, ngpus: int) -> Iterator[Cause]:
    """What explains all given records, as one change of everything."""
    if not len(observed):
        return
    for count in range(1, MOST_GPUS + 1):
        if count != ngpus and observed.explained_by(net, count):
            gpus = f"{count} GPU{'s' if count > 1 else ''}"
            yield Cause(code="gpus", message=f"The run was on {gpus}, not on {ngpus}.", changes=_kept(ngpus=count))
            break
    for dialect in DIALECTS:
        if dialect.name != net.dialect.name:
            other = _reread(net, dialect)
            if other is not None and observed.explained_by(other, ngpus):
                message = f"It was {dialect.title} that trained, not {net.dialect.title}."
                yield Cause(code="dialect", message=message, changes=_kept(dialect=dialect.name))
    found = list(_fitted(observed, net, ngpus, _fits(net)))
    yield from found or _fitted(observed, net, ngpus, _other_policies(net))
    shift = _shift(observed, net, ngpus)
    if shift:
        way = "ahead of" if shift > 0 else "behind"
        message = f"The rate was {abs(shift)} iterations {way} the printed ones."
        yield Cause(code="shifted", message=message, changes=_kept(shift=shift))


def _fitted(observed: Observed, net: Net, ngpus: int, kinds: Iterator[tuple[str, Fits]]) -> Iterator[Cause]:
    for code, fits in kinds:
        for fit in fits(observed, net, ngpus):
            if fit.net != net and observed.explained_by(fit.net, ngpus):
                yield _changed(code, net, fit)
                break


def _fits(net: Net) -> Iterator[tuple[str, Fits]]:
    """How the numbers that this cfg reads are found."""
    yield "learning-rate", learning_rates
    yield "burn-in", burn_ins
    yield "power", powers
    if net.policy == "steps":
        yield "steps", _moved_steps
    elif net.policy == "poly":
        yield "max-batches", FITS["poly"]
    elif net.policy in FITS:
        yield "policy", FITS[net.policy]


def _other_policies(net: Net) -> Iterator[tuple[str, Fits]]:
    for policy, fits in FITS.items():
        if policy != net.policy:
            yield "policy", fits


def _moved_steps(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    """Other steps and scales; those that the log does not reach stay as planned."""
    last = int(observed.at(net, ngpus).max())
    for fit in steps_and_scales(observed, net, ngpus):
        planned = list(zip(net.steps, net.scales, strict=False))[len(fit.net.steps) :]
        far = tuple(step for step, _ in planned if step > last)
        scales = tuple(scale for step, scale in planned if step > last)
        yield replace(fit, net=replace(fit.net, steps=fit.net.steps + far, scales=fit.net.scales + scales))
    note = f"no step had been reached by iteration {last}"
    yield Fit(replace(net, policy="constant", steps=(), scales=()), 0, (note,))


def _changed(code: str, net: Net, fit: Fit) -> Cause:
    changes = {key: getattr(fit.net, key) for key in NET_KEYS if getattr(fit.net, key) != getattr(net, key)}
    if "policy" in changes and changes["policy"] == "constant":
        changes = {"policy": "constant"} | {k: v for k, v in changes.items() if k not in ("steps", "scales", "policy")}
    told = ", ".join(f"{key}={written(value)}" for key, value in changes.items())
    before = ", ".join(f"{key}={written(getattr(net, key))}" for key in changes if getattr(net, key) != ())
    notes = "".join(f"; {note}" for note in fit.notes)
    message = f"The run had {told}{f' (the cfg says {before})' if before else ''}{notes}."
    return Cause(code=code, message=message, changes=_kept(**changes), cost=_cost(net, changes))


def _cost(net: Net, changes: Mapping[str, object]) -> int:
    """How many numbers differ, those of lists one by one."""
    cost = 0
    for key, value in changes.items():
        planned = getattr(net, key)
        if isinstance(value, tuple) and isinstance(planned, tuple):
            cost += max(len(value), len(planned)) - _common(value, planned)
        else:
            cost += 3 if key == "policy" and planned != "steps" else 1
    return max(cost, 1)


def _common(one: Sequence[object], other: Sequence[object]) -> int:
    return max(
        sum(a == b for a, b in zip(one, other, strict=False)),
        sum(a == b for a, b in zip(reversed(one), reversed(other), strict=False)),
    )


def _shift(observed: Observed, net: Net, ngpus: int) -> int | None:
    """By how many iterations the printed ones must be moved so that every record fits; the smallest such number."""
    iteration, units = observed.iteration, observed.units
    if len(np.unique(observed.decimals)) > 1:
        return None
    last = min(int(iteration.max()) + FARTHEST, LAST_ITERATION - 4 * ngpus)
    every = Observed(iteration=np.arange(last), units=np.zeros(last), decimals=observed.decimals[:1])
    curve = printed_units(every.planned(net, ngpus), int(observed.decimals[0]))
    values = np.unique(units)
    spread = observed.sample(64)
    order, at = np.unique(curve, return_counts=True)
    places = np.minimum(np.searchsorted(order, values), len(order) - 1)
    often = np.where(order[places] == values, at[places], 0)
    if (often == 0).any():
        return None
    rare = int(np.flatnonzero(units == values[int(np.argmin(often))])[0])
    shifts = np.flatnonzero(curve == units[rare]) - int(iteration[rare])
    for printed, unit in zip(spread.iteration.tolist(), spread.units.tolist(), strict=True):
        there = shifts + printed
        inside = (there >= 0) & (there < last)
        shifts = shifts[inside]
        shifts = shifts[curve[there[inside]] == unit]
    for shift in shifts[np.argsort(np.abs(shifts), kind="stable")][:MOST_SHIFTS].tolist():
        if shift and observed.explained_by(net, ngpus, shift):
            return int(shift)
    return None


def _edits(observed: Observed, net: Net, ngpus: int, good: Flags, starts: Integers) -> Iterator[Cause]:
    """The cfg was another from some record on, or up to it."""
    wrong = np.flatnonzero(~good)
    first, last = int(wrong[0]), int(wrong[-1])
    if first > 0:
        earlier = starts[(starts > 0) & (starts <= first)]
        places = [*earlier[-1:].tolist(), first]
        yield from _edit_at(observed, net, ngpus, list(dict.fromkeys(places)), first, starts, until=False)
    if last < len(good) - 1:
        later = starts[starts > last]
        places = [*later[:1].tolist(), last + 1]
        yield from _edit_at(observed, net, ngpus, list(dict.fromkeys(places)), last + 1, starts, until=True)


def _edit_at(
    observed: Observed, net: Net, ngpus: int, places: list[int], seen: int, starts: Integers, *, until: bool
) -> Iterator[Cause]:
    for place in places:
        part = observed.part(slice(0, place) if until else slice(place, None))
        inner = min(whole_causes(part, net, ngpus), key=lambda cause: cause.cost, default=None)
        if inner is None:
            inner = next(_other_cfg(part, net, ngpus), None)
        if inner is None:
            continue
        iteration = int(observed.iteration[place])
        restarted = place in starts
        if until:
            when = f"Up to iteration {int(observed.iteration[place - 1])} the run had another cfg"
        elif inner.code == "shifted" and iteration + int(str(inner.changes["shift"])) <= MOST_GPUS:
            message = (
                f"From iteration {iteration} on the rate begins again as at iteration "
                f"{iteration + int(str(inner.changes['shift']))}: resumed with -clear."
            )
            yield Cause(
                code="cleared",
                message=message,
                changes=inner.changes,
                record=place,
                iteration=iteration,
                cost=1 + inner.cost,
            )
            return
        else:
            when = f"The cfg was edited at iteration {iteration}"
            if restarted:
                when += ", where the trainer was started again"
            if place != seen:
                when += f" (the rates differ from iteration {int(observed.iteration[seen])} on)"
        yield Cause(
            code="edited",
            message=f"{when}: {inner.message[0].lower()}{inner.message[1:]}",
            changes=inner.changes,
            record=place,
            iteration=iteration,
            until=until,
            cost=1 + inner.cost + (0 if restarted else 1),
        )
        return


def _other_cfg(observed: Observed, net: Net, ngpus: int) -> Iterator[Cause]:
    """Another cfg altogether, found from the rates alone."""
    found = infer_observed(observed, net.dialect, ngpus=ngpus)
    if found.complete:
        changes = {key: getattr(found.net, key) for key in NET_KEYS if getattr(found.net, key) != getattr(net, key)}
        told = ", ".join(f"{key}={written(value)}" for key, value in changes.items() if value != ())
        yield Cause(
            code="another-cfg",
            message=f"Several numbers differ: the run had {told}.",
            changes=_kept(**changes),
            cost=2 + _cost(net, changes),
        )


def _starts(log: Log) -> Integers:
    """The records with which a start of the trainer begins, as far as the log shows."""
    found = {header.record for header in log.headers}
    found |= {event.record for event in log.events if event.kind in ("started", "resumed", "restarted")}
    found |= {seam.record for seam in log.seams}
    found |= set((np.flatnonzero(np.diff(log.iteration) <= 0) + 1).tolist())
    # the running average of a fresh start is its first loss
    fresh = (log.loss == log.avg_loss) & (np.roll(log.avg_loss, 1) != log.avg_loss)
    found |= set(np.flatnonzero(fresh).tolist())
    return np.array(sorted(record for record in found if 0 < record < len(log)), np.int64)


def _cleared(log: Log, starts: Integers) -> Iterator[Cause]:
    """Where the iterations begin again from nothing."""
    for record in starts.tolist():
        before, after = int(log.iteration[record - 1]), int(log.iteration[record])
        if after <= MOST_GPUS < before:
            message = f"After iteration {before} the iterations start again at {after}: resumed with -clear."
            yield Cause(code="cleared", message=message, changes=_kept(), record=record, iteration=after)


def _reread(net: Net, dialect: Dialect) -> Net | None:
    """The same cfg as another fork reads it."""
    try:
        if net.text is not None:
            return parse_cfg(net.text, dialect, source=net.source)
        known = net.policy in dialect.policies
        return replace(net, dialect=dialect, policy=net.policy if known else "constant")
    except CfgError:
        return None


def _kept(**changes: object) -> Mapping[str, object]:
    return MappingProxyType(changes)

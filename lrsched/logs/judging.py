"""audit() and infer(): the rates of a log compared with those that a config plans, or explained without one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from lrsched.fitting import Clock, Fit, Observed, pieces, printed_slack
from lrsched.log import Log, LogError
from lrsched.logged import Audit, Inference, Mismatches
from lrsched.logs.causes import causes
from lrsched.schedule import Schedule
from lrsched.trainers import home_of, trainer_of

__all__ = ["audit", "config_beside", "explained", "infer"]

LARGEST = 1e30
"""Rates beyond, or as small, are of no schedule."""


LIKELY_GPUS = (1, 2, 4, 8, 3, 6, 16, 32, 64)
"""Numbers of GPUs that are tried where nobody gave one, and the rates depend on it."""


def infer(log: Log) -> Inference:
    """Find the simplest schedule that explains the rates of a log, and what the log leaves open.

    Every explanation is evaluated against every record, at the precision that was printed. Where none explains all of
    them, the longest beginning of the log that one explains is reported.

    Raises:
        LogError: when the log has no rate.
    """
    if not len(log) or not np.isfinite(log.rate).any():
        raise LogError(f"{log.source}: no record shows a rate, so none can be explained; give a log with rates.")
    known, observed = trainer_of(log).logs(), _observed(log)[0]
    found = None if known.infer is None else known.infer(log)
    if found is not None:
        return found
    sensible = (observed.rate >= 0) & (observed.rate < LARGEST) & ((observed.rate > 1 / LARGEST) | (observed.rate == 0))
    if not sensible.all():
        return explained(log, [])
    own = None if known.fitted is None else known.fitted(log, observed)
    return explained(log, [(0, own)] if own is not None and own.complete else pieces(observed, _clocks(log)))


def audit(log: Log, config: Any, ngpus: int | None = None, inferred: Inference | None = None) -> Audit:
    """Compare the rates that a log shows with those that a config plans, at the precision that was printed.

    A config is any value with ``source`` and ``schedules(ngpus)``, whose first is the rate that is logged; what of it
    only the log knows (the iterations of an epoch) ``of_log(log)`` puts into it, where it has that.
    ``ngpus`` is detected when it is None; what was ``inferred`` from the log is not inferred again.

    Raises:
        LogError: when the log has no records, or is of another trainer than the config.
        TypeError, ValueError: for numbers with which the trainer crashes or hangs, and an invalid number of GPUs.
    """
    if not len(log):
        raise LogError(f"{log.source}: there is no record to compare; give a log with rates.")
    whose = home_of(config)
    if whose is not None and trainer_of(log) is not whose:
        raise LogError(
            f"{log.source}: a log of {log.trainer} cannot be compared with {config.source}, a config of {whose.name}; "
            f"give the config of the run."
        )
    config = config.of_log(log) if hasattr(config, "of_log") else config
    own = trainer_of(log).logs().audit
    if own is not None:
        return own(log, config, ngpus, inferred)
    return _planned(log, config, ngpus or _gpus(log, config), inferred)


def config_beside(log: Log) -> Any:
    """The config of a run: the one in the log, else the one that lies in its folder, or the one above; else None.

    Raises:
        ValueError, OSError: when one is there, and none can be read.
    """
    if log.config is not None:
        return log.config
    known, folder = trainer_of(log).logs(), Path(log.source.split(" + ")[0]).parent
    places = (folder, folder.parent if folder.name else folder / "..") if not log.source.startswith("<") else ()
    refused: Exception | None = None
    # a config of any name may be that of another run where logs were given names of their own
    renamed = not any(PurePath(log.source).match(name) for name in known.names)
    names = [name for name in known.config_names if known.read_config and not (renamed and "*" in name)]
    for place, name in itertools.product(places, names):
        for path in sorted(path for path in place.glob(name) if path.is_file()):
            try:
                if (config := known.read_config(path)) is not None:  # type: ignore[misc]
                    return config
            except (ValueError, OSError) as problem:
                refused = refused or problem
    if refused is not None:
        raise refused
    return None


def _clocks(log: Log) -> Sequence[Clock]:
    own = trainer_of(log).logs().clocks
    return own(log) if own is not None else (Clock(),)


def _observed(log: Log) -> tuple[Observed, np.ndarray]:
    """The rates of a log for fitting, and the records they stand in."""
    rows = np.flatnonzero(np.isfinite(log.rate))
    rate, slack = log.rate[rows], log.column("rate_slack")[rows]
    if "rate_decimals" in log.records.columns:
        slack = printed_slack(rate, decimals=log.rate_decimals[rows])
    slack = np.where(np.isnan(slack), printed_slack(rate), slack)
    epoch = log.epoch[rows]
    whole = np.floor(epoch).astype(np.int64) if rows.size and np.isfinite(epoch).all() else None
    return Observed(step=log.iteration[rows], rate=rate, slack=slack, epoch=whole, horizon=log.horizon), rows


def explained(log: Log, found: Sequence[tuple[int, Fit]]) -> Inference:
    """What fits of stretches of a log say, each with the row it begins at; the first has to hold from the beginning."""
    observed, usual = _observed(log)[0], _clocks(log)[0]
    total = len(observed)
    if not found or not (found[0][1].complete or len(found) > 1):
        return Inference(total=total)
    (_, first), *others = found
    length = others[0][0] if others else first.total  # where nothing explains the rest, it is of a stretch
    return Inference(
        schedule=first.schedule,
        family=first.family,
        parameters=first.parameters,
        matched=length,
        total=total,
        last=int(observed.step[length - 1]),
        open=first.open,
        clock=first.clock.words(usual),
        rest=tuple((int(observed.step[row]), fit.schedule) for row, fit in others if fit.complete),
    )


def _gpus(log: Log, config: Any) -> int:
    """The first number of GPUs with which the plan explains every rate; 1 where there is none."""
    observed, clocks = _observed(log)[0], _clocks(log)
    for ngpus in LIKELY_GPUS:
        curve = next(iter(config.schedules(ngpus).values()))
        if any(observed.matches(curve(clock.count(observed.step))).all() for clock in clocks):
            return ngpus
    return 1


def _planned(log: Log, config: Any, ngpus: int, inferred: Inference | None) -> Audit:
    """The rates of a log compared with those of a plan, by the clock of the trainer that explains most of them."""
    observed, rows = _observed(log)
    curve = next(iter(config.schedules(ngpus).values()))
    planned, clock = max(
        ((curve(clock.count(observed.step)), clock) for clock in _clocks(log)),
        key=lambda one: int(observed.matches(one[0]).sum()),
    )
    wrong = np.flatnonzero(~observed.matches(planned))
    return Audit(
        matched=len(observed) - len(wrong),
        total=len(observed),
        ngpus=ngpus,
        mismatches=Mismatches(
            record=rows[wrong],
            iteration=observed.step[wrong],
            logged=observed.rate[wrong],
            planned=np.asarray(planned, np.float64)[wrong],
        ),
        cause=next(_causes(log, observed, config, curve, ngpus, inferred)) if wrong.size else "",
        source=log.source,
        unit=log.unit,
        plans={"rate": clock.applied(curve)},
    )


def _causes(
    log: Log, observed: Observed, config: Any, plan: Schedule, ngpus: int, inferred: Inference | None
) -> Iterator[str]:
    """What explains a log that is not as planned; the last one always holds."""
    yield from causes(log, observed, _clocks(log), config, plan, ngpus)
    found = inferred if inferred is not None else infer(log)
    if found.schedule is not None and found.complete:
        yield f"The log is of another schedule: {found.schedule!r}."
    yield "Cannot tell why: nothing simple explains the logged rates."

"""audit(): the rates of a log compared with those that a config plans, which may lie beside the log."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrsched.fitting import Clock, Observed
from lrsched.log import Floats, Log, LogError
from lrsched.logged import Audit, Inference, Mismatches
from lrsched.logs.causes import causes
from lrsched.logs.inferring import clocks_of, rates_of
from lrsched.schedule import Schedule
from lrsched.trainers import home_of, trainer_of

__all__ = ["audit", "config_beside"]

LIKELY_GPUS = (1, 2, 4, 8, 3, 6, 16, 32, 64)  # those that are tried where nobody says how many there were


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
    return (_audit if own is None else own)(log, config, ngpus, inferred)


def config_beside(log: Log, passed_over: Callable[[Exception], object] = lambda problem: None) -> Any:
    """The config of a run: the one in the log, else the one that lies in its folder, or the one above; else None.

    Of one that cannot be read ``passed_over`` is told where another one is taken.

    Raises:
        ValueError, OSError: when one is there, and none can be read.
    """
    if log.config is not None:
        return log.config
    known, folder = trainer_of(log).logs(), Path(log.source.split(" + ")[0]).parent
    places = (folder, folder.parent if folder.name else folder / "..") if not log.source.startswith("<") else ()
    # a config of any name may be that of another run where logs were given names of their own
    renamed = not any(PurePath(log.source).match(name) for name in known.names)
    names = [name for name in known.config_names if not (renamed and "*" in name)]
    found = (sorted(place.glob(name)) for place, name in itertools.product(places, names))
    refused: list[Exception] = []
    for path in (path for paths in found for path in paths if path.is_file()):
        try:
            config = known.read_config(path)  # type: ignore[misc]
        except (ValueError, OSError) as problem:
            refused.append(problem)
            continue
        if config is not None:
            for each in refused:
                passed_over(each)
            return config
    if refused:
        raise refused[0]
    return None


def _audit(log: Log, config: Any, ngpus: int | None, inferred: Inference | None) -> Audit:
    """The rates compared with a plan, on the first number of GPUs with which it explains every rate."""
    observed, rows = rates_of(log)
    counts = iter(LIKELY_GPUS if ngpus is None else (ngpus,))
    compared = (_compared(observed, clocks_of(log), config, count) for count in counts)
    first = next(compared)
    found = next((one for one in itertools.chain([first], compared) if one.good.all()), first)
    wrong = np.flatnonzero(~found.good)
    return Audit(
        matched=len(observed) - len(wrong),
        total=len(observed),
        ngpus=found.ngpus,
        mismatches=Mismatches(
            record=rows[wrong],
            iteration=observed.step[wrong],
            logged=observed.rate[wrong],
            planned=found.planned[wrong],
        ),
        cause=next(causes(log, observed, config, found.plan, found.ngpus, inferred)) if wrong.size else "",
        source=log.source,
        unit=log.unit,
        plans={"rate": found.clock.applied(found.plan)},
    )


class _Compared(NamedTuple):
    """A plan compared with rates: those of its curve by a clock, and which of them were logged."""

    plan: Schedule
    ngpus: int
    clock: Clock
    planned: Floats
    good: NDArray[np.bool_]


def _compared(observed: Observed, clocks: Sequence[Clock], config: Any, ngpus: int) -> _Compared:
    """A plan by the clock of the trainer that explains most of the rates."""
    plan = next(iter(config.schedules(ngpus).values()))
    rates = ((clock, np.asarray(plan(clock.count(observed.step)), np.float64)) for clock in clocks)
    tried = [_Compared(plan, ngpus, clock, planned, observed.matches(planned)) for clock, planned in rates]
    return max(tried, key=lambda one: int(one.good.sum()))

"""infer(): the cfg that explains the rates of a log, the simplest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from lrsched.fitting import Fit, Forms, Guess, Observed, beginning, fit
from lrsched.log import Log
from lrsched.logged import Inference
from lrsched.schedule import LAST_ITERATION
from lrsched.text import plain
from lrsched.trainers.darknet.log.forms import both, forms_of, keys_of
from lrsched.trainers.darknet.log.gpus import GpuClock, observed, runs_of, shows_gpus
from lrsched.trainers.darknet.net import Net

__all__ = ["infer", "values_of"]

LEAVES = 0.05  # where a curve ends, the rate leaves it by this share and two printed units


@np.errstate(all="ignore")
def infer(log: Log) -> Inference:
    """Find the simplest config that explains the rates of a log, and what the log leaves open.

    Every explanation is evaluated exactly against every record. Where none explains all of them, the longest beginning
    of the log that one explains is reported.
    """
    for net, clock, rows, forms in _runs(log):
        found = fit(rows, [clock], forms)
        if found is not None and found.complete:
            return _inference(log, net, clock, found)
    for net, clock, rows, forms in _runs(log):
        found = beginning(rows, [clock], replace(forms, guesses=partial(_certain, forms.guesses)))[1]
        if found is not None and (found.total == len(rows) or _leaves(rows, clock, found)):
            return _inference(log, net, clock, found)
    return Inference(total=len(log))


def _runs(log: Log) -> Iterator[tuple[Net, GpuClock, Observed, Forms]]:
    """On how many GPUs and with which fork it may have been: what is known of the cfg, its clock, rates and forms."""
    for ngpus, dialect in runs_of(log):
        net = Net(dialect=dialect, batch=(log.effective_batch or 1) // ngpus or 1)
        clock, rows = GpuClock(counter=net.clock(ngpus)), observed(log, dialect)
        possible = clock.count(rows.step) <= LAST_ITERATION
        yield net, clock, rows.rows(possible), forms_of(net, ngpus, log.header.learning_rate)


def _certain(guesses: Callable[[Observed], Iterator[Guess]], rows: Observed) -> Iterator[Guess]:
    """The guesses without curves of which too little is seen: a short piece of any curve looks like those of others."""
    return (one for one in guesses(rows) if one.family not in ("poly", "exp") or "policy" not in one.open)


def _leaves(rows: Observed, clock: GpuClock, found: Fit) -> bool:
    """Whether the rate leaves a curve where it does not explain it: anything fits a piece that is cut to it.

    Where the policy is open, the end of the burn-in is such a place.
    """
    after = rows.rows([found.total])
    count = clock.count(after.step)
    planned, shown = float(found.curve(count)[0]), float(after.rate[0])
    over = "policy" in found.open and count[0] >= found.parameters.get("burn_in", 0)
    return over or abs(planned - shown) > max(LEAVES * planned, 4 * float(after.slack[0]))


def _inference(log: Log, net: Net, clock: GpuClock, found: Fit) -> Inference:
    """An explanation in the words of a cfg."""
    config, ngpus = replace(net, **found.parameters), clock.counter.ngpus
    open_keys = dict(found.open)
    if not shows_gpus(log, config):
        keys = ("batch", "ngpus", *(("learning_rate",) if net.dialect.gpus_multiply_rate else ()))
        open_keys = both(open_keys, dict.fromkeys(keys, "the log does not show how many GPUs ran"))
    if found.others:
        names, one = " and ".join(found.others), len(found.others) == 1
        open_keys.setdefault("policy", f"{names} explain{'s' if one else ''} these records as well")
    return Inference(
        schedule=config.schedule(ngpus),
        family=found.family,
        parameters=found.parameters,
        config=config,
        values=values_of(config),
        ngpus=ngpus,
        matched=found.total,
        total=len(log),
        last=int(log.iteration[found.total - 1]),
        open=open_keys,
    )


def values_of(net: Net) -> dict[str, str]:
    """The keys and values of a cfg that decide its rate, as every fork reads them: without exponents."""
    return {key: plain(getattr(net, key)) for key in keys_of(net)}

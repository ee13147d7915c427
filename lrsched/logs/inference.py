"""infer(): the policy and the numbers that explain a log whose cfg is not at hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lrsched.log import MOST_GPUS, Integers, Log, LogError
from lrsched.logs.fits import FITS, Fit
from lrsched.logs.printed import Observed
from lrsched.logs.starts import starts
from lrsched.trainers.darknet import DIALECTS, Dialect, Net, parse_cfg

__all__ = ["Inference", "fragment", "infer", "infer_observed"]

MOST_TRIES = 1000
"""So many cfgs are evaluated before the nearest of them is taken."""

FEW_NUMBERS = 4
"""An explanation with more numbers than these is held against those that begin with another learning rate."""


@dataclass(frozen=True, kw_only=True)
class Inference:
    """What explains a log.

    Attributes:
        text: the lines of ``[net]``.
        net: the same as numbers.
        ngpus: number of GPUs.
        matched: records whose rate is that of the text.
        total: records of the log.
        undetermined: what the log leaves open, a sentence each.
    """

    text: str
    net: Net
    ngpus: int
    matched: int
    total: int
    undetermined: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every record is explained."""
        return self.matched == self.total

    def __str__(self) -> str:
        on = f" on {self.ngpus} GPUs" if self.ngpus > 1 else ""
        if self.complete:
            told = f"Policy {self.net.policy}{on} explains all {self.total} records."
        else:
            told = f"Policy {self.net.policy}{on} comes nearest: it explains {self.matched} of {self.total} records."
        undetermined = "".join(f"\n- {note}" for note in self.undetermined)
        return f"{told}\n{self.text}{'Undetermined:' if undetermined else ''}{undetermined}"


def infer(log: Log) -> Inference:
    """Find the policy and the numbers that explain the rates of a log, as lines of ``[net]``.

    The lines are read again and evaluated against every record; ``matched`` says how many they explain.

    Raises:
        LogError: when the log has no rate.
    """
    observed = Observed.of(log)
    if not len(observed) or np.isnan(log.rate).all():
        raise LogError(f"{log.source}: no record shows a rate, so none can be explained; give a log with rates.")
    printed = log.header.learning_rate
    header = float(printed) if printed else None
    dialect = _dialect(log)
    best: Inference | None = None
    for ngpus, multi in _gpus(log, dialect):
        found = infer_observed(
            observed,
            multi,
            ngpus=ngpus,
            printed_rate=header,
            effective_batch=log.effective_batch,
        )
        if best is None or found.matched > best.matched:
            best = found
        if best.complete:
            break
    assert best is not None
    return best


def infer_observed(
    observed: Observed,
    dialect: Dialect,
    *,
    ngpus: int = 1,
    printed_rate: float | None = None,
    effective_batch: int | None = None,
) -> Inference:
    """Find what explains some rates.

    Args:
        observed: the rates.
        dialect: the fork that printed them.
        ngpus: the number of GPUs.
        printed_rate: the learning rate that the trainer printed when it started.
        effective_batch: images per iteration, all GPUs together.
    """
    best: tuple[int, float, Fit] | None = None
    whole, tries = len(observed), MOST_TRIES
    for base, notes in starts(observed, dialect, ngpus, printed_rate):
        for number, fits in enumerate(FITS.values()):
            for fit in itertools.islice(fits(observed, base, ngpus), tries):
                tries -= 1
                matched = _matched(observed, fit.net, ngpus, 0 if best is None else best[0])
                key = (matched, -fit.cost - number / 100)
                if best is None or key > best[:2]:
                    best = (*key, replace(fit, notes=(*notes, *fit.notes)))
                if matched == whole:
                    break
        if best is not None and best[0] == whole and best[2].cost <= FEW_NUMBERS:
            break
    if best is None:
        best = (0, 0.0, Fit(Net(dialect=dialect), 0))
    fit = best[2]
    batch = effective_batch // ngpus if effective_batch and effective_batch % ngpus == 0 else None
    text = fragment(fit.net, batch)
    net = parse_cfg(text, dialect, source="<inferred>")
    matched = int(observed.matches(net, ngpus).sum())
    return Inference(
        text=text,
        net=net,
        ngpus=ngpus,
        matched=matched,
        total=whole,
        undetermined=(*fit.notes, *_open(observed, fit.net, ngpus, printed_rate, batch)),
    )


def _matched(observed: Observed, net: Net, ngpus: int, least: int) -> int:
    """How many records a cfg explains; a sample says whether it is worth counting them."""
    try:
        some = observed.sample()
        share = some.matches(net, ngpus).mean()
        if len(some) < len(observed) and share * len(observed) < 0.5 * least:
            return 0
        return int(observed.matches(net, ngpus).sum())
    except (ValueError, OverflowError):
        return 0


def _open(observed: Observed, net: Net, ngpus: int, printed_rate: float | None, batch: int | None) -> tuple[str, ...]:
    """What no record tells."""
    first, last = int(observed.iteration.min()), int(observed.iteration.max())
    notes = []
    if net.burn_in == 0 and first > ngpus:
        notes.append(f"a burn-in that ended at iteration {first} or before is not seen")
    if net.burn_in > last:
        notes.append(f"the log ends within the burn-in: the policy after iteration {last} is not seen")
    elif net.policy in ("constant", "steps"):
        notes.append(f"steps after iteration {last} are not seen")
    if printed_rate is None and net.burn_in <= last:
        notes.append(f"learning_rate is the shortest decimal that explains the rates: {net.learning_rate:g}")
    if net.policy != "poly":
        notes.append(f"max_batches is unknown; the run reached {last}")
    notes.append("subdivisions is unknown" if batch else "batch and subdivisions are unknown")
    if ngpus > 1:
        notes.append(f"{ngpus} GPUs are taken from the iterations and images of the log; learning_rate is for one")
    return tuple(notes)


def fragment(net: Net, batch: int | None = None) -> str:
    """The lines of ``[net]`` that hold the numbers of a rate, without those that the policy does not read."""
    keys = {
        "poly": ("power", "max_batches"),
        "random": ("power",),
        "steps": ("steps", "scales"),
        "step": ("step", "scale"),
        "exp": ("gamma",),
        "sigmoid": ("gamma", "step"),
        "sgdr": ("learning_rate_min", "sgdr_cycle", "sgdr_mult"),
    }.get(net.policy, ())
    names = ["learning_rate", *(["burn_in"] if net.burn_in else []), "policy", *keys]
    if net.burn_in and net.power != 4 and "power" not in names:
        names.append("power")
    if net.max_batches and "max_batches" not in names:
        names.append("max_batches")
    batches = [f"batch={batch}", "subdivisions=1"] if batch else []
    return "\n".join(["[net]", *batches, *(f"{name}={written(getattr(net, name))}" for name in names), ""])


def written(value: object) -> str:
    """A value as every fork reads it: no exponents."""
    if isinstance(value, tuple):
        return ",".join(map(written, value))
    if isinstance(value, float):
        return np.format_float_positional(value, trim="-")
    return str(value)


def _dialect(log: Log) -> Dialect:
    """The fork that prints such lines: so many decimals, the hours left or not."""
    exact = bool((log.rate_decimals == 8).all())
    counts = exact or bool(np.isfinite(log.hours_left).any())
    return next(fork for fork in DIALECTS if fork.arithmetic.single == exact and fork.iteration_counts_gpus == counts)


def _other_way(dialect: Dialect) -> Dialect:
    """A fork that multiplies the rate by the GPUs too and counts their iterations the other way."""
    counts = not dialect.iteration_counts_gpus
    return next(fork for fork in DIALECTS if fork.gpus_multiply_rate and fork.iteration_counts_gpus == counts)


def _gpus(log: Log, dialect: Dialect) -> Iterator[tuple[int, Dialect]]:
    """Numbers of GPUs with the fork that counts iterations so, the likeliest first."""
    known = log.header.batch
    total = log.effective_batch
    if known and total and total % known == 0 and 1 < total // known <= MOST_GPUS:
        yield total // known, dialect
        yield total // known, _other_way(dialect)
    jumps = _jumps(log.iteration)
    if jumps is not None:
        yield jumps[0], dialect if dialect.iteration_counts_gpus != jumps[1] else _other_way(dialect)
    yield 1, dialect


def _jumps(iteration: Integers) -> tuple[int, bool] | None:
    """The number of GPUs by the way in which the iterations go on, and whether they jump at every fourth."""
    steps = np.diff(iteration)
    sizes = set(np.unique(steps).tolist())
    if len(sizes) == 1 and 2 <= (size := sizes.pop()) <= MOST_GPUS and iteration[0] % size == 0:
        return size, False
    if len(sizes) == 2 and min(sizes) == 1 and (max(sizes) + 3) % 4 == 0:
        ngpus = (max(sizes) + 3) // 4
        jumped = iteration[1:][steps > 1]
        if ngpus <= MOST_GPUS and (jumped % 4 == 0).all():
            return ngpus, True
    return None

"""What a run may have trained with instead of its arguments: the schedule of DeepSpeed's config, which replaces it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lrsched.fitting import Observed, fit
from lrsched.log import Log
from lrsched.trainers.huggingface.arguments import Arguments
from lrsched.trainers.huggingface.reading import clocks

__all__ = ["readings"]


def readings(config: Arguments, log: Log, observed: Observed) -> Iterator[tuple[Arguments, str]]:
    """Other arguments that may explain the rates of a log, with what that means."""
    found = None if config.scheduler else fit(observed, clocks(log))
    if found is None or not found.complete or not found.parameters.get("warmup"):
        return
    peak, warmup, start = (found.parameters.get(key, 0) for key in ("peak", "warmup", "initial"))
    params = {"warmup_min_lr": start, "warmup_max_lr": peak, "warmup_num_steps": warmup}
    for kind in "WarmupLR", "WarmupDecayLR":
        yield (
            replace(config, scheduler={"type": kind, "params": params}),
            f"The rates are those of DeepSpeed's {kind}, from {start:g} to {peak:g} in {warmup} steps, not those "
            f"of {config.lr_scheduler_type}: the scheduler in its config replaces lr_scheduler_type.",
        )

"""What a run may have trained with instead of its config: the rate, or the schedulers, of the checkpoint it resumed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrsched.fitting import Observed
from lrsched.log import Log
from lrsched.text import number
from lrsched.trainers.openmmlab.config import RunConfig

__all__ = ["readings"]


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
        yield config.at_rate(plain), f"The rates are those of lr {number(plain, 6)}, not {number(lr, 6)}{why}."
    if resumed and config.is_mmengine and (np.abs(rate - rate[0]) <= 2 * slack).all():
        loads = "a resume loads the schedulers of the checkpoint, which have ended; their new ends are ignored"
        yield config.at_rate(float(rate[0]), changing=False), f"The rate stays at {number(rate[0], 6)}: {loads}."

"""llm.c and the loops in its manner: nanoGPT, build-nanogpt."""

from __future__ import annotations

import re

from lrsched.fitting import Clock
from lrsched.log import Log, TrainerLogs
from lrsched.schedule import Schedule
from lrsched.schedules import constant, cosine, linear, warmup, warmup_stable_decay
from lrsched.trainers.printed.lines import Printout
from lrsched.trainers.printed.numbers import number

__all__ = ["LOGS", "NANOGPT_LOGS", "schedule"]

_ROW = re.compile(r"^\| ([^|]+?) +\| (\S+) +\|$", re.M)
_NANOGPT = re.compile(rb"^(?:step|iter) +\d+ *[|:] *loss:? *[\d.]+ *[|,] *(?:lr|learning rate)", re.M)


def schedule(form: str, *, peak: float, rise: int, steps: int, final: float = 0.0) -> Schedule:
    """The rate of llm.c by the number of updates done: after k of them ``peak * (k + 1) / rise``, then the decay.

    >>> run = schedule("cosine", peak=1.0, rise=4, steps=12)
    >>> run([0, 2, 3, 4, 8, 12]).round(6).tolist()
    [0.25, 0.75, 1.0, 1.0, 0.5, 0.0]
    >>> schedule("wsd", peak=1.0, rise=0, steps=10)([7, 8, 10]).tolist()
    [1.0, 1.0, 0.0]
    >>> schedule("constant", peak=1.0, rise=4, steps=10)
    constant(1.0)

    Source: karpathy/llm.c, llmc/schedulers.h.
    """
    if form == "constant":
        return constant(peak)
    main: Schedule
    if form == "wsd":
        stable = int(0.8 * steps)
        main = warmup_stable_decay(peak=peak, horizon=steps - rise, final=final, decay=steps - stable, form="root")
    else:
        main = {"cosine": cosine, "linear": linear}[form](peak=peak, horizon=steps - rise, final=final)
    if not rise:
        return main
    rising = warmup(rise - 1, peak=peak, initial=peak / rise) if rise > 1 else constant(peak)
    return rising.then(main, at=rise)


def _settings(text: str, log: Log) -> tuple[Schedule, str]:
    """The table that llm.c prints at each start."""
    table = dict(_ROW.findall(text))
    form = table.get("LR scheduler", "cosine")
    peak, rise = number(table["learning rate (LR)"]), int(table["warmup iterations"])
    steps, share = int(table.get("train_num_batches") or log.horizon or 0), number(table.get("final LR fraction", "0"))
    rate = schedule(form, peak=peak, rise=rise, steps=steps, final=peak * share)
    return rate, f"{form} · LR {peak:g} · warmup {rise} · {steps} steps"


def _begins(beginning: bytes, name: str) -> bool:
    text = beginning.decode("utf-8", "replace")
    table = "| Parameter " in text and "| train data pattern " in text
    return table or re.search(r"^(?:step +\d+/\d+ \| loss .*\| lr |s:\d+ (?:tel|trl|eval):)", text, re.M) is not None


_START = re.compile(r"^\+-+\+-+\+\n\| Parameter ", re.M)

LOGS = TrainerLogs(
    begins=_begins,
    parse=Printout(trainer="llm.c", start=_START, single=True, settings=_settings).parse,
    names=("main.log",),
    # standard output counts the update that is being done, main.log those done before
    clocks=lambda log: (Clock(late=1), Clock()) if log.horizon else (Clock(), Clock(late=1)),
)

NANOGPT_LOGS = TrainerLogs(
    begins=lambda beginning, name: _NANOGPT.search(beginning) is not None,
    parse=Printout(trainer="nanoGPT").parse,
    clocks=lambda log: (Clock(), Clock(late=1)),
)

"""PaddleClas, and the other trainers of PaddlePaddle: PaddleGAN, PaddleOCR, PaddleSeg, PaddleDetection."""

from __future__ import annotations

import re

from lrsched.fitting import Clock
from lrsched.log import Log, TrainerLogs
from lrsched.schedule import Schedule
from lrsched.schedules import linear
from lrsched.trainers.huggingface.schedules import waves
from lrsched.trainers.printed.lines import Printout
from lrsched.trainers.printed.numbers import number

__all__ = ["CLAS_LOGS", "LOGS"]

_BLOCK = re.compile(r"INFO: ( *)lr : *\n((?:.*INFO: \1 +\S.*\n)+)")
_PAIR = re.compile(r"INFO: +(\w+) : (\S+) *$", re.M)
_EPOCHS = re.compile(r"INFO: +epochs : (\d+) *$", re.M)


def _settings(text: str, log: Log) -> tuple[Schedule, str] | None:
    """The part of PaddleClas's dump that is about the rate, in steps of the epochs that the log shows."""
    block, epochs = _BLOCK.search(text), _EPOCHS.search(text)
    if block is None or epochs is None or not log.horizon:
        return None
    values, each = dict(_PAIR.findall(block[2])), log.horizon // int(epochs[1])
    form = {"Cosine": waves, "Linear": linear}[values["name"]]
    peak, rise = number(values["learning_rate"]), number(values.get("warmup_epoch", "0"))
    final = number(values.get("eta_min", values.get("end_lr", "0")))
    initial = {"initial": number(values.get("warmup_start_lr", "0"))} if rise else {}
    rate = form(peak=peak, horizon=int(epochs[1]) * each, final=final, warmup=int(rise * each), **initial)
    words = f"learning_rate {peak:g} · warmup_epoch {rise:g} · {epochs[1]} epochs of {each} iterations"
    return rate, f"{values['name']} · {words}"


CLAS_LOGS = TrainerLogs(
    begins=lambda beginning, name: b"ppcls INFO" in beginning or b"[Train][Epoch " in beginning,
    parse=Printout(
        trainer="PaddleClas",
        start=re.compile(r"^\[.*ppcls INFO: *\n=+\n== +PaddleClas is powered", re.M),
        settings=_settings,
    ).parse,
    names=("train.log",),
    clocks=lambda log: (Clock(late=-1), Clock()),  # iterations count from 0, and the rate is that of the next
)

LOGS = TrainerLogs(
    begins=lambda beginning, name: re.search(rb"\bpp(?:gan|ocr|det|seg)\b|PaddlePaddle", beginning) is not None,
    parse=Printout(trainer="PaddlePaddle").parse,
    names=("train.log", "log.txt"),
    clocks=lambda log: (Clock(late=1), Clock(), Clock(late=-1)),
)

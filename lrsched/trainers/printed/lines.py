"""Text that a trainer printed: the lines that show a step and a learning rate."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsched.fitting import Clock
from lrsched.log import Floats, Log, TrainerLogs
from lrsched.schedule import Schedule
from lrsched.trainers.printed.numbers import numbers, rounding
from lrsched.trainers.printed.tables import logs_of

__all__ = ["LOGS", "Printout", "Settings", "usual_clocks"]

LONGEST = 4000  # a longer line is a dump of settings
SINGLE = 2.0**-22  # by this share of the peak a rate in float32 may be off: a cosine loses what stands below 1
WORDS = ("lr", "LR", "earning", "EARNING")  # a line without any of these shows no rate

# what reading damaged settings, or those of an unknown schedule, raises
NOT_WHOLE: tuple[type[Exception], ...] = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError)
NOT_WHOLE += (SyntaxError, RecursionError, MemoryError)

_REAL = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|-?inf"
_RATE = re.compile(
    rf"(?<![\w.-])(?:train_|current |cur_)?(?:lr|learning[_ -]?rate)(?:\([^)]*\))?[\"'\s:=\[]+({_REAL})(?![\w.])", re.I
)
_LOSS = re.compile(rf"(?<![\w.-])(?:train_|train )?(?:loss|trl)[\"'\s:=]+({_REAL})(?![\w.])", re.I)
_WHOLE_RUN = re.compile(r"(?<!\w)(?:train_)?(?:global[_ ]?steps?|num_updates)[\"'\s:=\[]+(\d+)(?:\s*/\s*(\d+))?", re.I)
_STEP = re.compile(
    r"(?<![\w./])(?:iterations?|iters?|it|steps?|batch|s(?=:))[\"'\s:=\[(#]*(\d+)(?![\d.]*[.e]\d)(?:\s*/\s*(\d+))?",
    re.I,
)
_BAR = re.compile(r"\|\s*(\d+)/(\d+)\s*\[")
_EPOCH = re.compile(
    r"(?<![\w.])(?:epoch|train(?=: \[?\d))[\"'\s:=\[(#]*(\d+)(?![\d.]*[.e]\d)(?:\s*/\s*(\d+))?[\])]?"
    r"(?:[\s,:]*[\[(]\s*(?:iter|batch|step)?[:\s]*(\d+)(?:\s*/\s*(\d+))?[^\]),]*[\])])?",
    re.I,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings that a trainer prints when it starts, as a config value."""

    source: str  # the log
    trainer: str
    rate: Schedule  # by its own count of steps
    words: str  # the settings in one line

    def caption(self, ngpus: int = 1) -> str:
        """The schedule of the run in one line."""
        return f"{self.trainer} · {self.words}"

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """The schedule of the learning rate."""
        return {"learning rate": self.rate}


@dataclass(frozen=True, kw_only=True)
class Printout:
    """How a trainer prints, where its lines do not show it."""

    trainer: str
    start: re.Pattern[str] | None = None  # what it prints once at each start of the program
    digits: int | None = None  # the significant digits of a rate, where zeros at the end are not printed
    single: bool = False  # whether rates are computed in float32
    # the rate that the settings of a log plan, with these in one line, from the text that was printed with it; what it
    # raises, or None, means that they are not whole, or have rates that are not known
    settings: Callable[[str, Log], tuple[Schedule, str] | None] = lambda text, log: None

    def parse(self, data: bytes, source: str) -> list[Log]:
        """Every run that a text shows."""
        text = data.decode("utf-8-sig", "replace")
        starts = [found.start() for found in self.start.finditer(text)] if self.start else []
        parts = [text[one:two] for one, two in itertools.pairwise([0, *starts, len(text)])]
        return [log for part in parts for log in self._logs(part, source)]

    def _logs(self, text: str, source: str) -> list[Log]:
        found = list(_found(text))
        if not found:
            return []
        _, tokens, losses, *rest = zip(*found, strict=True)
        rate, loss = numbers(tokens), numbers(losses)
        slack = rounding(tokens, digits=self.digits)
        if self.single:
            slack = slack + SINGLE * np.nanmax(np.abs(rate), initial=0.0)
        step, horizon, epoch, unit = self._steps(rate, *map(numbers, rest))
        known = {} if None in losses else {"loss": loss}
        known |= {} if np.isnan(epoch).all() else {"epoch": epoch}
        known |= {"iteration": step, "rate": rate, "rate_slack": slack}
        own: dict[str, Any] = {"trainer": self.trainer, "source": source, "unit": unit}
        return logs_of(known, horizon, lambda log: self._config(text, log), **own)

    def _config(self, text: str, log: Log) -> Settings | None:
        try:
            found = self.settings(text, log)
        except NOT_WHOLE:
            return None
        return found and Settings(source=log.source, trainer=self.trainer, rate=found[0], words=found[1])

    @staticmethod
    def _steps(
        rate: Floats, epoch: Floats, epochs: Floats, inner: Floats, per: Floats, step: Floats, total: Floats
    ) -> tuple[Floats, Floats, Floats, str]:
        """The step of each row in the whole run, how many steps it says there are, its epoch, and what a step is."""
        if np.isnan(epoch).all():
            return step, total, epoch, "iteration"
        epoch = epoch - (np.nanmin(epoch) > 0)
        if np.isnan(inner).all() and ((np.diff(step) <= 0) & (np.diff(epoch) > 0)).any():
            inner, per, step = step, total, np.full_like(step, np.nan)
        if np.isfinite(inner).any():
            each = np.where(np.isfinite(per), per, _epoch_length(epoch, inner, rate))
            return np.where(np.isfinite(step), step, epoch * each + inner), epochs * each, epoch, "iteration"
        if np.isnan(step).all():
            return epoch, epochs, epoch, "epoch"
        return step, total, epoch, "iteration"


def _found(text: str) -> Iterator[tuple[str | None, ...]]:
    """Of each line with a rate: what precedes it, rate, loss, epoch, epochs, iteration, iterations, step, steps."""
    before, above = "", None
    for line in text.splitlines():
        if line.startswith("Epoch "):
            above = _EPOCH.search(line)
        if not any(word in line for word in WORDS) or len(line) > LONGEST or (rate := _RATE.search(line)) is None:
            continue
        epoch, step = _EPOCH.search(line), _WHOLE_RUN.search(line)
        if step is None and (epoch is None or epoch[3] is None):
            step = _BAR.search(line) or _STEP.search(line)
        if epoch is None and step is None and (epoch := above) is None:
            continue
        if rate.end() == len(line) and len(rate[1]) < len(before) and text.endswith(line):
            return  # the end of the last line is torn off, and its rate with it
        before, loss = rate[1], _LOSS.search(line)
        where = (epoch.groups() if epoch else (None,) * 4) + (step.groups() if step else (None,) * 2)
        yield line[: rate.start()], rate[1], loss and loss[1], *where


def _epoch_length(epoch: Floats, inner: Floats, rate: Floats) -> float:
    """The iterations of an epoch, which no line says: a rate that rises evenly into the next epoch tells."""
    known = []
    for at in np.flatnonzero((np.diff(epoch) == 1) & (np.diff(rate) > 0))[:5]:
        if at and epoch[at - 1] == epoch[at] and rate[at] > rate[at - 1]:
            slope = (rate[at] - rate[at - 1]) / (inner[at] - inner[at - 1])
            known.append((rate[at + 1] - rate[at]) / slope + inner[at] - inner[at + 1])
    return float(np.rint(np.median(known))) if known else float(np.nanmax(inner)) + 1


def usual_clocks(log: Log) -> Sequence[Clock]:
    """The clocks of unknown trainers: the rate belongs to the logged step, the one before, or the next."""
    return (Clock(), Clock(late=1), Clock(late=-1))


def _begins(beginning: bytes, name: str) -> bool:
    """Whether two lines show a rate after the same words: a program printed them, and no person."""
    seen: set[str] = set()
    for before, *_ in _found(beginning.decode("utf-8-sig", "replace")):
        words = re.sub(r"[\W\d]+", " ", str(before))
        if words in seen:
            return True
        seen.add(words)
    return False


LOGS = TrainerLogs(
    begins=_begins,
    parse=Printout(trainer="text").parse,
    example="any text or table (CSV, JSON lines) with a step and a learning rate in each line",
    names=("*.log", "*.txt"),
    clocks=usual_clocks,
)
"""Any text with a step and a learning rate in a line."""

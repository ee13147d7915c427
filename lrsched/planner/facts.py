"""What is computed of a run once, for every rule to read; and what a finding is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.planner.run import Run
from lrsched.search import zero_from

__all__ = ["Facts", "Finding", "Rule", "Severity", "counted", "facts_of", "rule"]

Severity: TypeAlias = Literal["error", "warning", "note"]

SAMPLES = 65_536
"""Rates looked at of a schedule whose shape is unknown; a shorter run is looked at whole."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something the planner noticed.

    Attributes:
        code: a stable name, such as ``rate-reaches-zero``.
        severity: ``error`` and ``warning``: the run is useless or not what was meant; ``note``: worth knowing.
        first: the first iteration it concerns.
        last: the last iteration it concerns.
        message: one sentence: what happens, since when, what it means.
    """

    code: str
    severity: Severity
    first: int
    last: int
    message: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """A run and what every rule wants to know of it.

    Attributes:
        run: the run.
        end: its last iteration, or None when it has none or is over already; then there are no rates either.
        iterations: where the size of the rate can be largest or smallest: the ends of all pieces.
        rates: the exact rates there.
        zero_from: the first iteration from which on the rate is printed as zero until the end, or None.
        last_trained: the last iteration any GPU takes its rate from; several GPUs overshoot the end.
    """

    run: Run
    end: int | None
    iterations: NDArray[np.int64]
    rates: NDArray[Any]
    zero_from: int | None
    last_trained: int

    @property
    def peak(self) -> float:
        """The largest size of the rate in the run."""
        finite = self.rates[np.isfinite(self.rates)]
        return float(np.abs(finite).max()) if finite.size else 0.0

    @property
    def peak_at(self) -> int:
        """The first of the looked-at iterations with the largest size of the rate."""
        sizes = np.abs(np.where(np.isfinite(self.rates), self.rates, 0))
        return int(self.iterations[int(sizes.argmax())])

    @property
    def end_rate(self) -> float:
        """The rate at the end of the run."""
        return float(self.rates[-1])

    @property
    def length(self) -> int:
        """Iterations from the start to the end, both included."""
        return 0 if self.end is None else self.end - self.run.start + 1


@dataclass(frozen=True)
class Rule:
    """One rule: the codes of what it may find, and the function that looks.

    The docstring of the function says why it matters and which thread it comes from.
    """

    codes: tuple[str, ...]
    look: Callable[[Facts], Iterator[Finding]]


def rule(*codes: str) -> Callable[[Callable[[Facts], Iterator[Finding]]], Rule]:
    """Make a rule of a function that may find these codes."""
    return lambda look: Rule(codes, look)


def facts_of(run: Run, *, search_zero: bool = True) -> Facts:
    """Look at a run where its rate can be extreme; ``zero_from`` is left out where nobody asks for it."""
    end = run.end
    if end is None or run.start > end:
        return Facts(
            run=run,
            end=None,
            iterations=np.empty(0, np.int64),
            rates=np.empty(0, np.float64),
            zero_from=None,
            last_trained=run.start,
        )
    iterations = _telling_iterations(run, end)
    rates = run.schedule(iterations)
    return Facts(
        run=run,
        end=end,
        iterations=iterations,
        rates=rates,
        zero_from=zero_from(run.schedule, run.start, end) if search_zero else None,
        last_trained=_last_trained(run, end),
    )


def _telling_iterations(run: Run, end: int) -> NDArray[np.int64]:
    pieces = run.schedule.pieces(run.start, end)
    if pieces is None:
        return np.unique(np.linspace(run.start, end, min(SAMPLES, end - run.start + 1)).astype(np.int64))
    ends = {run.start, end, *islice(run.schedule.milestones(run.start, end), 2 * len(pieces) + 2)}
    for piece in pieces:
        last = piece.end - (piece.last - piece.first)
        # neighbours show a sign that changes from one iteration to the next
        for t in (piece.first, piece.first + 1, piece.last - 1, piece.last, last, piece.end):
            if piece.first <= t <= piece.end:
                ends.add(t)
        if piece.end > piece.last:
            ends.update(islice(run.schedule.milestones(piece.first, piece.end), 2))
    return np.array(sorted(ends), np.int64)


def _last_trained(run: Run, end: int) -> int:
    if run.net is None or run.ngpus == 1 or run.net.effective_batch < 1:
        return end
    turn = run.net.clock(run.ngpus).last_turn(run.start, end)
    return end if turn is None else max(end, *turn.trained_at)


def counted(iterations: int) -> str:
    """A number of iterations in words.

    >>> counted(1), counted(2)
    ('1 iteration', '2 iterations')
    """
    return f"{iterations} iteration{'s' if iterations != 1 else ''}"

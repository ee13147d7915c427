"""Time things side by side and print what came out.

Runs that are compared alternate (A B C A B C ...), so that whatever else the machine does hits them alike; a ratio is
taken within each round, and the median of the rounds is reported.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

__all__ = ["Seconds", "as_json", "interleaved", "median_ratio", "shown", "table"]

Seconds: TypeAlias = list[float]
"""Wall-clock seconds of one run, round after round."""


def interleaved(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Seconds]:
    """Run all of ``runs`` in turn, ``rounds`` times, after one round that is not counted."""
    seconds: dict[str, Seconds] = {name: [] for name in runs}
    for counted in [False] + [True] * rounds:
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            taken = time.perf_counter() - begin
            if counted:
                seconds[name].append(taken)
    return seconds


def median_ratio(slow: Seconds, fast: Seconds) -> float:
    """How many times longer ``slow`` took than ``fast``: the median of the ratios within each round."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def shown(number: float | None, suffix: str = "", digits: int = 3) -> str:
    """A measured number with a few significant digits, or a dash for what was not measured."""
    if number is None:
        return "-"
    decimals = max(digits - len(f"{number:.0f}"), 0)
    return f"{number:.{decimals}f}{suffix}"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Rows under headers; the first ``left`` columns begin at the left, the others end at the right."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    lines = [headers, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_json(rows: Sequence[Any], **about: object) -> str:
    """One JSON document: what was run, and the rows (dataclasses)."""
    return json.dumps(about | {"rows": [dataclasses.asdict(row) for row in rows]}, indent=2)

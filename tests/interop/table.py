"""Print the tables of docs/tables: ``python -m tests.interop.table``, and ``... frameworks`` for the other one."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version

import numpy as np

# as in conftest.py
os.environ.setdefault("KERAS_BACKEND", "jax")
sys.modules["torchvision"] = None  # type: ignore[assignment]

from tests.interop.cases import CASES  # noqa: E402 (after what conftest.py does)
from tests.interop.schedules import THEIRS, Theirs  # noqa: E402

__all__ = ["FRAMEWORKS_TABLE", "PAGE_TABLE", "frameworks", "table"]

PAGE_TABLE = "docs/tables/other-libraries.txt"
FRAMEWORKS_TABLE = "docs/tables/frameworks.txt"

PACKAGES = {"mmengine": "mmengine-lite"}
"""What a library is called where it is installed from, where that is another name."""


def table() -> Iterator[str]:
    """The lines of the table."""
    yield "| library | schedule | expected | verdict |"
    yield "|---|---|---|---|"
    for case in CASES:
        library = f"{case.library} {version(case.library).partition('+')[0]}"
        verdict = "<br>".join(f"`{result.check}`: {result.got}" for result in case.failed()) or "sound"
        yield f"| {library} | `{case.code}` | {case.expected} | {verdict} |"


def frameworks(*, bare: bool = False) -> Iterator[str]:
    """The lines of the table of all frameworks; ``bare`` without stepping them."""
    yield "| library | schedule, `o` having the rate 0.1 | up to | in lrsched | read, and trained with |"
    yield "|---|---|---|---|---|"
    for case in THEIRS:
        library = f"{case.library} {version(PACKAGES.get(case.library, case.library)).partition('+')[0]}"
        ours = {"then": "one after another", "table": "a table"}.get(case.ours, f"`{case.ours}`")
        ours = "none" if case.ours.startswith("none") else ours
        verdict = case.ours.partition(": ")[2] if ours == "none" else "" if bare else _verdict(case)
        yield f"| {library} | `{case.code}` | {case.horizon} | {ours} | {verdict} |"


def _verdict(case: Theirs) -> str:
    """How far what was read, and what trains, is apart from what the framework does, as a share of the peak."""
    ours, rates = case.read(), case.stepped()
    found = []
    for own in ours(range(rates.size)), case.trained(ours):
        apart = np.nanmax(np.abs(own - rates)) / np.nanmax(rates)
        found.append("equal" if not apart else f"to {10.0 ** np.ceil(np.log10(apart)):.0e}")
    wrong = f"; theirs, compiled, is NaN at {int(np.isnan(rates).argmax())}" if np.isnan(rates).any() else ""
    return ", ".join(dict.fromkeys(found)) + wrong


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.stdout.write("\n".join(frameworks() if "frameworks" in sys.argv else table()) + "\n")

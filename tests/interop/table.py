"""Print the table of other libraries' schedules: ``python -m tests.interop.table``.

It stands in docs/tables/other-libraries.txt; ``python -m tests.interop.table > docs/tables/other-libraries.txt``
writes it anew.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version

# keras asks for it when it is imported
os.environ.setdefault("KERAS_BACKEND", "jax")

from lrsched.testing import Result
from tests.interop.cases import CASES, Case

__all__ = ["PAGE_TABLE", "failures", "main", "table"]

PAGE_TABLE = "docs/tables/other-libraries.txt"


@cache
def failures(case: Case) -> tuple[Result, ...]:
    """The checks that fail."""
    return tuple(result for result in case.run() if result.status == "failed")


def verdict(case: Case) -> str:
    """What came out, for a cell of the table."""
    failed = failures(case)
    return "<br>".join(f"`{result.check}`: {result.got}" for result in failed) or "sound"


def table() -> Iterator[str]:
    """The lines of the table."""
    yield "| library | schedule | expected | verdict |"
    yield "|---|---|---|---|"
    for case in CASES:
        library = f"{case.library} {version(case.library).partition('+')[0]}"
        yield f"| {library} | `{case.schedule}` | {case.expected} | {verdict(case)} |"


def main() -> int:
    """Print the table; the exit status tells whether every verdict is the one that was expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.stdout.write("\n".join(table()) + "\n")
    return int(any(tuple(result.check for result in failures(case)) != case.faults for case in CASES))


if __name__ == "__main__":
    sys.exit(main())

"""Print docs/tables/other-libraries.txt: ``python -m tests.interop.table``."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version

# keras asks for it when it is imported
os.environ.setdefault("KERAS_BACKEND", "jax")

from tests.interop.cases import CASES

__all__ = ["PAGE_TABLE", "table"]

PAGE_TABLE = "docs/tables/other-libraries.txt"


def table() -> Iterator[str]:
    """The lines of the table."""
    yield "| library | schedule | expected | verdict |"
    yield "|---|---|---|---|"
    for case in CASES:
        library = f"{case.library} {version(case.library).partition('+')[0]}"
        verdict = "<br>".join(f"`{result.check}`: {result.got}" for result in case.failed()) or "sound"
        yield f"| {library} | `{case.code}` | {case.expected} | {verdict} |"


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.stdout.write("\n".join(table()) + "\n")

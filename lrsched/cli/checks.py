"""The command check: the checks of lrsched.testing without pytest."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrsched.cli.options import DONE, PROBLEM, add_command, iteration, iterations, print_json
from lrsched.import_path import imported
from lrsched.schedule import Schedule
from lrsched.trainers.darknet import read_cfg

if TYPE_CHECKING:
    from lrsched.testing import Result

__all__ = ["add_check"]

NOT_DECLARED = "not declared: "
SYMBOLS = {"passed": "ok", "failed": "FAILED", "xfail": "expected", "skipped": "-"}


def add_check(commands: Any) -> None:
    """Add ``lrsched check``."""
    parser = add_command(
        commands,
        "check",
        _check,
        "check a schedule of your own: every check that has something to judge, with its smallest counterexample",
        "lrsched check my_package.rates:mine --horizon 20000 --peak 0.01 --warmup 1000",
    )
    parser.add_argument("schedule", metavar="SCHEDULE", help="package.module:name, or a cfg")
    parser.add_argument("--horizon", type=iteration, metavar="N", help="the last iteration of the run")
    parser.add_argument("--start", type=float, metavar="RATE", help="promised: the rate at iteration 0")
    parser.add_argument("--peak", type=float, metavar="RATE", help="promised: the largest rate")
    parser.add_argument("--end", type=float, metavar="RATE", help="promised: the rate at the horizon")
    parser.add_argument("--minimum", type=float, metavar="RATE", help="promised: no rate lies below it")
    parser.add_argument("--maximum", type=float, metavar="RATE", help="promised: no rate lies above it")
    parser.add_argument("--warmup", type=iteration, metavar="N", help="promised: it rises up to this iteration")
    parser.add_argument("--decay", type=iteration, metavar="N", help="promised: it falls from this iteration on")
    parser.add_argument("--milestones", type=iterations, metavar="N,N,...", help="promised: it jumps only there")
    parser.add_argument("--max-jump", type=float, metavar="RATE", help="promised: neighbours are no further apart")
    parser.add_argument("--after", choices=["stays", "falls"], help="promised: what follows the horizon")
    parser.add_argument(
        "--expect", action="append", default=[], metavar="CHECK=REASON", help="this check may fail; may be given again"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")


PROMISES = ("start", "peak", "end", "minimum", "maximum", "warmup", "decay", "milestones", "max_jump", "after")


def _check(arguments: argparse.Namespace) -> int:
    from lrsched.testing import check_schedule  # noqa: PLC0415 (no other command needs the checks)

    promised = {name: getattr(arguments, name) for name in PROMISES if getattr(arguments, name) is not None}
    expected = dict(_expected(given) for given in arguments.expect)
    source = _source(arguments.schedule)
    if arguments.horizon is None and not (isinstance(source, Schedule) and source.horizon):
        raise ValueError(f"{arguments.schedule} does not say where it ends; name the last iteration with --horizon")
    results = check_schedule(source, horizon=arguments.horizon, expected_failures=expected, raises=False, **promised)
    failed = [result for result in results if result.status == "failed"]
    if arguments.json:
        print_json({"schedule": arguments.schedule, "ok": not failed, "checks": [r.to_dict() for r in results]})
    else:
        print(_text(arguments.schedule, results))
    return PROBLEM if failed else DONE


def _source(name: str) -> Any:
    if ":" not in name or Path(name).exists():
        return read_cfg(name).schedule()
    if "" not in sys.path:
        sys.path.insert(0, "")
    return imported(name)


def _expected(given: str) -> tuple[str, str]:
    name, equals, reason = (part.strip() for part in given.partition("="))
    if not (name and equals and reason):
        raise ValueError(f"--expect {given}: this is no CHECK=REASON; write for example --expect finite='ends at inf'")
    return name, reason


def _text(name: str, results: Sequence[Result]) -> str:
    judged = [result for result in results if result.status != "skipped"]
    failed = [result for result in results if result.status == "failed"]
    lines = [f"{name}: {len(judged) - len(failed)} of {len(judged)} checks passed"]
    width = max(len(result.check) for result in results)
    for result in results:
        if result.status == "skipped" and result.message.startswith(NOT_DECLARED):
            continue
        told = "" if result.status == "passed" else result.message
        lines.append(f"  {SYMBOLS[result.status]:<9} {result.check:<{width}}  {told}".rstrip())
        why = {"failed": f"promised: {result.reason}", "xfail": f"expected: {result.expected}"}.get(result.status)
        if why:
            lines.append(f"  {'':<9} {'':<{width}}  {why}")
    unpromised = [
        result.message.removeprefix(NOT_DECLARED)
        for result in results
        if result.status == "skipped" and result.message.startswith(NOT_DECLARED)
    ]
    if unpromised:
        lines.append(
            textwrap.fill(f"  not promised, so not judged: {', '.join(unpromised)}", 96, subsequent_indent="  ")
        )
    return "\n".join(lines)

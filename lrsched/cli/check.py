"""The command check: the checks of lrsched.testing without pytest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from lrsched.cli import options
from lrsched.cli.parser import iteration, iterations, rate
from lrsched.schedule import Schedule
from lrsched.testing import Result, check_schedule
from lrsched.text import coloured, shows_colour, terminal_width, wrapped

EXAMPLES = """examples:
  lrsched check my_package.rates:mine --horizon 20000
  lrsched check my_package.rates:mine --horizon 20000 --peak 0.01 --warmup 1000
"""

EXPECTATIONS: dict[str, dict[str, Any]] = {
    "initial": {"type": rate, "metavar": "RATE", "help": "rate at iteration 0"},
    "peak": {"type": rate, "metavar": "RATE", "help": "largest rate"},
    "final": {"type": rate, "metavar": "RATE", "help": "rate at the horizon"},
    "minimum": {"type": rate, "metavar": "RATE", "help": "no rate is below this"},
    "maximum": {"type": rate, "metavar": "RATE", "help": "no rate is above this"},
    "warmup": {"type": iteration, "metavar": "N", "help": "rises up to this iteration"},
    "decay": {"type": iteration, "metavar": "N", "help": "falls from this iteration"},
    "milestones": {"type": iterations, "metavar": "N,N,...", "help": "jumps only at these iterations"},
    "max_jump": {"type": rate, "metavar": "RATE", "help": "largest change between two iterations"},
    "after": {"choices": ["stays", "falls"], "help": "what the rate does after the horizon"},
}

NOT_EXPECTED = "no expectation: "
MARKS = {"passed": ("ok", "good"), "failed": ("FAILED", "error"), "xfail": ("xfail", "note"), "skipped": ("-", "faint")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("source", metavar="SCHEDULE", help=options.SOURCE)
    parser.add_argument("--horizon", type=iteration, metavar="N", help="the last iteration of the run")
    expected = parser.add_argument_group("what you expect (nothing else is checked for it)")
    for name, kind in EXPECTATIONS.items():
        expected.add_argument(f"--{name.replace('_', '-')}", **kind)
    parser.add_argument(
        "--xfail", action="append", default=[], metavar="CHECK=REASON", help="this check may fail; may be repeated"
    )
    options.add_json(parser)
    parser.add_argument("--budget", type=rate, metavar="SECONDS", help="look at fewer iterations if it takes longer")
    options.add_dialect(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run every check that applies and print what each found."""
    expected = {name: getattr(arguments, name) for name in EXPECTATIONS if getattr(arguments, name) is not None}
    failures = dict(_expected_failure(given) for given in arguments.xfail)
    name = arguments.source
    source = options.import_own(name) if options.is_own(name) else options.read_config(name, arguments).schedule()
    if arguments.horizon is None and not (isinstance(source, Schedule) and source.horizon):
        raise ValueError(f"{name} has no last iteration; give --horizon N")
    results = check_schedule(
        source,
        horizon=arguments.horizon,
        expected_failures=failures,
        raises=False,
        budget=arguments.budget,
        progress=lambda text: options.message(text.replace("budget=", "--budget ")),
        **expected,
    )
    failed = [result for result in results if result.status == "failed"]
    if arguments.json:
        options.print_json({"schedule": name, "ok": not failed, "checks": results})
    else:
        width, colour = terminal_width(sys.stdout), shows_colour(sys.stdout)
        print("\n".join(_lines(name, results, width, colour)))
    return options.PROBLEM if failed else options.DONE


def _expected_failure(given: str) -> tuple[str, str]:
    name, _, reason = (part.strip() for part in given.partition("="))
    if not (name and reason):
        raise ValueError(f"--xfail {given}: expected CHECK=REASON, for example --xfail finite='ends at inf'")
    return name, reason


def _lines(name: str, results: Sequence[Result], width: int, colour: bool) -> Iterator[str]:
    """One line per check, and below it what was expected and what was found instead."""
    run = [result for result in results if result.status != "skipped"]
    failed = sum(result.status == "failed" for result in results)
    yield coloured(f"{name}: {len(run) - failed} of {len(run)} checks passed", "error" if failed else "good", colour)
    open_questions = []
    for result in results:
        if result.why.startswith(NOT_EXPECTED):
            open_questions.append(result.why.removeprefix(NOT_EXPECTED))
            continue
        mark, meaning = MARKS[result.status]
        yield f"  {coloured(f'{mark:<8}', meaning, colour)}{result.check}"
        if result.status == "failed":
            yield wrapped(f"expected: {result.expected}", width, indent=10, hanging=2)
            yield wrapped(f"got: {result.got}", width, indent=10, hanging=2)
        elif result.status != "passed":
            yield wrapped(result.why, width, indent=10)
    if open_questions:
        yield wrapped(f"not checked (no expectation given): {', '.join(open_questions)}", width, indent=2, hanging=2)

"""The command check: the checks of lrsched.testing without pytest."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from lrsched.cli import options
from lrsched.schedule import imported
from lrsched.sources import as_schedule
from lrsched.testing import Result, check_schedule
from lrsched.text import coloured, shows_colour

EXAMPLES = """examples:
  lrsched check my_package.rates:mine --horizon 20000
  lrsched check my_package.rates:mine --horizon 20000 --peak 0.01 --warmup 1000
"""

NOT_EXPECTED = "no expectation: "
RATE: dict[str, Any] = {"type": float, "metavar": "RATE"}
EXPECTATIONS: dict[str, dict[str, Any]] = {
    "initial": RATE | {"help": "rate at iteration 0"},
    "peak": RATE | {"help": "largest rate"},
    "final": RATE | {"help": "rate at the horizon"},
    "minimum": RATE | {"help": "no rate is below this"},
    "maximum": RATE | {"help": "no rate is above this"},
    "warmup": options.TIME | {"help": "rises up to this iteration"},
    "decay": options.TIME | {"help": "falls from this iteration"},
    "milestones": {"type": options.iterations, "metavar": "N,N,...", "help": "jumps only at these iterations"},
    "max_jump": RATE | {"help": "largest change between two iterations"},
    "after": {"choices": ["stays", "falls"], "help": "what the rate does after the horizon"},
}
MARKS = {"passed": ("ok", "good"), "failed": ("FAILED", "error"), "xfail": ("xfail", "note"), "skipped": ("-", "faint")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SCHEDULE", help=options.SOURCE)
    options.add(parser, "--horizon", type=options.positive)
    expected = parser.add_argument_group("what you expect of it (what you leave out is not checked)")
    for name, kind in EXPECTATIONS.items():
        expected.add_argument(f"--{name.replace('_', '-')}", **kind)
    parser.add_argument("--xfail", action="append", default=[], metavar="CHECK", help="this check may fail; repeatable")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="look at fewer iterations if it takes longer")
    options.add(parser, "--dialect", "--json")


def run(arguments: argparse.Namespace) -> int:
    name = arguments.source
    source = imported(name) if options.is_own(name) else as_schedule(options.read_config(name, arguments))
    options.need_horizon(arguments, name, as_schedule(source, target=arguments.horizon))
    results = check_schedule(
        source,
        horizon=arguments.horizon,
        expected_failures=dict.fromkeys(arguments.xfail, "--xfail"),
        raises=False,
        budget=arguments.budget,
        progress=lambda text: options.message(text.replace("budget=", "--budget ")),
        **{name: value for name in EXPECTATIONS if (value := getattr(arguments, name)) is not None},
    )
    failed = any(result.status == "failed" for result in results)
    if arguments.json:
        options.print_json({"schedule": name, "ok": not failed, "checks": results})
    else:
        options.print_text("\n".join(_lines(name, results, shows_colour(sys.stdout))))
    return options.PROBLEM if failed else options.DONE


def _lines(name: str, results: Sequence[Result], colour: bool) -> Iterator[str]:
    """One line per check, and below it what was expected and what was found instead."""
    statuses = [result.status for result in results]
    failed, run = statuses.count("failed"), len(statuses) - statuses.count("skipped")
    yield coloured(f"{name}: {run - failed} of {run} checks passed", "error" if failed else "good", colour)
    lacking = [result.why.removeprefix(NOT_EXPECTED) for result in results if result.why.startswith(NOT_EXPECTED)]
    for result in results:
        if result.why.startswith(NOT_EXPECTED):
            continue
        mark, meaning = MARKS[result.status]
        yield f"  {coloured(f'{mark:<8}', meaning, colour)}{result.check}"
        if result.status == "failed":
            yield f"          expected: {result.expected}"
            yield f"          got: {result.got}"
        elif result.status == "skipped":
            yield f"          {result.why}"
    if lacking:
        yield f"  not checked (no expectation given): {', '.join(lacking)}"

"""The command compare: cfgs, schedules and forks side by side."""

from __future__ import annotations

import argparse

from lrsched.cli.options import (
    DONE,
    PROBLEM,
    SOURCE,
    add_json,
    add_picture,
    add_source_options,
    print_json,
    read_config,
    read_source,
    schedule_of,
)
from lrsched.cli.parser import iteration, rate
from lrsched.description import Comparison, compare
from lrsched.schedule import Schedule
from lrsched.trainers.darknet import DIALECTS, CfgError, Net

__all__ = ["EXAMPLES", "add_arguments", "run"]

EXAMPLES = """examples:
  lrsched compare a.cfg b.cfg
  lrsched compare cfg/yolov3.cfg --dialects --gpus 4
  lrsched compare cfg/a.cfg my_package.rates:mine -o both.png
exit code: 0 the same, 1 different
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("sources", nargs="+", metavar="SCHEDULE", help=SOURCE)
    parser.add_argument("--dialects", action="store_true", help="compare how each fork of darknet trains one cfg")
    parser.add_argument("--horizon", type=iteration, metavar="N", help="last iteration (default max_batches)")
    parser.add_argument("--tolerance", type=rate, default=0.0, metavar="RATE", help="ignore differences up to this")
    add_picture(parser, "default: none")
    add_source_options(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare, draw if asked, and print where they differ."""
    named, refused = _by_dialect(arguments) if arguments.dialects else (_by_name(arguments), {})
    if len(named) + len(refused) < 2:
        raise ValueError("compare needs two schedules or more, or one cfg with --dialects")
    found = _compared(named, arguments)
    if arguments.output:
        from lrsched import plotting  # noqa: PLC0415 (matplotlib is loaded for pictures only)

        path = plotting.save(plotting.draw(named, ngpus=arguments.gpus, last=arguments.horizon), arguments.output)
        if not arguments.json:
            print(path)
    if arguments.json:
        print_json({
            "reference": named[0][0] if named else None,
            "comparisons": [{"schedule": name, **_numbers(comparison)} for name, comparison in found],
            "refused": [{"schedule": name, "outcome": p.outcome, "message": str(p)} for name, p in refused.items()],
        })  # fmt: skip
    else:
        for name, comparison in found:
            print(f"{named[0][0]} and {name}: {comparison}")
        for name, problem in refused.items():
            print(f"{name} {problem.outcome} it: {problem}")
    return DONE if all(comparison.same for _, comparison in found) and not refused else PROBLEM


def _by_name(arguments: argparse.Namespace) -> list[tuple[str, Net | Schedule]]:
    return [(name, read_source(name, arguments)) for name in arguments.sources]


def _by_dialect(arguments: argparse.Namespace) -> tuple[list[tuple[str, Net | Schedule]], dict[str, CfgError]]:
    if len(arguments.sources) > 1:
        raise ValueError("--dialects compares the forks on one cfg; give one cfg")
    named: list[tuple[str, Net | Schedule]] = []
    refused: dict[str, CfgError] = {}
    for dialect in DIALECTS:
        try:
            arguments.dialect = dialect.name
            named.append((dialect.name, read_config(arguments.sources[0], arguments)))
        except CfgError as problem:
            refused[dialect.name] = problem
    return named, refused


def _compared(named: list[tuple[str, Net | Schedule]], arguments: argparse.Namespace) -> list[tuple[str, Comparison]]:
    schedules = [schedule_of(source, arguments) for _, source in named]
    horizons = [schedule.horizon for schedule in schedules if schedule.horizon is not None]
    horizon = max(horizons, default=None) if arguments.horizon is None else arguments.horizon
    if schedules and horizon is None:
        raise ValueError("none of these has a last iteration; give --horizon N")
    return [
        (name, compare(schedules[0], schedule, last=horizon, absolute=arguments.tolerance))
        for (name, _), schedule in zip(named[1:], schedules[1:], strict=True)
    ]


def _numbers(comparison: Comparison) -> dict[str, object]:
    names = ("same", "first", "last", "differing", "first_difference", "largest", "largest_at")
    numbers = {name: getattr(comparison, name) for name in names}
    return {**numbers, "area_reference": comparison.area_a, "area": comparison.area_b}

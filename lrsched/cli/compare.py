"""The command compare: cfgs, functions and forks side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lrsched.cli.options import DONE, PROBLEM, add_cfg_options, add_command, iteration, print_json, read, read_net
from lrsched.description import Comparison, compare
from lrsched.schedule import Schedule
from lrsched.trainers.darknet import DIALECTS, CfgError, Net

__all__ = ["add_compare"]


def add_compare(commands: Any) -> None:
    """Add ``lrsched compare``."""
    parser = add_command(
        commands,
        "compare",
        _compare,
        "hold schedules against the first one: where they differ, by how much (exit code 1 when they do)",
        "lrsched compare cfg/a.cfg cfg/b.cfg my_package.rates:mine -o both.png",
    )
    parser.add_argument("schedules", nargs="+", metavar="SCHEDULE", help="a cfg, or package.module:name")
    parser.add_argument("--dialects", action="store_true", help="one cfg, as each fork of darknet trains it")
    parser.add_argument("--to", type=iteration, metavar="N", dest="last", help="last iteration (default max_batches)")
    parser.add_argument(
        "--tolerance", type=float, default=0.0, metavar="RATE", help="differences up to it do not count"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="draw them as well: .png, .svg or .pdf")
    add_cfg_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _compare(arguments: argparse.Namespace) -> int:
    named, refused = _by_dialect(arguments) if arguments.dialects else (_by_name(arguments), {})
    if len(named) + len(refused) < 2:
        raise ValueError("compare needs two schedules or more, or one cfg with --dialects")
    found: list[tuple[str, Comparison]] = []
    if named:
        (_, first), *others = named
        last = arguments.last
        if last is None:
            last = max((s.horizon for _, s in map(_made(arguments), named) if s.horizon is not None), default=None)
        if last is None:
            raise ValueError("compare: no schedule knows where it ends; say so with --to")
        one = _schedule(first, arguments)
        for name, other in others:
            found.append((name, compare(one, _schedule(other, arguments), last=last, absolute=arguments.tolerance)))
    if arguments.output:
        from lrsched import plotting  # noqa: PLC0415 (matplotlib is loaded for pictures only)

        path = plotting.save(plotting.draw(named, ngpus=arguments.gpus, last=arguments.last), Path(arguments.output))
        if not arguments.json:
            print(path)
    if arguments.json:
        print_json(_document(named, found, refused))
    else:
        for name, comparison in found:
            print(f"{named[0][0]} and {name}: {comparison}")
        for name, problem in refused.items():
            print(f"{name} {problem.outcome} it: {problem}")
    return DONE if all(comparison.same for _, comparison in found) and not refused else PROBLEM


def _by_name(arguments: argparse.Namespace) -> list[tuple[str, Net | Schedule]]:
    return [(name, read(name, arguments)) for name in arguments.schedules]


def _by_dialect(arguments: argparse.Namespace) -> tuple[list[tuple[str, Net | Schedule]], dict[str, CfgError]]:
    if len(arguments.schedules) > 1:
        raise ValueError("--dialects compares the forks on one cfg; name only one")
    named: list[tuple[str, Net | Schedule]] = []
    refused: dict[str, CfgError] = {}
    for dialect in DIALECTS:
        try:
            arguments.dialect = dialect.name
            named.append((dialect.name, read_net(arguments.schedules[0], arguments)))
        except CfgError as problem:
            refused[dialect.name] = problem
    return named, refused


def _made(arguments: argparse.Namespace) -> Any:
    return lambda pair: (pair[0], _schedule(pair[1], arguments))


def _schedule(source: Net | Schedule, arguments: argparse.Namespace) -> Schedule:
    return source.schedule(arguments.gpus) if isinstance(source, Net) else source


def _document(
    named: list[tuple[str, Net | Schedule]], found: list[tuple[str, Comparison]], refused: dict[str, CfgError]
) -> dict[str, Any]:
    return {
        "reference": named[0][0] if named else None,
        "comparisons": [
            {
                "schedule": name,
                "same": c.same,
                "first": c.first,
                "last": c.last,
                "differing": c.differing,
                "first_difference": c.first_difference,
                "largest": c.largest if c.largest < float("inf") else None,
                "largest_at": c.largest_at,
                "area_reference": c.area_a,
                "area": c.area_b,
            }
            for name, c in found
        ],
        "refused": [{"schedule": name, "outcome": p.outcome, "message": str(p)} for name, p in refused.items()],
    }

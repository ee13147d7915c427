"""The command compare: cfgs, schedules and forks side by side."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TypeAlias

from lrsched.cli import options
from lrsched.cli.options import iteration, rate
from lrsched.description import Comparison, compare
from lrsched.schedule import Schedule
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import DIALECTS, CfgError, Net

EXAMPLES = """examples:
  lrsched compare a.cfg b.cfg
  lrsched compare cfg/yolov3.cfg --dialects --gpus 4
  lrsched compare cfg/a.cfg my_package.rates:mine
exit code: 0 the same, 1 different
"""

Named: TypeAlias = tuple[str, Net | Schedule]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SCHEDULE", help=options.SOURCE)
    parser.add_argument("--dialects", action="store_true", help="compare how each fork of darknet trains one cfg")
    parser.add_argument("--horizon", type=iteration, metavar="N", help="last iteration (default max_batches)")
    parser.add_argument("--tolerance", type=rate, default=0.0, metavar="RATE", help="ignore differences up to this")
    options.add_cfg(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    named, refused = _read(arguments)
    found = _compared(named, arguments)
    if arguments.json:
        options.print_json({
            "reference": named[0][0] if named else None,
            "comparisons": [{"schedule": name, **asdict(comparison)} for name, comparison in found],
            "refused": [{"schedule": name, "outcome": p.outcome, "message": str(p)} for name, p in refused.items()],
        })  # fmt: skip
    else:
        for name, comparison in found:
            print(f"{named[0][0]} and {name}: {comparison}")
        for name, problem in refused.items():
            print(f"{name} {problem.outcome} it: {problem}")
    same = all(comparison.same for _, comparison in found) and not refused
    return options.DONE if same else options.PROBLEM


def _read(arguments: argparse.Namespace) -> tuple[list[Named], dict[str, CfgError]]:
    """What to compare with its name, and the forks that do not train the cfg."""
    if not arguments.dialects:
        if len(arguments.sources) < 2:
            raise ValueError("compare needs two schedules or more, or one cfg with --dialects")
        return [(name, options.read_source(name, arguments)) for name in arguments.sources], {}
    if len(arguments.sources) > 1:
        raise ValueError("--dialects compares the forks on one cfg; give one cfg")
    named: list[Named] = []
    refused: dict[str, CfgError] = {}
    for dialect in DIALECTS:
        arguments.dialect = dialect.name
        try:
            named.append((dialect.name, options.read_config(arguments.sources[0], arguments)))
        except CfgError as problem:
            refused[dialect.name] = problem
    return named, refused


def _compared(named: Sequence[Named], arguments: argparse.Namespace) -> list[tuple[str, Comparison]]:
    schedules = [as_schedule(source, ngpus=arguments.gpus) for _, source in named]
    options.need_horizon(arguments, arguments.sources[0], *schedules)
    horizons = [schedule.horizon for schedule in schedules if schedule.horizon is not None]
    horizon = max(horizons, default=None) if arguments.horizon is None else arguments.horizon
    return [
        (name, compare(schedules[0], other, last=horizon, absolute=arguments.tolerance))
        for (name, _), other in zip(named[1:], schedules[1:], strict=True)
    ]

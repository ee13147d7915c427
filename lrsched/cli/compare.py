"""The command compare: cfgs, schedules and forks side by side."""

import argparse
from dataclasses import asdict

from lrsched.cli import options
from lrsched.cli.options import iteration
from lrsched.description import compare
from lrsched.schedule import Schedule
from lrsched.sources import as_schedule
from lrsched.trainers import Config
from lrsched.trainers.darknet import DIALECTS, CfgError

EXAMPLES = """examples:
  lrsched compare a.cfg b.cfg
  lrsched compare cfg/yolov3.cfg --dialects --gpus 4
  lrsched compare cfg/a.cfg my_package.rates:mine
exit code: 0 the same, 1 different
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SCHEDULE", help=options.SOURCE)
    parser.add_argument("--dialects", action="store_true", help="compare how each fork of darknet trains one cfg")
    parser.add_argument("--horizon", type=iteration, metavar="N", help="last iteration (default max_batches)")
    parser.add_argument("--tolerance", type=float, default=0.0, metavar="RATE", help="ignore differences up to this")
    options.add_cfg(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    named, refused = _read(arguments)
    schedules = [as_schedule(source, ngpus=arguments.gpus) for _, source in named]
    options.need_horizon(arguments, arguments.sources[0], *schedules)
    horizons = [schedule.horizon for schedule in schedules if schedule.horizon is not None]
    last = max(horizons, default=None) if arguments.horizon is None else arguments.horizon
    found = [compare(schedules[0], other, last=last, tolerance=arguments.tolerance) for other in schedules[1:]]
    names = [name for name, _ in named]
    if arguments.json:
        options.print_json({
            "reference": names[0] if names else None,
            "comparisons": [{"schedule": name, **asdict(one)} for name, one in zip(names[1:], found, strict=True)],
            "refused": [{"schedule": name, "outcome": p.outcome, "message": str(p)} for name, p in refused.items()],
        })  # fmt: skip
    else:
        for name, comparison in zip(names[1:], found, strict=True):
            print(f"{names[0]} and {name}: {comparison}")
        for name, problem in refused.items():
            print(f"{name} {problem.outcome} it: {problem}")
    return options.DONE if all(comparison.same for comparison in found) and not refused else options.PROBLEM


def _read(arguments: argparse.Namespace) -> tuple[list[tuple[str, Config | Schedule]], dict[str, CfgError]]:
    """What to compare with its name, and the forks that do not train the cfg."""
    if not arguments.dialects:
        if len(arguments.sources) < 2:
            raise ValueError("compare needs two schedules or more, or one cfg with --dialects")
        return [(name, options.read_source(name, arguments)) for name in arguments.sources], {}
    if len(arguments.sources) > 1:
        raise ValueError("--dialects compares the forks on one cfg; give one cfg")
    named: dict[str, Config | Schedule] = {}
    refused: dict[str, CfgError] = {}
    for dialect in DIALECTS:
        arguments.dialect = dialect.name
        try:
            named[dialect.name] = options.read_config(arguments.sources[0], arguments)
        except CfgError as problem:
            refused[dialect.name] = problem
    return list(named.items()), refused

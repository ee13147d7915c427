"""The command compare: cfgs, schedules and forks side by side."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict

from lrsched.cli import options
from lrsched.description import compare
from lrsched.schedule import Schedule
from lrsched.sources import as_schedules
from lrsched.trainers import Config
from lrsched.trainers.darknet import DIALECTS, CfgError

EXAMPLES = """examples:
  lrsched compare a.cfg b.cfg
  lrsched compare cfg/yolov3.cfg --dialects --gpus 4
  lrsched compare cfg/a.cfg my_package.rates:mine
  lrsched compare runs/train/exp runs/train/exp2
exit code: 0 the same, 1 different
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SCHEDULE", help=options.SOURCE)
    parser.add_argument("--dialects", action="store_true", help="compare how each fork of darknet trains one cfg")
    parser.add_argument("--tolerance", type=float, default=0.0, metavar="RATE", help="ignore differences up to this")
    options.add(parser, "--horizon", *options.CONFIG, "--json")


def run(arguments: argparse.Namespace) -> int:
    named, refused = _read(arguments)
    runs = [as_schedules(source, ngpus=arguments.gpus) for _, source in named]
    rates = [next(iter(run.values())) for run in runs]
    options.need_horizon(arguments, arguments.sources[0], *rates)
    horizons = [rate.horizon for rate in rates if rate.horizon is not None]
    last = max(horizons, default=None) if arguments.horizon is None else arguments.horizon
    found = [
        (name, part, compare(first, other, last=last, tolerance=arguments.tolerance))
        for (name, _), run in zip(named[1:], runs[1:], strict=True)
        for part, first, other in _pairs(runs[0], run)
    ]
    reference = named[0][0] if named else None
    if arguments.json:
        compared = [{"schedule": name} | ({"part": part} if part else {}) | asdict(one) for name, part, one in found]
        failed = [{"schedule": name, "outcome": p.outcome, "message": str(p)} for name, p in refused.items()]
        options.print_json({"reference": reference, "comparisons": compared, "refused": failed})
    else:
        for name, part, comparison in found:
            print(f"{reference} and {name}{part and f', {part}'}: {comparison}")
        for name, problem in refused.items():
            print(f"{name} {problem.outcome} it: {problem}")
    return options.DONE if all(one.same for _, _, one in found) and not refused else options.PROBLEM


def _pairs(first: Mapping[str, Schedule], other: Mapping[str, Schedule]) -> list[tuple[str, Schedule, Schedule]]:
    """The schedules of two runs that have the same name; of other runs the rates people look at."""
    shared = [(name, first[name], other[name]) for name in first if name in other]
    return shared if len(shared) > 1 else [("", next(iter(first.values())), next(iter(other.values())))]


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

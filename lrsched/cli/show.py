"""The command show: exact rates, where the schedule changes or at any iterations."""

from __future__ import annotations

import argparse
import sys

from lrsched.cli import options
from lrsched.cli.parser import iteration, iterations, positive
from lrsched.planner.printed import summary
from lrsched.report.plans import source_json
from lrsched.report.rates import key_rows, rows_at, rows_csv, rows_text
from lrsched.schedule import Schedule
from lrsched.sources import as_schedule
from lrsched.text import terminal_width, wrapped

EXAMPLES = """examples:
  lrsched show cfg/yolov3.cfg
  lrsched show cfg/yolov3.cfg --at 150,1000,400000
  lrsched show cfg/yolov3.cfg --every 10000 --csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("source", metavar="CFG", help=options.SOURCE)
    options.add_cfg(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--at", type=iterations, metavar="N,N,...", help="at these iterations")
    where.add_argument("--every", type=positive, metavar="N", help="at every Nth iteration")
    parser.add_argument("--horizon", type=iteration, metavar="N", help="last iteration (default max_batches)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print comma-separated values")
    options.add_json(form)


def run(arguments: argparse.Namespace) -> int:
    """Print the rates."""
    source = options.read_source(arguments.source, arguments)
    schedule = as_schedule(source, ngpus=arguments.gpus)
    horizon = schedule.horizon if arguments.horizon is None else arguments.horizon
    if arguments.at is not None:
        rows = rows_at(schedule, arguments.at)
    elif arguments.every is None:
        rows = key_rows(schedule, horizon)
    elif horizon is None:
        raise ValueError(f"{arguments.source} has no last iteration; give --horizon N")
    else:
        rows = rows_at(schedule, range(0, horizon + 1, arguments.every))
    if arguments.json:
        about = source_json(None if isinstance(source, Schedule) else source, schedule, arguments.gpus)
        options.print_json({**about, "rates": list(rows)})
        return options.DONE
    if not arguments.csv:
        caption = repr(source) if isinstance(source, Schedule) else summary(source, arguments.gpus)
        print(wrapped(f"{arguments.source}: {caption}", terminal_width(sys.stdout), hanging=4))
    for line in rows_csv(rows) if arguments.csv else rows_text(rows):
        print(line)
    return options.DONE

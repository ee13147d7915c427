"""The command fit: the darknet cfg nearest to any schedule."""

import argparse
from pathlib import Path

from lrsched.cli import options
from lrsched.cli.writing import write_text
from lrsched.schedule import Schedule
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import ALEXEYAB, read_cfg
from lrsched.trainers.darknet.nearest import LONGEST, MOST_STEPS, Fit, nearest

EXAMPLES = """examples:
  lrsched fit my_rates:cosine --horizon 100000      print the [net] nearest to a function
  lrsched fit training_args.json --steps 6 -o new.cfg  the schedule of a Hugging Face run
  lrsched fit my_rates:cosine --horizon 100000 --into old.cfg -o new.cfg --plot new.png
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help=options.SOURCE)
    options.add(parser, "--horizon", type=options.integer(1, LONGEST))
    words = "at most so many steps, where no other policy is nearer (default 12)"
    parser.add_argument("--steps", type=options.integer(0, MOST_STEPS), default=12, metavar="N", help=words)
    parser.add_argument("-o", "--output", **options.FILE, help="write the cfg (default: print it)")
    parser.add_argument("--into", metavar="CFG", help="a cfg whose [net] gets the keys; everything else in it stays")
    parser.add_argument("--plot", **options.FILE, help="picture of the schedule and the cfg: .png, .svg or .pdf")
    options.add(parser, "--force", *options.CONFIG, "--json")


def run(arguments: argparse.Namespace) -> int:
    source = options.read_source(arguments.source, arguments)
    schedule = as_schedule(source, ngpus=arguments.gpus)
    options.need_horizon(arguments, arguments.source, schedule)
    horizon = schedule.horizon if arguments.horizon is None else arguments.horizon
    dialect = arguments.dialect or ALEXEYAB
    fit = nearest(schedule, horizon or 0, arguments.steps, dialect)
    text = f"{fit}\n" if arguments.into is None else fit.into(read_cfg(arguments.into, dialect)).text or ""
    if arguments.output not in (None, "-") or not arguments.json:
        write_text(arguments, text)
    if arguments.plot is not None:
        options.message(f"wrote {_picture(schedule, fit, arguments.plot)}")
    if arguments.json:
        about = {"source": arguments.source, "horizon": fit.horizon, "cfg": text, "exact": fit.exact}
        where = {"error": fit.error, "iteration": fit.at, "rate": fit.got, "expected": fit.wanted}
        options.print_json(about | where)
    else:
        options.message(fit.sentence)
    return options.DONE


def _picture(schedule: Schedule, fit: Fit, path: str) -> Path:
    from lrsched import plotting  # noqa: PLC0415 (most want no picture)

    labels = ["schedule", "cfg"]
    axes = plotting.plot(schedule, fit.net, labels=labels, last=fit.horizon, log_scale=True, title=fit.sentence)
    return plotting.save(axes, path)

"""The command fit: the darknet cfg nearest to any schedule."""

import argparse
from typing import Any

from lrsched.cli import options
from lrsched.cli.options import integer
from lrsched.files import write_file
from lrsched.schedule import Schedule
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import ALEXEYAB, Net
from lrsched.trainers.darknet.nearest import LONGEST, MOST_STEPS, Fit, nearest

EXAMPLES = """examples:
  lrsched fit my_rates:cosine --horizon 100000      print the [net] nearest to a function
  lrsched fit training_args.json --steps 6 -o new.cfg  the schedule of a Hugging Face run
  lrsched fit my_rates:cosine --horizon 100000 --into old.cfg -o new.cfg --plot new.png
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help=options.SOURCE)
    words = "last iteration of the run (default that of SOURCE)"
    parser.add_argument("--horizon", type=integer(1, LONGEST), metavar="N", help=words)
    words = "at most so many steps, where no other policy is nearer (default 12)"
    parser.add_argument("--steps", type=integer(0, MOST_STEPS), default=12, metavar="N", help=words)
    parser.add_argument("-o", "--output", metavar="NEW", help="write the cfg (default: print it)")
    words = "a cfg whose [net] gets the keys; everything else in it stays"
    parser.add_argument("--into", metavar="CFG", help=words)
    words = "picture of the schedule and the cfg: .png, .svg or .pdf"
    parser.add_argument("--plot", metavar="FILE", help=words)
    parser.add_argument("--force", action="store_true", help="replace an existing cfg")
    options.add_cfg(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    source = options.read_source(arguments.source, arguments)
    schedule = as_schedule(source, ngpus=arguments.gpus)
    options.need_horizon(arguments, arguments.source, schedule)
    horizon = schedule.horizon if arguments.horizon is None else arguments.horizon
    fit = nearest(schedule, horizon or 0, arguments.steps, arguments.dialect or ALEXEYAB)
    text = f"{fit}\n" if arguments.into is None else _into(fit, arguments)
    if arguments.output not in (None, "-"):
        written = write_file(arguments.output, text.encode("utf-8", "surrogateescape"), force=arguments.force)
        options.message(f"wrote {written}")
    if arguments.json:
        options.print_json(_document(fit, arguments.source, text))
    elif arguments.output in (None, "-"):
        print(text, end="")
    if arguments.plot is not None:
        options.message(f"wrote {_picture(schedule, fit, arguments)}")
    if not arguments.json:
        options.message(fit.sentence)
    return options.DONE


def _into(fit: Fit, arguments: argparse.Namespace) -> str:
    """The text of another cfg with the keys of the fit."""
    name, arguments.changes = arguments.into, []
    net = options.read_config(name, arguments)
    if not isinstance(net, Net):
        raise ValueError(f"--into {name}: this is no cfg of darknet; give a cfg")
    return fit.into(net).text or ""


def _document(fit: Fit, source: str, text: str) -> dict[str, Any]:
    where = {"iteration": fit.at, "rate": fit.got, "expected": fit.wanted}
    return {"source": source, "horizon": fit.horizon, "cfg": text, "exact": fit.exact, "error": fit.error, **where}


def _picture(schedule: Schedule, fit: Fit, arguments: argparse.Namespace) -> str:
    from lrsched import plotting  # noqa: PLC0415 (most want no picture)

    labels = ["schedule", "cfg"]
    axes = plotting.plot(schedule, fit.net, labels=labels, last=fit.horizon, log_scale=True, title=fit.sentence)
    return str(plotting.save(axes, arguments.plot))

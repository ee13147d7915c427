"""The command plot: the rate over the iterations, one curve per cfg."""

from __future__ import annotations

import argparse
from typing import Any

from lrsched import plotting
from lrsched.cli import options
from lrsched.cli.parser import iteration, positive
from lrsched.planner import plan
from lrsched.schedule import Schedule

EXAMPLES = """examples:
  lrsched plot cfg/yolov3.cfg --gpus 4
  lrsched plot a.cfg b.cfg --log-scale -o both.svg
  lrsched plot my.cfg --start 4000 --target 9000        options for extending a run
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("sources", nargs="+", metavar="CFG", help=options.SOURCE)
    options.add_picture(parser, "NAME-lr.png in this folder")
    options.add_cfg(parser)
    parser.add_argument("--target", type=iteration, metavar="N", help="the iteration you want to reach")
    options.add_start(parser)
    parser.add_argument(
        "--images", type=positive, metavar="N", help="number of training images: adds an axis of epochs"
    )
    parser.add_argument("--from", type=iteration, default=0, metavar="N", dest="first", help="first iteration drawn")
    parser.add_argument("--horizon", type=iteration, metavar="N", help="last iteration drawn (default: max_batches)")
    parser.add_argument("--log-scale", action="store_true", help="logarithmic rate axis")
    parser.add_argument("--show", action="store_true", help="open a window as well")


def run(arguments: argparse.Namespace) -> int:
    """Draw the picture and print its path."""
    sources: list[Any] = [options.read_source(name, arguments) for name in arguments.sources]
    endless = all(isinstance(source, Schedule) and source.horizon is None for source in sources)
    if endless and arguments.horizon is None and arguments.target is None:
        raise ValueError(f"{arguments.sources[0]} has no last iteration; give --horizon N or --target N")
    start = options.start_of(sources[0], arguments)
    if start is not None:
        if len(sources) > 1:
            raise ValueError("--start draws the options for extending one run; give one cfg")
        planned = plan(sources[0], arguments.target, start=start, ngpus=arguments.gpus)
        if not planned.extensions:
            raise ValueError("there is nothing to extend; give a --start inside the run and a --target after its end")
        sources = [planned]
    picture = plotting.plot(
        *sources,
        labels=options.labels(arguments.sources),
        target=arguments.target,
        ngpus=arguments.gpus,
        images=arguments.images,
        first=arguments.first,
        last=arguments.horizon,
        log_scale=arguments.log_scale,
        **options.look(arguments),
    )
    print(plotting.save(picture, arguments.output or options.joined_name(arguments.sources, "-lr.png")))
    if arguments.show:
        plotting.show(picture)
    return options.DONE

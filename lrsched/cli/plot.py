"""The command plot: the rate over the iterations, one curve per cfg."""

import argparse
from pathlib import Path
from typing import Any

from lrsched import plotting
from lrsched.cli import options

EXAMPLES = """examples:
  lrsched plot cfg/yolov3.cfg --gpus 4
  lrsched plot a.cfg b.cfg --log-scale -o both.svg
  lrsched plot my.cfg --start 4000 --target 9000        options for extending a run
  lrsched plot runs/train/exp runs/train/exp2           parameter groups, momentum below
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="CFG", help=options.SOURCE)
    parser.add_argument("-o", "--output", **options.FILE, help="picture: .png, .svg or .pdf (default ./NAME-lr.png)")
    options.add(parser, *options.CONFIG, "--target")
    options.add(parser.add_mutually_exclusive_group(), "--start", "--weights")
    options.add(parser, "--images", help="training images: adds an axis of epochs")
    options.add(parser, "--from")
    options.add(parser, "--horizon", help="last iteration drawn (default: that of the run)")
    parser.add_argument("--log-scale", action="store_true", help="logarithmic rate axis")
    parser.add_argument("--title", metavar="TEXT", help="title of the picture")
    parser.add_argument("--size", type=options.size, metavar="WxH", help="width and height in pixels, such as 1600x900")
    dots = options.integer(10, 2400)
    parser.add_argument("--dpi", type=dots, default=100, metavar="N", help="pixels per inch (default 100)")
    parser.add_argument("--dark", action="store_true", help="light on dark")


def run(arguments: argparse.Namespace) -> int:
    sources: list[Any] = [options.read_source(name, arguments) for name in arguments.sources]
    options.need_horizon(arguments, arguments.sources[0], *sources)
    start = options.start_of(sources[0], arguments)
    if start is not None:
        if len(sources) > 1:
            raise ValueError("--start draws the options for extending one run; give one cfg")
        from lrsched.planner import plan  # noqa: PLC0415 (a picture of a cfg does not wait for it)

        planned = plan(sources[0], arguments.target, start=start, ngpus=arguments.gpus)
        if not planned.extensions:
            raise ValueError("there is nothing to extend; give a --start inside the run and a --target after its end")
        sources = [planned]
    picture = plotting.plot(
        *sources,
        labels=[Path(name).name for name in arguments.sources],
        target=arguments.target,
        ngpus=arguments.gpus,
        images=arguments.images,
        first=arguments.first,
        last=arguments.horizon,
        log_scale=arguments.log_scale,
        title=arguments.title,
        size=arguments.size,
        dpi=arguments.dpi,
        dark=arguments.dark,
    )
    print(plotting.save(picture, arguments.output or options.joined_name(arguments.sources, "-lr.png")))
    return options.DONE

"""The commands that look: plot, show, policies."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lrsched.cli.options import (
    DONE,
    add_cfg_options,
    add_command,
    iteration,
    iterations,
    print_json,
    read,
)
from lrsched.planner import plan
from lrsched.report import plans as report
from lrsched.trainers.darknet import Net

__all__ = ["add_plot", "add_policies", "add_show"]


def add_plot(commands: Any) -> None:
    """Add ``lrsched plot``."""
    parser = add_command(
        commands,
        "plot",
        _plot,
        "draw the rate over the iterations, one curve per cfg",
        "lrsched plot cfg/yolov3.cfg --gpus 4 -o rate.png",
    )
    parser.add_argument("cfgs", nargs="+", metavar="CFG", help="cfg to draw, or package.module:name")
    parser.add_argument("-o", "--output", metavar="FILE", help="picture: .png, .svg or .pdf (default NAME-lr.png here)")
    add_cfg_options(parser)
    parser.add_argument("--target", type=iteration, metavar="N", help="the iteration you want to reach")
    parser.add_argument(
        "--start", type=iteration, metavar="N", help="draw the ways to go on from there to a --target past max_batches"
    )
    parser.add_argument("--images", type=int, metavar="N", help="number of training images, for an axis of epochs")
    parser.add_argument("--from", type=iteration, default=0, metavar="A", dest="first", help="first iteration drawn")
    parser.add_argument("--to", type=iteration, metavar="B", dest="last", help="last iteration drawn")
    parser.add_argument("--log-scale", action="store_true", help="logarithmic rate axis")
    parser.add_argument("--show", action="store_true", help="open a window as well")


def _plot(arguments: argparse.Namespace) -> int:
    nets = [read(path, arguments) for path in arguments.cfgs]
    from lrsched import plotting  # noqa: PLC0415 (matplotlib is loaded for pictures only)

    output = Path(arguments.output or f"{_joined(arguments.cfgs)}-lr.png")
    if arguments.start is not None:
        if len(nets) > 1:
            raise ValueError("--start draws the ways to go on with one cfg; name only one")
        planned = plan(nets[0], arguments.target, start=arguments.start, ngpus=arguments.gpus)
        figure = plotting.draw_going_on(planned, images=arguments.images, log_scale=arguments.log_scale)
    else:
        figure = plotting.draw(
            list(zip(_labels(arguments.cfgs), nets, strict=True)),
            target=arguments.target,
            ngpus=arguments.gpus,
            images=arguments.images,
            first=arguments.first,
            last=arguments.last,
            log_scale=arguments.log_scale,
        )
    plotting.save(figure, output)
    print(output)
    if arguments.show:
        plotting.show(figure)
    return DONE


def _labels(paths: Sequence[str]) -> list[str]:
    names = [Path(path).name for path in paths]
    return [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]


def _joined(paths: Sequence[str]) -> str:
    stems = [Path(path.rpartition(":")[2]).stem for path in paths]
    joined = "-".join(stems)
    return joined if len(joined) <= 80 else f"{stems[0]}-and-{len(stems) - 1}-more"


def add_show(commands: Any) -> None:
    """Add ``lrsched show``."""
    parser = add_command(
        commands,
        "show",
        _show,
        "print exact rates: at the bends of the schedule, or where you say",
        "lrsched show cfg/yolov3.cfg --every 10000 --csv",
    )
    parser.add_argument("cfg", metavar="CFG", help="a cfg, or package.module:name")
    add_cfg_options(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--at", type=iterations, metavar="N,N,...", help="at these iterations")
    where.add_argument("--every", type=iteration, metavar="N", help="at every Nth iteration up to max_batches")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document")
    form.add_argument("--csv", action="store_true", help="comma-separated values")


def _show(arguments: argparse.Namespace) -> int:
    source = read(arguments.cfg, arguments)
    schedule = source.schedule(arguments.gpus) if isinstance(source, Net) else source
    if arguments.at is not None:
        rows = report.rows_at(schedule, arguments.at)
    elif arguments.every is not None:
        if arguments.every == 0 or schedule.horizon is None:
            raise ValueError("--every needs a step of at least 1 and a cfg with max_batches; name iterations with --at")
        rows = report.rows_at(schedule, range(0, schedule.horizon + 1, arguments.every))
    else:
        rows = report.key_rows(schedule, schedule.horizon)
    if arguments.json:
        print_json(report.rows_json(rows, source, arguments.gpus))
        return DONE
    if not arguments.csv:
        about = report.summary(source, arguments.gpus) if isinstance(source, Net) else repr(source)
        print(f"{arguments.cfg}: {about}")
    for line in report.rows_csv(rows) if arguments.csv else report.rows_text(rows):
        print(line)
    return DONE


def add_policies(commands: Any) -> None:
    """Add ``lrsched policies``."""
    parser = add_command(
        commands, "policies", _policies, "explain the policies: formula, keys, ranges", "lrsched policies sgdr"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="one policy, or burn_in")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _policies(arguments: argparse.Namespace) -> int:
    if arguments.json:
        print_json(report.policies_json(arguments.name))
    else:
        print(report.policies_text(arguments.name))
    return DONE

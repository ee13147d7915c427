"""The command log: what a training really did, beside what its cfg planned."""

from __future__ import annotations

import argparse
from typing import Any

from lrsched.cli.options import add_command, add_dialect, iteration, positive

__all__ = ["add_log"]


def add_log(commands: Any) -> None:
    """Add ``lrsched log``."""
    parser = add_command(
        commands,
        "log",
        _log,
        "tell and draw what a training log says, and hold it against its cfg (exit code 1 when it differs or has nan)",
        "lrsched log train.log --cfg cfg/yolov3.cfg -o train.png",
    )
    parser.add_argument("logs", nargs="+", metavar="LOG", help="what the trainer printed; pieces of one run are joined")
    parser.add_argument("--cfg", metavar="CFG", help="the cfg of the run: every logged rate is held against it")
    parser.add_argument("--gpus", type=positive, metavar="N", help="number of GPUs of the run (default: found out)")
    add_dialect(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="picture: .png, .svg or .pdf (default NAME-log.png here)"
    )
    parser.add_argument("--from", type=iteration, metavar="A", dest="first", help="first iteration drawn")
    parser.add_argument("--to", type=iteration, metavar="B", dest="last", help="last iteration drawn")
    parser.add_argument("--infer", action="store_true", help="find the numbers of [net] in the log, also with --cfg")
    parser.add_argument("--follow", action="store_true", help="draw anew while the log grows, until interrupted")
    parser.add_argument("--no-plot", action="store_true", help="draw nothing")
    parser.add_argument("--show", action="store_true", help="open a window as well")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--csv", metavar="FILE", help="write a table of the records")
    parser.add_argument("--npz", metavar="FILE", help="write everything as arrays of numpy")
    parser.add_argument("--loss-lines", metavar="FILE", help="copy the lines of the losses, as scripts want them")
    parser.add_argument("--iou-lines", metavar="FILE", help="copy the lines of the region and yolo layers")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.set_defaults(changes=[])


def _log(arguments: argparse.Namespace) -> int:
    from lrsched.cli.log_command import run_log  # noqa: PLC0415 (the readers are loaded for logs only)

    return run_log(arguments)

"""The command log: what a training really did, compared with its cfg."""

from __future__ import annotations

import argparse

from lrsched.cli.log_command import run_log
from lrsched.cli.options import add_dialect, iteration, positive

EXAMPLES = """examples:
  lrsched log train.log
  lrsched log train.log --cfg cfg/yolov3.cfg -o train.png
exit code: 1 when the log differs from its cfg or has nan
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
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


def run(arguments: argparse.Namespace) -> int:
    """Read, join, judge, draw and write."""
    return run_log(arguments)

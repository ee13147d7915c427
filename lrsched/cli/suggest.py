"""The command suggest: values of the cfg that give the rate you want at an iteration."""

import argparse
import sys

from lrsched.cli import options
from lrsched.cli.writing import write_changed
from lrsched.planner import suggest
from lrsched.planner.printed import suggestions_text
from lrsched.report.plans import changes_json

EXAMPLES = """examples:
  lrsched suggest cfg/darknet.cfg --target 900000 --rate 0.00001
  lrsched suggest cfg/darknet.cfg --decay 1000 --write new.cfg
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="CFG", help=options.SOURCE)
    options.add(parser, "--target", help="the iteration (default the last of the run)")
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--rate", type=float, metavar="RATE", help="the rate you want there")
    words = "or: this many times below the peak (default 100)"
    wanted.add_argument("--decay", type=float, default=100, metavar="TIMES", help=words)
    parser.add_argument("--keep", metavar="KEY", help="a key that keeps its value (default learning_rate, lr0)")
    options.add(parser, *options.CONFIG, *options.WRITE, "--json")


def run(arguments: argparse.Namespace) -> int:
    options.check_write(arguments)
    suggestions = suggest(
        options.read_source(arguments.source, arguments),
        arguments.target,
        end_rate=arguments.rate,
        decay=arguments.decay,
        keep=arguments.keep,
        ngpus=arguments.gpus,
    )
    out = sys.stderr if arguments.write == "-" else sys.stdout
    if arguments.json:
        options.print_json(changes_json(suggestions))
    else:
        options.print_text(suggestions_text(suggestions), out)
    if arguments.write is not None:
        write_changed(arguments, suggestions)
    return options.DONE if suggestions else options.PROBLEM

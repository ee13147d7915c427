"""The command ``lrsched``: the only room that prints or exits.

Exit codes: 0 done, 1 the thing looked at has a problem, 2 wrong usage or unreadable file.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from lrsched import __version__
from lrsched.cli.checks import add_check
from lrsched.cli.compare import add_compare
from lrsched.cli.log import add_log
from lrsched.cli.options import DONE, USAGE
from lrsched.cli.plan import add_design, add_plan, add_suggest
from lrsched.cli.show import add_plot, add_policies, add_show

__all__ = ["main", "run"]

EXAMPLES = """examples:
  lrsched plot cfg/yolov3.cfg                          draw the rate of the whole run
  lrsched plot a.cfg b.cfg --log-scale -o both.svg     two cfgs in one picture
  lrsched plan cfg/darknet.cfg --target 900000         what goes wrong, what to write instead
  lrsched show cfg/yolov3.cfg --at 150,1000,400000     exact rates at some iterations
  lrsched suggest cfg/darknet.cfg --decay 1000 --write new.cfg
  lrsched design --classes 3 --images 5000             a [net] section to start from
  lrsched compare a.cfg b.cfg                          where two cfgs train differently
  lrsched check my_package.rates:mine --horizon 20000  is a schedule of your own sound
  lrsched log train.log --cfg cfg/my.cfg               what really happened, beside the plan
  lrsched policies poly                                keys, ranges and formula of a policy
"""


def run() -> NoReturn:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; argparse exits by itself for wrong usage (2) and --help (0)."""
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:
        _complete(parser)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except BrokenPipeError:
        raise
    except (OSError, ValueError, TypeError, RuntimeError) as problem:
        print(f"lrsched: {_sentence(problem)}", file=sys.stderr)
        return USAGE
    except Exception as problem:
        if not _runs_code_of_the_user(arguments):
            raise
        print(f"lrsched: the schedule itself raised {type(problem).__name__}: {problem}; mend it", file=sys.stderr)
        return USAGE


def _runs_code_of_the_user(arguments: argparse.Namespace) -> bool:
    """Whether a name such as ``package.module:function`` was given."""
    given = [value for one in vars(arguments).values() for value in (one if isinstance(one, list) else [one])]
    return any(isinstance(value, str) and ":" in value and not os.path.exists(value) for value in given)


def _sentence(problem: Exception) -> str:
    if isinstance(problem, FileExistsError):
        return f"{problem.filename}: already exists; use --force to replace it"
    if isinstance(problem, OSError) and problem.filename is not None:
        return f"{os.fspath(problem.filename)}: {problem.strerror}"
    return str(problem)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lrsched",
        description="See, check and mend a learning-rate schedule before the GPU-days are spent.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lrsched {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_plot(commands)
    add_show(commands)
    add_plan(commands)
    add_suggest(commands)
    add_design(commands)
    add_compare(commands)
    add_check(commands)
    add_log(commands)
    add_policies(commands)
    return parser


def _complete(parser: argparse.ArgumentParser) -> None:
    try:
        import argcomplete  # noqa: PLC0415 (an optional extra, only while a shell completes)
    except ImportError:
        return
    argcomplete.autocomplete(parser)

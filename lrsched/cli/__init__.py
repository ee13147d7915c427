"""The command ``lrsched``: the one part of the package that prints and exits.

A command is a module with ``EXAMPLES``, ``add_arguments(parser)`` and ``run(arguments) -> exit code``, named in
``COMMANDS``; only the module of the chosen command is loaded. Exit codes: 0 done, 1 the thing looked at has a problem,
2 wrong usage or unreadable file.
"""

from __future__ import annotations

import io
import os
import sys
from argparse import Namespace
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from typing import NoReturn

from lrsched import __version__
from lrsched.cli.parser import Parser

__all__ = ["COMMANDS", "main", "run"]

COMMANDS = {
    "plot": "draw the rate over the iterations",
    "plan": "report what will go wrong, from which iteration, and how to fix it",
    "show": "print exact rates",
    "suggest": "find values that give the rate you want at an iteration",
    "compare": "compare schedules with the first one",
    "log": "summarise and plot a training log; compare it with its cfg",
    "check": "check your own schedule",
    "init": "print a [net] section to start from",
    "policies": "list the policies: formula, keys, ranges",
}
"""Every command with its line of help; the module of a command has its name."""

EXAMPLES = """examples:
  lrsched plot cfg/yolov3.cfg                   draw the rate of the whole run
  lrsched plan cfg/yolov3.cfg                   what will go wrong, and how to fix it
  lrsched plan my.cfg --classes 3 --images 2500 --write new.cfg
  lrsched init --classes 3 --images 2500        a [net] section to start from
  lrsched log train.log --cfg cfg/my.cfg        what really happened, compared with the plan
"""

DONE, USAGE, INTERRUPTED = 0, 2, 130


def run() -> NoReturn:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main()
    except BrokenPipeError:
        code = DONE
    except KeyboardInterrupt:
        code = INTERRUPTED
    try:
        sys.stdout.flush()
    except OSError:  # a closed pipe or a full disk; Python would try again and print a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; wrong usage (2) and ``--help`` (0) raise SystemExit."""
    argv = sys.argv[1:] if argv is None else argv
    if "_ARGCOMPLETE" in os.environ:
        _complete(_parser(COMMANDS))
    arguments = Namespace()
    try:
        arguments = _parser(argv[:1]).parse_args(argv)
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        raise
    except Exception as problem:
        print(f"lrsched: {_sentence(problem, arguments)}", file=sys.stderr)
        return USAGE


def _parser(loaded: Collection[str]) -> Parser:
    """The parser with the arguments of the ``loaded`` commands; of the others it knows the name."""
    parser = Parser(
        prog="lrsched",
        description="Inspect, check and fix a learning-rate schedule before you spend GPU time.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"lrsched {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, prog="lrsched")
    for name, about in COMMANDS.items():
        if name not in loaded:
            commands.add_parser(name, help=about)
            continue
        module = import_module(f"lrsched.cli.{name}")
        description = f"{about[0].upper()}{about[1:]}."
        command = commands.add_parser(name, help=about, description=description, epilog=module.EXAMPLES)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _complete(parser: Parser) -> None:
    try:
        import argcomplete  # noqa: PLC0415 (an optional extra, only while a shell completes)
    except ImportError:
        return
    argcomplete.autocomplete(parser)


def _sentence(problem: Exception, arguments: Namespace) -> str:
    """What to say of an exception, in the words of the command line."""
    own = _place_in_own_code(problem, arguments)
    if own is not None:
        return f"your schedule raised {type(problem).__name__}: {problem} ({own})"
    if isinstance(problem, FileExistsError):
        return f"{problem.filename}: already exists; use --force to replace it"
    if isinstance(problem, OSError) and problem.errno is not None:
        return f"{problem.filename or 'standard output'}: {problem.strerror}"
    if isinstance(problem, (OSError, ValueError, TypeError, RuntimeError)):
        return str(problem)
    *_, (_, place) = _places(problem)
    return f"internal error, please report it: {type(problem).__name__}: {problem} ({place})"


def _place_in_own_code(problem: Exception, arguments: Namespace) -> str | None:
    """The file and line of a schedule given as ``module:name`` in which an exception was raised, or None."""
    given = [value for one in vars(arguments).values() for value in (one if isinstance(one, list) else [one])]
    modules = {value.partition(":")[0] for value in given if isinstance(value, str) and ":" in value}
    return next((place for module, place in reversed([*_places(problem)]) if module in modules), None)


def _places(problem: Exception) -> Iterator[tuple[str, str]]:
    """The module, and the file and line, of every call that an exception went through."""
    trace = problem.__traceback__
    while trace is not None:
        file = os.path.basename(trace.tb_frame.f_code.co_filename)
        yield trace.tb_frame.f_globals.get("__name__", ""), f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next

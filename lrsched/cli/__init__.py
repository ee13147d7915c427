"""The command ``lrsched``: the one part of the package that prints and exits.

A command is a module with ``EXAMPLES``, ``add_arguments(parser)`` and ``run(arguments) -> exit code``, named in
``COMMANDS``; only the module of the chosen command is loaded. Exit codes: 0 done, 1 the thing looked at has a problem,
2 wrong usage or unreadable file.
"""

import argparse
import gc
import io
import os
import re
import sys
from collections.abc import Collection, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from lrsched import __version__
from lrsched.text import did_you_mean, terminal_width

__all__ = ["COMMANDS", "main", "run"]

COMMANDS = {
    "plot": "draw the rate over the iterations",
    "plan": "report what will go wrong, from which iteration, and how to fix it",
    "show": "print exact rates",
    "suggest": "find values that give the rate you want at an iteration",
    "compare": "compare schedules with the first one",
    "log": "summarise and plot a training log; compare it with its config",
    "scan": "look at every config and log below a folder, problems first",
    "diagnose": "name what the loss curves show (overfitted, underfitted ...), and what to change",
    "check": "check your own schedule",
    "design": "shape a schedule on a page in the browser, with the plan beside it",
    "init": "print a [net] section to start from",
    "fit": "find the darknet cfg nearest to any schedule",
    "export": "print any schedule as code of torch, transformers, optax, keras or Python",
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


def run() -> NoReturn:
    """Entry point of the console script."""
    gc.set_threshold(100_000)  # loading modules makes objects that stay; looking for garbage among them takes its time
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main()
    except BrokenPipeError:
        code = 0
    except KeyboardInterrupt:
        code = 130
    try:
        sys.stdout.flush()
    except OSError:  # a closed pipe or a full disk; Python would try again and print a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; wrong usage (2) and ``--help`` (0) raise SystemExit."""
    argv = sys.argv[1:] if argv is None else argv
    if "" not in sys.path:
        sys.path.insert(0, "")  # for schedules given as package.module:name
    if "_ARGCOMPLETE" in os.environ:
        import_module("argcomplete").autocomplete(_parser(COMMANDS))
    arguments = argparse.Namespace()
    try:
        arguments = _parser(argv[:1]).parse_args(argv)
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        raise
    except Exception as problem:
        print(f"lrsched: {_sentence(problem, arguments)}", file=sys.stderr)
        return 2


def _parser(loaded: Collection[str]) -> argparse.ArgumentParser:
    """The parser with the arguments of the ``loaded`` commands; of the others it knows the name."""
    about = "Inspect, check and fix a learning-rate schedule before you spend GPU time."
    parser = _Parser(prog="lrsched", description=about, epilog=EXAMPLES)
    parser.add_argument("--version", action="version", version=f"lrsched {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, prog="lrsched")
    chosen = {name: about for name, about in COMMANDS.items() if name in loaded}
    for name, about in (chosen or COMMANDS).items():  # a parser of a command takes half a millisecond
        command = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        if name in loaded:
            module = import_module(f"lrsched.cli.{name}")
            command.epilog = module.EXAMPLES
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


class _Parser(argparse.ArgumentParser):
    """Answers a wrong argument with one sentence and what was probably meant; files may stand anywhere."""

    def __init__(self, **options: Any) -> None:
        width = terminal_width(sys.stdout)  # argparse would load shutil to ask for it
        formatter = partial(argparse.RawDescriptionHelpFormatter, width=width)
        super().__init__(allow_abbrev=False, formatter_class=formatter, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        namespace, extra = super().parse_known_args(args, namespace)
        several = [action.dest for action in self._get_positional_actions() if action.nargs == "+"]
        if several and not any(word.startswith("-") for word in extra):
            getattr(namespace, several[0]).extend(extra)  # files behind options, which argparse leaves over
        elif extra:
            known = [option for option in self._option_string_actions if option.startswith("--")]
            self.error(f"{extra[0]} is not an argument of this command{did_you_mean(extra[0], known)}")
        return namespace, []

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"^argument ([^:]+): (must )?", lambda m: f"{m[1]} must " if m[2] else f"{m[1]}: ", message)
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", message)
        if choice:
            names = re.findall(r"[\w.-]+", choice[2])
            message = f"{message[: choice.start()]}{choice[1]!r} is not one of {', '.join(names)}"
            message += did_you_mean(choice[1], names)
        print(f"{self.prog}: {message}\nTry '{self.prog} --help'.", file=sys.stderr)
        sys.exit(2)


def _sentence(problem: Exception, arguments: argparse.Namespace) -> str:
    """What to say of an exception, in the words of the command line."""
    given = [value for one in vars(arguments).values() for value in (one if isinstance(one, list) else [one])]
    modules = {value.partition(":")[0] for value in given if isinstance(value, str) and ":" in value}
    own = place = ""
    trace = problem.__traceback__
    while trace is not None:
        place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
        own = place if trace.tb_frame.f_globals.get("__name__") in modules else own
        trace = trace.tb_next
    if own:
        return f"your schedule raised {type(problem).__name__}: {problem} ({own})"
    if isinstance(problem, FileExistsError):
        return f"{problem.filename}: already exists; use --force to replace it"
    if isinstance(problem, (OSError, ValueError, TypeError, RuntimeError)):
        from lrsched.cli.options import sentence  # noqa: PLC0415 (loaded by the command already)

        return sentence(problem)
    return f"internal error, please report it: {type(problem).__name__}: {problem} ({place})"

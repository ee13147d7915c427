"""What the commands share: options, how a config or schedule is read, how results are printed."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO, cast

from lrsched.numbers import GPU_LIMIT
from lrsched.schedule import LAST_ITERATION, Schedule
from lrsched.sources import as_schedule
from lrsched.sources import read_config as read_any
from lrsched.text import fitted, json_text, terminal_width
from lrsched.trainers import Config, darknet
from lrsched.trainers.darknet import ALEXEYAB, DIALECTS, Net

DONE, PROBLEM, USAGE = 0, 1, 2  # exit codes: done, the thing looked at has a problem, wrong usage or unreadable file

SOURCE = "a cfg, hyp.yaml, args.yaml or run folder, - for standard input, or package.module:name for your own schedule"


def integer(low: int, high: int = LAST_ITERATION) -> Callable[[str], int]:
    """The type of an argument that is an integer between two bounds."""

    def read(text: str) -> int:
        if not text.strip().removeprefix("-").isdecimal():
            raise argparse.ArgumentTypeError(f"must be an integer, got {text!r}")
        if not low <= int(text) <= high:
            bound = f"at least {low}" if int(text) < low else f"at most {high}"
            raise argparse.ArgumentTypeError(f"must be {bound}, got {int(text)}")
        return int(text)

    return read


iteration: Callable[[str], int] = integer(0)
positive: Callable[[str], int] = integer(1)
gpus: Callable[[str], int] = integer(1, GPU_LIMIT)


def iterations(text: str) -> list[int]:
    """The type of an argument that is a list of iterations."""
    return [iteration(part) for part in text.split(",") if part.strip()]


def file(text: str) -> str:
    """The type of an argument that names a file to write."""
    if not text:
        raise argparse.ArgumentTypeError("must be the name of a file, got ''")
    return text


def size(text: str) -> tuple[int, int]:
    """The type of an argument that is the width and height of a picture."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= 100):
        raise argparse.ArgumentTypeError(f"must be WxH in pixels, at least 100x100, got {text!r}")
    return int(width), int(height)


NUMBER: dict[str, Any] = {"type": positive, "metavar": "N"}
TIME: dict[str, Any] = {"type": iteration, "metavar": "N"}
FILE: dict[str, Any] = {"type": file, "metavar": "FILE"}
OPTIONS: dict[str, dict[str, Any]] = {
    "--target": TIME | {"help": "the iteration you want to reach"},
    "--start": TIME | {"help": "the iteration you resume from"},
    "--weights": {"metavar": "FILE", "help": "the weights you resume from, in place of --start"},
    "--classes": NUMBER | {"help": "number of classes, for the length of the run"},
    "--images": NUMBER | {"help": "number of training images, for the length of the run"},
    "--gpus": {"type": gpus, "default": 1, "metavar": "N", "help": "number of GPUs (default 1)"},
    "--dialect": {
        "choices": [dialect.name for dialect in DIALECTS],
        "help": f"the fork of darknet that trains (default {ALEXEYAB.name})",
    },
    "--set": {
        "action": "append", "default": [], "metavar": "KEY=VALUE", "dest": "changes",
        "help": "read the config as if it had this line (of a cfg, in [net]), or what it lacks, as "
        "iterations_per_epoch=500",
    },
    "--write": {
        "type": file, "metavar": "NEW",
        "help": "write the config with fix 1; nothing else in it changes (a folder, where it has several files)",
    },
    "--choose": {"metavar": "N", "help": "write another fix, or an extension by its name"},
    "--horizon": TIME | {"help": "last iteration (default: that of the run)"},
    "--from": TIME | {"default": 0, "dest": "first", "help": "first iteration drawn"},
    "--force": {"action": "store_true", "help": "replace an existing file"},
    "--json": {"action": "store_true", "help": "print one JSON document"},
}  # fmt: skip
"""What several commands take, by the same name and with the same meaning."""
CONFIG = ("--gpus", "--dialect", "--set")  # of every command that reads a config for a run
WRITE = ("--write", "--choose", "--force")  # of the commands that can write a changed config


def add(parser: Any, *names: str, **other: Any) -> None:
    """Add options that several commands take to a parser, or to a group of one; ``other`` is what differs there."""
    for name in names:
        parser.add_argument(name, **OPTIONS[name] | other)


def start_of(source: Config | Schedule, arguments: argparse.Namespace) -> int | None:
    """The iteration at which the run resumes, or None for a new run."""
    if arguments.weights is None:
        return cast("int | None", arguments.start)
    if not isinstance(source, Net):
        raise ValueError("--weights reads the weights of a cfg only; give --start N, the iteration you resume from")
    return darknet.read_weights(arguments.weights).iteration(source)


def check_write(arguments: argparse.Namespace) -> None:
    """Refuse options that say what is written, or where, when nothing is to be written."""
    if arguments.write is None and (arguments.choose or arguments.force):
        raise ValueError("--choose and --force write nothing by themselves; add --write NEW, or leave them out")


def read_source(name: str, arguments: argparse.Namespace) -> Config | Schedule:
    """Read a config under the options given, or import what ``package.module:name`` names.

    Raises:
        OSError: when the file cannot be opened.
        ValueError: for a config the trainer refuses, a name that cannot be imported, or options only a config takes.
    """
    if not is_own(name):
        return read_config(name, arguments)
    if arguments.changes or arguments.gpus != 1:
        raise ValueError(f"{name}: --set and --gpus apply to configs only")
    known = [getattr(arguments, option, None) for option in ("horizon", "target")]
    return as_schedule(name, target=max((each for each in known if each is not None), default=None))


def need_horizon(arguments: argparse.Namespace, name: str, *sources: object) -> None:
    """Ask for the last iteration of a run when neither an option nor a schedule knows it."""
    asked = [option for option in ("horizon", "target") if hasattr(arguments, option)]
    known = [getattr(arguments, option) for option in asked] + [getattr(source, "horizon", 0) for source in sources]
    if all(horizon is None for horizon in known):
        raise ValueError(f"{name} has no last iteration; give {' or '.join(f'--{option} N' for option in asked)}")


def read_config(name: str, arguments: argparse.Namespace) -> Config:
    """Read a config, or standard input for ``-``, under the options given."""
    source: Any = name
    if name == "-":
        if not hasattr(arguments, "stdin"):
            arguments.stdin = sys.stdin.buffer.read()  # kept, as it can be read only once
        source = io.BytesIO(arguments.stdin)
        source.name = "<stdin>"
    changes = {}
    for change in getattr(arguments, "changes", ()):
        key, _, value = (part.strip() for part in change.partition("="))
        if not (key and value):
            raise ValueError(f"--set {change}: expected KEY=VALUE, for example --set max_batches=20000")
        changes[key] = value
    data = {name: getattr(arguments, name, None) for name in ("images", "classes")}
    return read_any(source, changes, data=data, dialect=arguments.dialect)


def is_own(name: str) -> bool:
    """Whether something to import is named, ``package.module:name``, and not a file."""
    return ":" in name and not os.path.exists(name)


def joined_name(names: Sequence[str], ending: str) -> str:
    """The name of a picture of several files."""
    paths = ["stdin" if name == "-" else name.rpartition(":")[2].removesuffix(".gz") for name in names]
    return "-".join(os.path.splitext(os.path.basename(path))[0] for path in paths)[:80] + ending


def message(text: str) -> None:
    """Say something that is not the result."""
    print(f"lrsched: {text}", file=sys.stderr)


def sentence(problem: Exception) -> str:
    """What was wrong with a file or its text."""
    if not isinstance(problem, OSError) or problem.strerror is None:
        return str(problem)
    return f"{'standard output' if problem.filename is None else problem.filename or repr('')}: {problem.strerror}"


def passed_over(problem: Exception) -> None:
    """Say why not this config beside a log is taken, but the next one."""
    message(f"passed over a config beside the log: {sentence(problem)}")


def print_text(text: str, stream: TextIO | None = None) -> None:
    """Print lines that fit the terminal."""
    stream = sys.stdout if stream is None else stream
    print(fitted(text, terminal_width(stream)), file=stream)


def print_json(document: Any) -> None:
    """Print one JSON document; what is not a finite number is null."""
    print(json_text(document))

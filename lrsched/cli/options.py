"""What the commands share: options, how a cfg is read, how JSON is printed."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrsched.files import write_file
from lrsched.schedule import LAST_ITERATION, Schedule
from lrsched.trainers.darknet import DIALECTS, Net, as_dialect, cfg_text, cfg_value, parse_cfg, with_values

__all__ = [
    "DONE",
    "PROBLEM",
    "USAGE",
    "add_cfg_options",
    "add_command",
    "add_dialect",
    "add_write_options",
    "iteration",
    "iterations",
    "positive",
    "print_json",
    "read",
    "read_net",
    "write",
]

DONE, PROBLEM, USAGE = 0, 1, 2
"""Exit codes: done, the thing looked at has a problem, wrong usage or unreadable file."""


def add_command(commands: Any, name: str, run_command: Any, about: str, example: str) -> argparse.ArgumentParser:
    """Add one command with its help and an example."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run_command)
    return parser


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Options of every command that reads a cfg for a run."""
    parser.add_argument("--gpus", type=int, default=1, metavar="N", help="number of GPUs of the run (default 1)")
    add_dialect(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="read the cfg as if this line stood in [net]; may be given again",
    )


def add_dialect(parser: argparse.ArgumentParser) -> None:
    """The fork of darknet."""
    parser.add_argument(
        "--dialect",
        default="alexeyab",
        choices=[dialect.name for dialect in DIALECTS],
        help="the fork of darknet that trains (default alexeyab)",
    )


def add_write_options(parser: argparse.ArgumentParser) -> None:
    """Options of the commands that can write a changed cfg."""
    parser.add_argument("--write", metavar="NEW.cfg", help="write the cfg with the first suggestion, all else as it is")
    parser.add_argument(
        "--choose", default="1", metavar="N", help="write the Nth suggestion, or a way to go on by name"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def write(arguments: argparse.Namespace, offered: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the cfg with what was chosen of the offers, when that was asked for; numbers count from 1."""
    if arguments.write is None:
        return
    if arguments.choose not in offered:
        told = f"choose {', '.join(offered)}" if offered else "there is nothing to choose"
        raise ValueError(f"--choose {arguments.choose}: no such offer, so nothing was written; {told}")
    text, _ = cfg_text_of(arguments.cfg, arguments)
    chosen = {key: cfg_value(value) for key, value in offered[arguments.choose].items()}
    write_file(arguments.write, with_values(text, chosen).encode("utf-8", "surrogateescape"), force=arguments.force)
    written = ", ".join(f"{key}={value}" for key, value in chosen.items())
    print(f"lrsched: wrote {arguments.write} with {written}", file=sys.stderr)


def read(path: str, arguments: argparse.Namespace) -> Net | Schedule:
    """Read a cfg under the options given, or import what ``package.module:name`` names.

    Raises:
        ValueError: for a name that cannot be imported, and options that only a cfg understands.
    """
    if ":" in path and not Path(path).exists():
        if arguments.changes or arguments.gpus != 1:
            raise ValueError(
                f"{path}: --set and --gpus are for cfgs; {path.partition(':')[2]} gives its rates as they are"
            )
        if "" not in sys.path:
            sys.path.insert(0, "")
        from lrsched.schedules.combinators import Imported  # noqa: PLC0415 (loaded only for names to import)

        return Imported(path=path)
    return read_net(path, arguments)


def read_net(path: str, arguments: argparse.Namespace) -> Net:
    """Read a cfg under the options given."""
    text, source = cfg_text_of(path, arguments)
    return parse_cfg(text, arguments.dialect, source=source)


def cfg_text_of(path: str, arguments: argparse.Namespace) -> tuple[str, str]:
    """The text of a cfg with the lines of --set, and its name."""
    known = as_dialect(arguments.dialect).all_keys()
    changes = dict(_change(change, known) for change in arguments.changes)
    text, source = cfg_text(path)
    return (with_values(text, changes) if changes else text), source


def _change(change: str, known: frozenset[str]) -> tuple[str, str]:
    key, equals, value = (part.strip() for part in change.partition("="))
    if not (key and equals and value):
        raise ValueError(f"--set {change}: this is no KEY=VALUE; write for example --set max_batches=20000")
    if key not in known:
        near = difflib.get_close_matches(key, sorted(known), 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"--set {change}: [net] has no key {key}{meant}")
    return key, value


def iteration(text: str) -> int:
    """An iteration as an argument."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if not 0 <= number <= LAST_ITERATION:
        raise argparse.ArgumentTypeError(f"{number} is no iteration: write 0 to {LAST_ITERATION}")
    return number


def positive(text: str) -> int:
    """A whole number of at least 1 as an argument."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too small: write 1 or more")
    return number


def iterations(text: str) -> list[int]:
    """A list of iterations as an argument."""
    return [iteration(part) for part in text.split(",") if part.strip()]


def print_json(document: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))

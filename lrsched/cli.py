"""The command ``lrsched``: the only module that prints or exits.

Exit codes: 0 done, 1 the thing looked at has a problem, 2 wrong usage or unreadable file.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from lrsched import __version__, report
from lrsched.darknet import DIALECTS, Net, as_dialect, cfg_text, cfg_value, parse_cfg, with_values
from lrsched.files import write_new
from lrsched.planner import design, plan, suggest
from lrsched.schedule import LAST_ITERATION

__all__ = ["main", "run"]

DONE, PROBLEM, USAGE = 0, 1, 2

EXAMPLES = """examples:
  lrsched plot cfg/yolov3.cfg                          draw the rate of the whole run
  lrsched plot a.cfg b.cfg --log-scale -o both.svg     two cfgs in one picture
  lrsched plan cfg/darknet.cfg --target 900000         what goes wrong, what to write instead
  lrsched show cfg/yolov3.cfg --at 150,1000,400000     exact rates at some iterations
  lrsched suggest cfg/darknet.cfg --decay 1000 --write new.cfg
  lrsched design --classes 3 --images 5000             a [net] section to start from
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
    except (OSError, ValueError, TypeError) as problem:
        print(f"lrsched: {_sentence(problem)}", file=sys.stderr)
        return USAGE


def _sentence(problem: Exception) -> str:
    if isinstance(problem, FileExistsError):
        return f"{os.fspath(problem.filename)}: {problem.strerror}"
    if isinstance(problem, OSError) and problem.filename is not None:
        return f"cannot open {os.fspath(problem.filename)}: {problem.strerror}"
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
    _add_plot(commands)
    _add_show(commands)
    _add_plan(commands)
    _add_suggest(commands)
    _add_design(commands)
    _add_policies(commands)
    return parser


def _complete(parser: argparse.ArgumentParser) -> None:
    try:
        import argcomplete  # noqa: PLC0415 (an optional extra, only while a shell completes)
    except ImportError:
        return
    argcomplete.autocomplete(parser)


def _add_command(commands: Any, name: str, run_command: Any, about: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run_command)
    return parser


def _add_cfg_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gpus", type=int, default=1, metavar="N", help="number of GPUs of the run (default 1)")
    _add_dialect(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="read the cfg as if this line stood in [net]; may be given again",
    )


def _add_dialect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dialect",
        default="alexeyab",
        choices=[dialect.name for dialect in DIALECTS],
        help="the fork of darknet that trains (default alexeyab)",
    )


def _add_plot(commands: Any) -> None:
    parser = _add_command(
        commands,
        "plot",
        _plot,
        "draw the rate over the iterations, one curve per cfg",
        "lrsched plot cfg/yolov3.cfg --gpus 4 -o rate.png",
    )
    parser.add_argument("cfgs", nargs="+", metavar="CFG", help="cfg to draw")
    parser.add_argument("-o", "--output", metavar="FILE", help="picture: .png, .svg or .pdf (default NAME-lr.png here)")
    _add_cfg_options(parser)
    parser.add_argument("--target", type=_iteration, metavar="N", help="the iteration you want to reach")
    parser.add_argument("--images", type=int, metavar="N", help="number of training images, for an axis of epochs")
    parser.add_argument("--from", type=_iteration, default=0, metavar="A", dest="first", help="first iteration drawn")
    parser.add_argument("--to", type=_iteration, metavar="B", dest="last", help="last iteration drawn")
    parser.add_argument("--log-scale", action="store_true", help="logarithmic rate axis")
    parser.add_argument("--show", action="store_true", help="open a window as well")


def _plot(arguments: argparse.Namespace) -> int:
    nets = [_read(path, arguments) for path in arguments.cfgs]
    from lrsched import plotting  # noqa: PLC0415 (matplotlib is loaded for pictures only)

    output = Path(arguments.output or f"{_joined(arguments.cfgs)}-lr.png")
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


def _add_show(commands: Any) -> None:
    parser = _add_command(
        commands,
        "show",
        _show,
        "print exact rates: at the bends of the schedule, or where you say",
        "lrsched show cfg/yolov3.cfg --every 10000 --csv",
    )
    parser.add_argument("cfg", metavar="CFG")
    _add_cfg_options(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--at", type=_iterations, metavar="N,N,...", help="at these iterations")
    where.add_argument("--every", type=_iteration, metavar="N", help="at every Nth iteration up to max_batches")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document")
    form.add_argument("--csv", action="store_true", help="comma-separated values")


def _show(arguments: argparse.Namespace) -> int:
    net = _read(arguments.cfg, arguments)
    schedule = net.schedule(arguments.gpus)
    if arguments.at is not None:
        rows = report.rows_at(schedule, arguments.at)
    elif arguments.every is not None:
        if arguments.every == 0 or schedule.horizon is None:
            raise ValueError("--every needs a step of at least 1 and a cfg with max_batches; name iterations with --at")
        rows = report.rows_at(schedule, range(0, schedule.horizon + 1, arguments.every))
    else:
        rows = report.key_rows(schedule, schedule.horizon)
    if arguments.json:
        _print_json(report.rows_json(rows, net, arguments.gpus))
        return DONE
    if not arguments.csv:
        print(f"{net.source}: {report.summary(net, arguments.gpus)}")
    for line in report.rows_csv(rows) if arguments.csv else report.rows_text(rows):
        print(line)
    return DONE


def _add_plan(commands: Any) -> None:
    parser = _add_command(
        commands,
        "plan",
        _plan,
        "say what will go wrong, from which iteration on, and what to write instead",
        "lrsched plan cfg/darknet.cfg --target 900000",
    )
    parser.add_argument("cfg", metavar="CFG")
    parser.add_argument("--target", type=_iteration, metavar="N", help="the iteration you want to reach")
    parser.add_argument("--start", type=_iteration, default=0, metavar="N", help="the iteration you go on from")
    parser.add_argument("--classes", type=_positive, metavar="N", help="number of classes, to judge the length by")
    parser.add_argument("--images", type=_positive, metavar="N", help="number of training images, to judge it by")
    _add_cfg_options(parser)
    _add_write_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _plan(arguments: argparse.Namespace) -> int:
    planned = plan(
        _read(arguments.cfg, arguments),
        arguments.target,
        start=arguments.start,
        ngpus=arguments.gpus,
        classes=arguments.classes,
        images=arguments.images,
    )
    if arguments.json:
        _print_json(report.plan_json(planned))
    else:
        print(report.plan_text(planned))
    _write(arguments, [dict(suggestion.changes) for suggestion in planned.suggestions])
    return DONE if planned.ok else PROBLEM


def _add_suggest(commands: Any) -> None:
    parser = _add_command(
        commands,
        "suggest",
        _suggest,
        "find the values that give the rate you want at an iteration",
        "lrsched suggest cfg/darknet.cfg --target 900000 --decay 1000 --write longer.cfg",
    )
    parser.add_argument("cfg", metavar="CFG")
    parser.add_argument("--target", type=_iteration, metavar="N", help="the iteration (default max_batches)")
    wish = parser.add_mutually_exclusive_group()
    wish.add_argument("--end-rate", type=float, metavar="RATE", help="the rate wanted there")
    wish.add_argument(
        "--decay", type=float, default=100, metavar="TIMES", help="or: so many times below the peak (100)"
    )
    parser.add_argument("--keep", default="learning_rate", metavar="KEY", help="a key that keeps its value")
    _add_cfg_options(parser)
    _add_write_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _suggest(arguments: argparse.Namespace) -> int:
    offered = suggest(
        _read(arguments.cfg, arguments),
        arguments.target,
        end_rate=arguments.end_rate,
        decay=arguments.decay,
        keep=arguments.keep,
        ngpus=arguments.gpus,
    )
    if arguments.json:
        _print_json(report.suggestions_json(offered))
    else:
        print(report.suggestions_text(offered))
    _write(arguments, [dict(suggestion.changes) for suggestion in offered])
    return DONE if offered else PROBLEM


def _add_design(commands: Any) -> None:
    parser = _add_command(
        commands,
        "design",
        _design,
        "print a [net] section to start from, by the rules of the field",
        "lrsched design --classes 3 --images 5000 > my.cfg",
    )
    parser.add_argument("--classes", type=_positive, metavar="N", help="number of classes")
    parser.add_argument("--images", type=_positive, metavar="N", help="number of training images")
    parser.add_argument("--epochs", type=float, metavar="N", help="so many epochs instead of the rule for the length")
    parser.add_argument("--batch", type=_positive, default=64, metavar="N", help="images per iteration (default 64)")
    parser.add_argument("--policy", default="steps", metavar="NAME", help="policy (default steps)")
    parser.add_argument("--gpus", type=_positive, default=1, metavar="N", help="number of GPUs (default 1)")
    _add_dialect(parser)


def _design(arguments: argparse.Namespace) -> int:
    net = design(
        classes=arguments.classes,
        images=arguments.images,
        epochs=arguments.epochs,
        ngpus=arguments.gpus,
        batch=arguments.batch,
        policy=arguments.policy,
        dialect=arguments.dialect,
    )
    print(report.net_text(net))
    return DONE


def _add_write_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--write", metavar="NEW.cfg", help="write the cfg with the first suggestion, all else as it is")
    parser.add_argument("--choose", type=_positive, default=1, metavar="N", help="write the Nth suggestion instead")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def _write(arguments: argparse.Namespace, offered: Sequence[dict[str, Any]]) -> None:
    if arguments.write is None:
        return
    if arguments.choose > len(offered):
        raise ValueError(f"--choose {arguments.choose}: there are {len(offered)} suggestions, so nothing was written")
    text, _ = _text(arguments.cfg, arguments)
    chosen = {key: cfg_value(value) for key, value in offered[arguments.choose - 1].items()}
    write_new(arguments.write, with_values(text, chosen).encode("utf-8", "surrogateescape"), force=arguments.force)
    written = ", ".join(f"{key}={value}" for key, value in chosen.items())
    print(f"lrsched: wrote {arguments.write} with {written}", file=sys.stderr)


def _add_policies(commands: Any) -> None:
    parser = _add_command(
        commands, "policies", _policies, "explain the policies: formula, keys, ranges", "lrsched policies sgdr"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="one policy, or burn_in")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _policies(arguments: argparse.Namespace) -> int:
    if arguments.json:
        _print_json(report.policies_json(arguments.name))
    else:
        print(report.policies_text(arguments.name))
    return DONE


def _read(path: str, arguments: argparse.Namespace) -> Net:
    text, source = _text(path, arguments)
    return parse_cfg(text, arguments.dialect, source=source)


def _text(path: str, arguments: argparse.Namespace) -> tuple[str, str]:
    known = as_dialect(arguments.dialect).all_keys()
    changes = dict(_change(change, known) for change in arguments.changes)
    text, source = cfg_text(path)
    return (with_values(text, changes) if changes else text), source


def _change(change: str, known: frozenset[str]) -> tuple[str, str]:
    key, equals, value = (part.strip() for part in change.partition("="))
    if not (key and equals and value):
        raise ValueError(f"--set {change}: this is no KEY=VALUE; write for example --set max_batches=20000")
    if key not in known:
        import difflib  # noqa: PLC0415 (only on the way to an error)

        near = difflib.get_close_matches(key, sorted(known), 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"--set {change}: [net] has no key {key}{meant}")
    return key, value


def _labels(paths: Sequence[str]) -> list[str]:
    names = [Path(path).name for path in paths]
    return [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]


def _joined(paths: Sequence[str]) -> str:
    stems = [Path(path).stem for path in paths]
    joined = "-".join(stems)
    return joined if len(joined) <= 80 else f"{stems[0]}-and-{len(stems) - 1}-more"


def _iteration(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if not 0 <= number <= LAST_ITERATION:
        raise argparse.ArgumentTypeError(f"{number} is no iteration: write 0 to {LAST_ITERATION}")
    return number


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too small: write 1 or more")
    return number


def _iterations(text: str) -> list[int]:
    return [_iteration(part) for part in text.split(",") if part.strip()]


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))

"""The command log: summarise and plot what a training really did, compare it with its config."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from lrsched import logs as training
from lrsched.cli import options
from lrsched.logs import Log, LogError
from lrsched.report.logs import LogReport, log_report
from lrsched.trainers import trainer_of

EXAMPLES = """examples:
  lrsched log train.log
  lrsched log train.log --cfg cfg/yolov3.cfg -o train.png
  lrsched log runs/train/exp
  lrsched log metrics.csv --step update --rate optimizer_lr
  lrsched log notebook.ipynb --no-plot
exit code: 1 when the run crashed, has NaN or differs from its config
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = "what the trainer wrote: a log, the folder of a run, a notebook (.ipynb), - for standard input"
    parser.add_argument("logs", nargs="+", metavar="LOG", help=words)
    words = "the config of the run; every logged rate is compared with it (default: the one beside the log)"
    parser.add_argument("--config", "--cfg", metavar="CONFIG", help=words)
    parser.add_argument("--step", metavar="COLUMN", help="column of the steps in a table (default: its usual names)")
    parser.add_argument("--rate", metavar="COLUMN", help="column or event tag of the rates (default: its usual names)")
    options.add(parser, "--gpus", default=None, help="number of GPUs, with --config (default: detected)")
    options.add(parser, "--dialect")
    parser.add_argument("-o", "--output", **options.FILE, help="picture: .png, .svg or .pdf (default ./NAME-log.png)")
    options.add(parser, "--from")
    options.add(parser, "--horizon", help="last iteration drawn")
    runs = parser.add_mutually_exclusive_group()
    runs.add_argument("--join", action="store_true", help="the logs are pieces of one run, in this order")
    runs.add_argument("--separate", action="store_true", help="the logs are different runs")
    parser.add_argument("--infer", action="store_true", help="infer the schedule from the rates, also with --config")
    parser.add_argument("--best", metavar="COLUMN", help="compare epochs by it (default: fitness, mAP, top1 or loss)")
    parser.add_argument("--no-plot", action="store_true", help="do not plot")
    parser.add_argument("--csv", **options.FILE, help="write a table of the records")
    options.add(parser, "--json", "--force")


def run(arguments: argparse.Namespace) -> int:
    _check(arguments)
    layers = not arguments.no_plot or arguments.json
    sources = [sys.stdin.buffer if path == "-" else path for path in arguments.logs]
    read = partial(training.read_logs, layers=layers, step=arguments.step, rate=arguments.rate)
    logs = [log for source in sources for log in read(source)]
    runs, joined = _runs(logs, arguments)
    found = [_report(log, arguments) for log in runs]
    if len(found) > 1 and arguments.csv:
        raise ValueError("--csv writes one run, and these are several; name only one log, or give --join")
    picture = None if arguments.no_plot else _picture(arguments, found)
    if arguments.csv:
        training.write_csv(found[0].log, arguments.csv, force=arguments.force)
        options.message(f"wrote {arguments.csv}")
    if arguments.json:
        options.print_json({"picture": picture, "stitched": bool(joined), "runs": [one.to_json() for one in found]})
    else:
        options.print_text("\n\n".join([*([joined] if joined else []), *map(str, found)]))
        if picture is not None:
            print(picture)
    return options.PROBLEM if any(one.problem for one in found) else options.DONE


def _report(log: Log, arguments: argparse.Namespace) -> LogReport:
    """A log compared with the config that was named, else with the one beside it, where that tells its rates."""
    report = partial(log_report, log, ngpus=arguments.gpus, infer_too=arguments.infer, best=arguments.best)
    reads = trainer_of(log).logs().read_config
    if arguments.config:
        path = arguments.config
        return report(options.read_config(path, arguments) if reads is None or path == "-" else reads(Path(path)))
    try:
        return report(training.config_beside(log, options.passed_over))
    except LogError:
        raise
    except (ValueError, OSError) as problem:
        options.message(f"the log is not compared with the config beside it: {options.sentence(problem)}")
        return report(None)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse wrong usage before anything is read."""
    if arguments.gpus is not None and not arguments.config:
        raise ValueError("--gpus says how to compare a log with its config; give --config too")
    if arguments.horizon is not None and arguments.first > arguments.horizon:
        raise ValueError(f"--from {arguments.first} is after --horizon {arguments.horizon}; give the smaller one first")
    if arguments.csv and not arguments.force and Path(arguments.csv).exists():
        raise FileExistsError(17, "already exists", arguments.csv)


def _runs(logs: Sequence[Log], arguments: argparse.Namespace) -> tuple[list[Log], str]:
    """The logs run by run, and what to say of pieces that were joined."""
    if len(logs) > 1 and arguments.join:
        return [training.stitch(logs)], f"{len(logs)} logs, joined in the order given."
    if len(logs) > 1 and not arguments.separate and training.same_run(logs):
        guess = "(iterations, loss and rate fit; --separate shows them side by side)"
        return [training.stitch(logs)], f"{len(logs)} logs, taken for pieces of one run {guess}."
    return [training.rising(log) for log in logs], ""


def _picture(arguments: argparse.Namespace, found: Sequence[LogReport]) -> str:
    from lrsched import plotting  # noqa: PLC0415 (matplotlib is loaded for pictures only)

    plans = [one.audit for one in found if one.audit is not None] if len(found) == 1 else []
    figure = plotting.plot(
        *(one.log for one in found),
        *plans,
        labels=[*_labels(found), *("" for _ in plans)],
        ngpus=arguments.gpus,
        best=arguments.best,
        first=arguments.first,
        last=arguments.horizon,
    )
    return str(plotting.save(figure, arguments.output or options.joined_name(arguments.logs, "-log.png")))


def _labels(found: Sequence[LogReport]) -> list[str]:
    """The names of the files, with their folders where several have one name."""
    labels = [one.label for one in found]
    if len(set(labels)) == len(labels):
        return labels
    return [f"{Path(one.log.source).parent.name}/{one.label}" for one in found]

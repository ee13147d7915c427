"""The command diagnose: name what the loss curves of a run show, and what to change in its schedule."""

import argparse
import sys
from pathlib import Path
from typing import Any

from lrsched.cli import options
from lrsched.curves import verdict_of
from lrsched.logs import Log, advised, config_beside, curves_of, read_run

EXAMPLES = """examples:
  lrsched diagnose results.csv
  lrsched diagnose train.log -o curves.png
  lrsched diagnose table.csv --train my_loss --val my_val_loss --json
exit code: 1 when the run diverges or failed
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("log", metavar="LOG", help="a log, a CSV with steps or epochs, - for standard input")
    for name, words in (("train", "training loss"), ("val", "validation loss"), ("metric", "metric, such as a mAP")):
        parser.add_argument(f"--{name}", metavar="COLUMN", help=f"column of the {words} (default: found by its name)")
    parser.add_argument("-o", "--output", **options.FILE, help="draw the evidence: .png, .svg or .pdf")
    options.add(parser, "--json")


def run(arguments: argparse.Namespace) -> int:
    log = read_run(sys.stdin.buffer if arguments.log == "-" else arguments.log)
    curves = curves_of(log, train=arguments.train, val=arguments.val, metric=arguments.metric)
    verdict = advised(verdict_of(**curves), log, _config_beside(log))
    if arguments.output:
        from lrsched.plotting import plot_verdict, save  # noqa: PLC0415 (matplotlib is loaded for pictures only)

        save(plot_verdict(verdict, **curves, title=Path(log.source).name), arguments.output)
    if arguments.json:
        fields = ("verdict", "confidence", "evidence", "advice", "marks")
        options.print_json({"source": log.source, **{name: getattr(verdict, name) for name in fields}})
    else:
        options.print_text(f"{Path(log.source).name}: {verdict!s}")
        if arguments.output:
            print(arguments.output)
    return options.PROBLEM if verdict.verdict in ("diverging", "failed") else options.DONE


def _config_beside(log: Log) -> Any:
    """The config of the run, where it lies beside the log and can be read."""
    try:
        return config_beside(log, options.passed_over)
    except (ValueError, OSError) as problem:
        options.message(f"the advice does without the config beside the log: {options.sentence(problem)}")
        return None

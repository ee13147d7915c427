"""The command scan: every config and log below a folder, a line each, with what is wrong first."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from os.path import relpath

from lrsched.cli import options
from lrsched.scanning import Scanned, scan
from lrsched.text import coloured, counted, shows_colour

EXAMPLES = """examples:
  lrsched scan runs/
  lrsched scan runs/ --json
  lrsched scan s3://bucket/runs --scheduler tcp://head-node:8786   (the extra cluster)
exit code: 1 when something is wrong with a config or a run
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="a folder, or a URL that fsspec knows")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=options.positive, metavar="N", help="number of processes (default: one per core)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler whose workers read the files")
    options.add(parser, "--json")


def run(arguments: argparse.Namespace) -> int:
    with ExitStack() as stack:
        executor = _executor(arguments, stack)
        found = scan(arguments.folder, executor=executor, progress=_progress)
    wrong = sum(row.problem for row in found)
    if arguments.json:
        options.print_json({"folder": arguments.folder, "problems": wrong, "files": [asdict(row) for row in found]})
    else:
        options.print_text("\n".join(_lines(arguments.folder, found, wrong, shows_colour(sys.stdout))))
    return options.PROBLEM if wrong else options.DONE


def _executor(arguments: argparse.Namespace, stack: ExitStack) -> Executor | None:
    if arguments.jobs:
        return stack.enter_context(ProcessPoolExecutor(arguments.jobs))
    if not arguments.scheduler:
        return None
    try:
        from distributed import Client  # noqa: PLC0415 (an extra)
    except ImportError:
        message = "--scheduler needs Dask, which is not installed; install 'lrsched-designer[cluster]'"
        raise ValueError(message) from None
    client = stack.enter_context(Client(arguments.scheduler))
    found: Executor = stack.enter_context(client.get_executor())
    return found


def _progress(done: int, total: int) -> None:
    if not sys.stderr.isatty():
        return
    width = 30 * done // max(total, 1)
    print(f"\r[{'#' * width:<30}] {done}/{total} files", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _lines(folder: str, found: Sequence[Scanned], wrong: int, colour: bool) -> Iterator[str]:
    summary = f"{counted(wrong, 'problem')} in {counted(len(found), 'config or run', 'configs and runs')}"
    yield coloured(f"{summary}." if found else "No config and no log was found.", "error" if wrong else "good", colour)
    for row in found:
        short = row.path if "://" in row.path else relpath(row.path, folder)
        done = "" if row.done is None else f"at {row.done}" + (f" of {row.planned}" if row.planned else "")
        rate = "" if row.rate is None else f"rate {row.rate:g}"
        facts = " · ".join(filter(None, [row.verdict, row.trainer, done, rate, row.schedule]))
        yield f"{coloured(short, 'error' if row.problem else 'good', colour)}: {facts}"

"""The work of the command log: read, join, tell, draw, write, follow."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lrsched.cli.options import DONE, PROBLEM, print_json, read_config
from lrsched.log import MOST_GPUS
from lrsched.logs import (
    Log,
    LogError,
    follow,
    read_log,
    stitch,
    write_csv,
    write_iou_lines,
    write_loss_lines,
    write_npz,
)
from lrsched.report.logs import Found, whole
from lrsched.trainers.darknet import Net

__all__ = ["run_log"]

LARGE = 20_000_000
"""Bytes from which on a progress bar is worth it."""

EVERY = 3.0
"""Seconds between two pictures of a log that grows."""

SAVED_EVERY = 100
"""Weights are saved after so many iterations."""

pause: Callable[[float], object] = time.sleep
"""How to wait for a log to grow."""


def run_log(arguments: argparse.Namespace) -> int:
    """Run ``lrsched log``; the exit code."""
    _refuse(arguments)
    net = read_config(arguments.cfg, arguments) if arguments.cfg else None
    if arguments.follow:
        return _follow(arguments, net)
    logs = [_read(path, arguments) for path in arguments.logs]
    joined = _one_run(logs)
    names = _labels(arguments.logs)
    runs = list(zip(names, logs, strict=True)) if joined is None else [(" + ".join(names), joined)]
    found = [Found(label, log, net, arguments) for label, log in runs]
    if len(found) > 1 and (arguments.csv or arguments.npz):
        raise ValueError("--csv and --npz write one run, and these logs are not of one run; name only one log")
    picture = None if arguments.no_plot else _picture(arguments, found, net)
    _export(arguments, found[0].log)
    if arguments.json:
        stitched = joined is not None and len(logs) > 1
        print_json({"picture": picture, "stitched": stitched, "runs": [one.json() for one in found]})
    else:
        if len(logs) > 1:
            print(f"{len(logs)} logs: " + ("one run, stitched" if joined is not None else "several runs, side by side"))
        print("\n\n".join(map(str, found)))
        if picture is not None:
            print(picture)
    return PROBLEM if any(one.problem for one in found) else DONE


def _refuse(arguments: argparse.Namespace) -> None:
    """Wrong usage is told before anything is read."""
    written = [arguments.csv, arguments.npz, arguments.loss_lines, arguments.iou_lines]
    if len(arguments.logs) > 1:
        if arguments.loss_lines or arguments.iou_lines:
            raise ValueError("--loss-lines and --iou-lines copy the lines of one log; name only one")
        if arguments.follow:
            raise ValueError("--follow reads one log while it grows; name only one")
    if arguments.follow and (arguments.no_plot or arguments.json or arguments.show or any(written)):
        raise ValueError("--follow draws a log while it grows; leave out --no-plot, --json, --show and files to write")
    if arguments.first is not None and arguments.last is not None and arguments.first > arguments.last:
        raise ValueError(f"--from {arguments.first} lies after --to {arguments.last}; write the smaller one first")
    for path in written:
        if path and not arguments.force and Path(path).exists():
            raise FileExistsError(17, "already exists", path)


def _read(path: str, arguments: argparse.Namespace) -> Log:
    layers = not arguments.no_plot or arguments.json or arguments.npz is not None
    if not (sys.stderr.isatty() and os.path.getsize(path) >= LARGE):
        return read_log(path, layers=layers)
    shown = -1

    def progress(done: int, total: int | None) -> None:
        nonlocal shown
        percent = 100 * done // total if total else 0
        if percent != shown:
            shown = percent
            print(f"\rreading {path} [{'#' * (percent // 4):.<25}] {percent} %", end="", file=sys.stderr, flush=True)

    try:
        return read_log(path, layers=layers, progress=progress)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _one_run(logs: Sequence[Log]) -> Log | None:
    """The logs as one run, or None where they are several."""
    for ordered in (list(logs), sorted(logs, key=lambda log: int(log.iteration[0]))):
        if all(_goes_on(one, other) for one, other in itertools.pairwise(ordered)):
            return stitch(ordered) if len(ordered) > 1 else whole(ordered[0])
    return None


def _goes_on(one: Log, other: Log) -> bool:
    """Whether a log begins where another ended, or a little after weights that were saved before that."""
    batches = {log.effective_batch for log in (one, other)} - {None}
    first = int(other.iteration[0])
    if len(batches) > 1 or first <= max(int(one.iteration[0]), MOST_GPUS):
        return False
    return first > one.iteration[-1] or 0 < first % SAVED_EVERY <= MOST_GPUS


def _labels(paths: Sequence[str]) -> list[str]:
    names = [Path(path).name for path in paths]
    return [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]


def _output(arguments: argparse.Namespace) -> Path:
    stems = [Path(Path(path).name.removesuffix(".gz")).stem for path in arguments.logs]
    joined = "-".join(stems)
    short = joined if len(joined) <= 80 else f"{stems[0]}-and-{len(stems) - 1}-more"
    return Path(arguments.output or f"{short}-log.png")


def _picture(arguments: argparse.Namespace, found: Sequence[Found], net: Net | None) -> str:
    from lrsched import plotting  # noqa: PLC0415 (matplotlib is loaded for pictures only)

    plans = [] if net is None else [net]
    figure = plotting.plot(
        *[one.log for one in found],
        *plans,
        labels=[*(one.label for one in found), *("" for _ in plans)],
        ngpus=arguments.gpus,
        first=arguments.first or 0,
        last=arguments.last,
    )
    path = str(plotting.save(figure, _output(arguments)))
    if arguments.show:
        plotting.show(figure)
    return path


def _export(arguments: argparse.Namespace, log: Log) -> None:
    source, force = arguments.logs[0], arguments.force
    for path, write, of in (
        (arguments.csv, write_csv, log),
        (arguments.npz, write_npz, log),
        (arguments.loss_lines, write_loss_lines, source),
        (arguments.iou_lines, write_iou_lines, source),
    ):
        if path:
            write(of, path, force=force)
            print(f"lrsched: wrote {path}", file=sys.stderr)


def _follow(arguments: argparse.Namespace, net: Net | None) -> int:
    """Draw whenever there are new records, and tell the whole when interrupted."""
    path, one = arguments.logs[0], None
    try:
        for log in follow(path, poll=EVERY, wait=pause):
            one = Found(_labels([path])[0], whole(log), net, arguments)
            picture = _picture(arguments, [one], net)
            last = f"iteration {log.iteration[-1]}, average loss {log.avg_loss[-1]:g}, rate {log.rate[-1]:g}"
            print(f"lrsched: {last}; drew {picture}", file=sys.stderr)
            pause(EVERY)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    if one is None:
        raise LogError(f"{path}: no line of a training was found before the end, so nothing was drawn")
    print(one)
    return PROBLEM if one.problem else DONE

"""How fast a training log is read, beside the usual script and beside grep, and how much memory that takes.

    python -m tests.benchmarks.logs

Two logs are written into a temporary folder: one mostly of layer lines, one of many records. What is measured, in turn:

- lrsched: ``read_log(path)`` and ``read_log(path, layers=False)``;
- the usual script: copies the lines it wants to a second file, then splits them as strings with pandas; once for the
  records, once more for the layer lines;
- ``grep -c ' rate,'``.

Memory is the peak of a process of its own, less that of one that only imports numpy. The exit status is 1 when a bar is
missed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from lrsched.logs import read_log
from tests.benchmarks.timing import as_json, interleaved, median_ratio, shown, table

__all__ = ["main", "measure", "mostly_layer_lines", "mostly_records"]

MEGABYTES = 250
RECORDS = 500_000
ROUNDS = 5

SCRIPT_BAR, GREP_BAR, MEMORY_BAR = 5.0, 2.5, 80.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured for one way to read one log; None where there was nothing to compare with."""

    log: str
    read: str
    megabytes: float
    records: int
    seconds: float
    script_ratio: float | None
    grep_ratio: float | None
    extra_megabytes: float | None
    bars: str
    reached: bool | None


def mostly_layer_lines(size: int, seed: int = 1) -> Iterator[str]:
    """A log of pjreddie's trainer: 24 layer lines per record, until so many bytes are written."""
    draw = random.Random(seed)
    lines = [_layer_line(draw, layer) for layer in (82, 94, 106) for _ in range(500)]
    yield "yolov3\nLearning Rate: 0.001, Momentum: 0.9, Decay: 0.0005\n"
    iteration = 0
    while size > 0:
        iteration += 1
        text = "".join(
            (
                "Resizing\n416\n" if iteration % 10 == 1 else "",
                f"Loaded: {draw.uniform(0, 0.001):f} seconds\n",
                *draw.choices(lines, k=24),
                f"{iteration}: {draw.uniform(0, 30):f}, {draw.uniform(0, 30):f} avg, 0.001000 rate, "
                f"{draw.uniform(0, 10):f} seconds, {iteration * 64} images\n",
                "Saving weights to backup/yolov3.backup\n" if iteration % 100 == 0 else "",
            )
        )
        size -= len(text)
        yield text


def _layer_line(draw: random.Random, layer: int) -> str:
    count = draw.choice((0, 0, 1, 2, 3, 12))
    if not count:
        none = f"Avg IOU: -nan, Class: -nan, Obj: -nan, No Obj: {draw.uniform(0, 0.01):f}, .5R: -nan, .75R: -nan"
        return f"Region {layer} {none},  count: 0\n"
    iou, probability, obj, no_obj, half, more = (f"{draw.random():f}" for _ in range(6))
    return (
        f"Region {layer} Avg IOU: {iou}, Class: {probability}, Obj: {obj}, No Obj: {no_obj}, "
        f".5R: {half}, .75R: {more},  count: {count}\n"
    )


def mostly_records(size: int, records: int, seed: int = 2) -> Iterator[str]:
    """A log of AlexeyAB's trainer: so many records, filled up with layer lines to so many bytes."""
    draw = random.Random(seed)
    yield "yolov4\nLearning Rate: 0.00261, Momentum: 0.949, Decay: 0.0005\n"
    written = 0
    for iteration in range(1, records + 1):
        text = (
            f"\n (next mAP calculation at {iteration // 1000 * 1000 + 1000} iterations) \n {iteration}: "
            f"{draw.uniform(0, 30):f}, {draw.uniform(0, 30):f} avg loss, 0.002610 rate, "
            f"{draw.uniform(0, 10):f} seconds, {iteration * 64} images, {draw.uniform(1, 99):f} hours left\n"
            f"Loaded: {draw.uniform(0, 0.001):f} seconds\n"
        )
        if iteration % 1000 == 0:
            text += "Saving weights to backup/yolov4_last.weights\n"
        written += len(text)
        yield text
        while written < size * iteration // records:
            line = (
                "v3 (iou loss, Normalizer: (iou: 0.07, obj: 1.00, cls: 1.00) "
                f"Region {draw.choice((139, 150, 161))} Avg (IOU: {draw.random():f}), count: {draw.randrange(30)}, "
                f"class_loss = {draw.uniform(0, 9):f}, iou_loss = {draw.uniform(0, 9):f}, "
                f"total_loss = {draw.uniform(0, 19):f} \n"
            )
            written += len(line)
            yield line


def script_for_records(pandas: ModuleType, log: Path, kept: Path) -> int:
    """The usual script: filter to a second file, then split what is in it as strings."""
    with log.open(encoding="utf-8", errors="ignore") as file, kept.open("w", encoding="utf-8") as out:
        for line in file:
            if "Syncing" in line or "nan" in line:
                continue
            if " rate," in line:
                out.write(line)
    frame = pandas.read_csv(kept, header=None, names=["loss", "avg", "rate", "seconds", "images", "left"], dtype=str)
    parts = frame["loss"].str.split(": ")
    columns = {"iteration": parts.str[0].astype(float), "loss": parts.str[1].astype(float)}
    for name in ("avg", "rate", "seconds", "images"):
        columns[name] = frame[name].str.strip().str.split(" ").str[0].astype(float)
    return len(columns["iteration"])


def script_for_layer_lines(pandas: ModuleType, log: Path, kept: Path) -> int:
    """The same for the layer lines."""
    with log.open(encoding="utf-8", errors="ignore") as file, kept.open("w", encoding="utf-8") as out:
        for line in file:
            if "Syncing" in line or "nan" in line:
                continue
            if "IOU" in line:
                out.write(line.replace("), count", ", count").replace(" = ", ": "))
    frame = pandas.read_csv(kept, header=None, dtype=str)
    values = [pandas.to_numeric(frame[i].str.split(": ").str[-1], errors="coerce") for i in range(frame.shape[1])]
    return len(values[0])


def measure(log: Path, name: str, rounds: int, pandas: ModuleType | None) -> list[Row]:
    """Read one log in all ways, in turn."""
    kept = log.with_suffix(".kept")
    counted: dict[str, int] = {}

    def keep(way: str, read: Callable[[], int]) -> Callable[[], None]:
        def run() -> None:
            counted[way] = read()

        return run

    runs: dict[str, Callable[[], object]] = {
        "all": keep("all", lambda: len(read_log(log))),
        "records": keep("records", lambda: len(read_log(log, layers=False))),
    }
    if shutil.which("grep"):
        command = ["grep", "-c", " rate,", str(log)]
        runs["grep"] = keep(
            "grep", lambda: int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        )
    if pandas is not None:
        runs["script"] = keep("script", lambda: script_for_records(pandas, log, kept))
        runs["script for layer lines"] = lambda: script_for_layer_lines(pandas, log, kept)
    seconds = interleaved(runs, rounds)
    if len(set(counted.values())) != 1:
        raise RuntimeError(f"{name}: not everybody found the same records: {counted}")
    if pandas is not None:
        both = zip(seconds["script"], seconds["script for layer lines"], strict=True)
        seconds["scripts"] = [first + second for first, second in both]
    alone = _peak_megabytes("import numpy")
    rows = []
    for way, arguments, script in (("all", "", "scripts"), ("records", ", layers=False", "script")):
        ours = seconds[way]
        script_ratio = median_ratio(seconds[script], ours) if script in seconds else None
        grep_ratio = median_ratio(ours, seconds["grep"]) if "grep" in seconds else None
        code = f"from lrsched.logs import read_log; kept = read_log({str(log)!r}{arguments})"
        peak = _peak_megabytes(code)
        extra = None if alone is None or peak is None else peak - alone
        met = [script_ratio is None or script_ratio >= SCRIPT_BAR]
        if way == "records":
            met.append(grep_ratio is None or grep_ratio <= GREP_BAR)
        met.append(extra is None or extra < MEMORY_BAR)
        bars = f">={SCRIPT_BAR:g}x" + (f" <={GREP_BAR:g}x" if way == "records" else "") + f" <{MEMORY_BAR:g} MB"
        rows.append(
            Row(
                log=name,
                read=f"read_log(path{arguments})",
                megabytes=log.stat().st_size / 1e6,
                records=counted[way],
                seconds=min(ours),
                script_ratio=script_ratio,
                grep_ratio=grep_ratio,
                extra_megabytes=extra,
                bars=bars,
                reached=all(met),
            )
        )
    return rows


PEAK = """
import resource, sys
try:
    with open("/proc/self/status") as status:
        kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
except OSError:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
print(kilobytes)
"""
"""Prints the peak of a process; what getrusage says on Linux may be that of the process that started it."""


def _peak_megabytes(code: str) -> float | None:
    """The most memory that a fresh interpreter had while it ran the code."""
    done = subprocess.run([sys.executable, "-c", f"{code}\n{PEAK}"], capture_output=True, text=True, check=False)
    return None if done.returncode else float(done.stdout) * 1024 / 1e6


def as_table(rows: Sequence[Row]) -> str:
    """The rows for a person to read."""
    return table(
        ["log", "read", "MB", "records", "seconds", "script", "grep", "memory", "bars", ""],
        [
            [
                row.log,
                row.read,
                f"{row.megabytes:.0f}",
                str(row.records),
                shown(row.seconds),
                shown(row.script_ratio, "x"),
                shown(row.grep_ratio, "x"),
                shown(row.extra_megabytes, " MB"),
                row.bars,
                "reached" if row.reached else "MISSED",
            ]
            for row in rows
        ],
        left=2,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.logs", description="Speed of reading logs.")
    parser.add_argument("--megabytes", type=float, default=MEGABYTES, help="size of each log (default %(default)s)")
    parser.add_argument("--records", type=int, default=RECORDS, help="records of the second log (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often everything runs (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args(arguments)
    size = int(given.megabytes * 1e6)
    pandas = _pandas()
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for name, texts in (
            ("mostly layer lines", mostly_layer_lines(size)),
            ("many records", mostly_records(size, given.records)),
        ):
            log = Path(folder, name.replace(" ", "_")).with_suffix(".log")
            with log.open("w", encoding="ascii") as file:
                file.writelines(texts)
            rows += measure(log, name, given.rounds, pandas)
            os.unlink(log)
    if given.json:
        print(as_json(rows, rounds=given.rounds))
    else:
        print("script: how many times longer the usual script takes. grep: how many times longer lrsched takes than")
        print(f"grep -c ' rate,'. Medians of {given.rounds} rounds. memory: peak above that of import numpy.\n")
        print(as_table(rows))
    return int(any(row.reached is False for row in rows))


def _pandas() -> ModuleType | None:
    try:
        return importlib.import_module("pandas")
    except ImportError:
        print("without the usual script: pandas is not installed", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())

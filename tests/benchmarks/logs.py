"""How fast a training log is read, beside ``grep -c ' rate,'``: ``python -m tests.benchmarks.logs``.

Two logs are written into a temporary folder, one mostly of layer lines, one mostly of records, and read in turn. Exit
status 1 when ``read_log(path, layers=False)`` takes more than 2.4 times as long as grep.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from lrsched.logs import read_log
from tests.benchmarks.timing import asked, interleaved, median_ratio

BAR = 2.4


def mostly_layer_lines(size: int) -> Iterator[str]:
    """A log of pjreddie's trainer: 24 layer lines per record, until so many bytes are written."""
    draw = random.Random(1)
    numbers = [[f"{draw.random():f}" for _ in range(6)] for _ in range(500)]
    lines = [
        f"Region {layer} Avg IOU: {a}, Class: {b}, Obj: {c}, No Obj: {d}, .5R: {e}, .75R: {f},  count: {i % 9}\n"
        for layer in (82, 94, 106)
        for i, (a, b, c, d, e, f) in enumerate(numbers)
    ]
    iteration = 0
    while size > 0:
        iteration += 1
        text = f"Loaded: {draw.uniform(0, 0.001):f} seconds\n" + "".join(draw.choices(lines, k=24))
        text += f"{iteration}: {draw.uniform(0, 30):f}, {draw.uniform(0, 30):f} avg, 0.001000 rate, "
        text += f"{draw.uniform(0, 10):f} seconds, {iteration * 64} images\n"
        size -= len(text)
        yield text


def mostly_records(size: int) -> Iterator[str]:
    """A log of AlexeyAB's trainer: a record in every 500 bytes."""
    draw = random.Random(2)
    line = "v3 (iou loss, Normalizer: (iou: 0.07, obj: 1.00, cls: 1.00) Region 139 Avg (IOU: 0.512345), count: 7, "
    line += "class_loss = 1.234567, iou_loss = 2.345678, total_loss = 3.580245 \n"
    iteration = 0
    while size > 0:
        iteration += 1
        text = f"\n (next mAP calculation at {iteration // 1000 * 1000 + 1000} iterations) \n {iteration}: "
        text += f"{draw.uniform(0, 30):f}, {draw.uniform(0, 30):f} avg loss, 0.002610 rate, "
        text += f"{draw.uniform(0, 10):f} seconds, {iteration * 64} images, {draw.uniform(1, 99):f} hours left\n"
        text += 2 * line
        size -= len(text)
        yield text


def main() -> int:
    """Measure, print, and return the exit status."""
    given = asked("logs", "Speed of reading logs.", rounds=5, megabytes=250.0)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for write in (mostly_layer_lines, mostly_records):
            path = Path(folder, f"{write.__name__}.log")
            with path.open("w", encoding="utf-8") as file:
                file.writelines(write(int(given.megabytes * 1e6)))
            # not to /dev/null: there grep stops at the first match
            grep = partial(subprocess.run, ["grep", "-c", " rate,", str(path)], capture_output=True, check=True)
            runs: dict[str, Callable[[], object]] = {
                "grep": grep,
                "all": partial(read_log, path),
                "records": partial(read_log, path, layers=False),
            }
            seconds = interleaved(runs, given.rounds)
            ratio = median_ratio(seconds["records"], seconds["grep"])
            good &= ratio <= BAR
            print(
                f"{write.__name__}, {given.megabytes:g} MB: layers=False {ratio:.2f}x grep (at most {BAR}x), "
                f"with layers {median_ratio(seconds['all'], seconds['grep']):.2f}x"
            )
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())

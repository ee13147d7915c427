"""How long the commands take from the shell's point of view, start of Python included.

    python -m tests.benchmarks.startup

Whole processes, one at a time, in turn, wall-clock time:

- ``lrsched show`` beside ``import numpy``, and whether it imports matplotlib (it must not);
- ``lrsched plot`` beside a bare script that imports ``matplotlib.figure``, draws one line and saves a PNG of the same
  size.

The exit status is 1 when show imports matplotlib, or plot costs more than 1.3 times the bare script.
"""

from __future__ import annotations

import argparse
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.benchmarks.timing import as_json, interleaved, median_ratio, shown, table

__all__ = ["Row", "main", "measure"]

ROOT = Path(__file__).parents[2]
CFG = "docs/examples/yolov3.cfg"
ROUNDS = 15
PLOT_BAR = 1.3

BARE_SHOW = "import numpy"

BARE_PLOT = """
import sys
from matplotlib.figure import Figure

path, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
figure = Figure(figsize=(width / 100, height / 100), dpi=100)
figure.subplots().plot([0, 1, 2], [0.001, 0.0001, 0.00001])
figure.savefig(path)
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One command beside its bare script."""

    command: str
    milliseconds: float
    bare: str
    bare_milliseconds: float
    ratio: float
    bar: float | None
    imports_matplotlib: bool
    reached: bool


def measure(rounds: int) -> list[Row]:
    """Run the commands and their bare scripts in turn."""
    with tempfile.TemporaryDirectory() as folder:
        picture, bare_picture = Path(folder, "plot.png"), Path(folder, "bare.png")
        lrsched = {
            "show": ["-m", "lrsched", "show", CFG],
            "plot": ["-m", "lrsched", "plot", CFG, "-o", str(picture)],
        }
        _python(lrsched["plot"])
        width, height = png_size(picture)
        bare = {
            "show": ["-c", BARE_SHOW],
            "plot": ["-c", BARE_PLOT, str(bare_picture), str(width), str(height)],
        }
        runs = {f"lrsched {name}": partial(_python, arguments) for name, arguments in lrsched.items()}
        runs |= {f"bare {name}": partial(_python, arguments) for name, arguments in bare.items()}
        order = [f"{kind} {name}" for name in lrsched for kind in ("lrsched", "bare")]
        seconds = interleaved({name: runs[name] for name in order}, rounds)
        if png_size(bare_picture) != (width, height):
            raise RuntimeError(f"the pictures differ in size: {(width, height)} and {png_size(bare_picture)}")
        imports = {name: _imports_matplotlib(arguments) for name, arguments in lrsched.items()}
    rows = []
    for name, bar, what in (
        ("show", None, BARE_SHOW),
        ("plot", PLOT_BAR, f"matplotlib.figure, one line, PNG of {width} x {height}"),
    ):
        ours, theirs = seconds[f"lrsched {name}"], seconds[f"bare {name}"]
        ratio = median_ratio(ours, theirs)
        rows.append(
            Row(
                command=f"lrsched {name} {CFG}",
                milliseconds=statistics.median(ours) * 1e3,
                bare=what,
                bare_milliseconds=statistics.median(theirs) * 1e3,
                ratio=ratio,
                bar=bar,
                imports_matplotlib=imports[name],
                reached=ratio <= bar if bar is not None else not imports[name],
            )
        )
    return rows


def png_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG in pixels."""
    with path.open("rb") as file:
        width, height = struct.unpack(">16x2I", file.read(24))
    return width, height


def _python(arguments: list[str]) -> str:
    """Run Python from the root of the checkout; what it wrote to stderr."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stderr


def _imports_matplotlib(arguments: list[str]) -> bool:
    modules = [line.rpartition("|")[2].strip() for line in _python(["-X", "importtime", *arguments]).splitlines()]
    if "numpy" not in modules:
        raise RuntimeError("the list of imported modules could not be read")
    return "matplotlib" in modules


def as_table(rows: Sequence[Row]) -> str:
    """The rows for a person to read."""
    return table(
        ["command", "ms", "bare script", "ms", "ratio", "bar", "matplotlib", ""],
        [
            [
                row.command,
                shown(row.milliseconds),
                row.bare,
                shown(row.bare_milliseconds),
                shown(row.ratio, "x"),
                "no matplotlib" if row.bar is None else f"{row.bar:g}x",
                "imported" if row.imports_matplotlib else "not imported",
                "reached" if row.reached else "MISSED",
            ]
            for row in rows
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.startup", description="Start-up of the commands.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often everything runs (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args(arguments)
    rows = measure(given.rounds)
    if given.json:
        print(as_json(rows, rounds=given.rounds))
    else:
        print(f"Whole processes, wall-clock time, medians of {given.rounds} rounds; ratio: lrsched / bare script.\n")
        print(as_table(rows))
    return int(not all(row.reached for row in rows))


if __name__ == "__main__":
    sys.exit(main())

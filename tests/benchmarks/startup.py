"""How long the commands take, start of Python included: ``python -m tests.benchmarks.startup``.

Whole processes in turn, wall-clock time: ``lrsched plan`` beside ``import numpy`` (at most 1.5 times as long), and
``lrsched plot`` beside ``import matplotlib.pyplot`` (at most 1.28 times). Exit status 1 when one takes longer.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.benchmarks.timing import asked, interleaved, median_ratio

ROOT = Path(__file__).parents[2]
CFG = "docs/examples/yolov3.cfg"
BARS = {"plan": 1.5, "plot": 1.28}


def main() -> int:
    """Measure, print, and return the exit status."""
    given = asked("startup", "Start-up of the commands.", rounds=15)
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            "plan": ["-m", "lrsched", "plan", CFG],
            "import numpy": ["-c", "import numpy"],
            "plot": ["-m", "lrsched", "plot", CFG, "-o", str(Path(folder, "plot.png"))],
            "import matplotlib.pyplot": ["-c", "import matplotlib.pyplot"],
        }
        seconds = interleaved({name: partial(python, argv) for name, argv in runs.items()}, given.rounds)
    good = True
    for name, bare in (("plan", "import numpy"), ("plot", "import matplotlib.pyplot")):
        ratio = median_ratio(seconds[name], seconds[bare])
        good &= ratio <= BARS[name]
        milliseconds = statistics.median(seconds[name]) * 1e3
        print(f"lrsched {name}: {milliseconds:.0f} ms, {ratio:.2f}x {bare} (at most {BARS[name]}x)")
    return int(not good)


def python(arguments: list[str]) -> None:
    """Run Python from the root of the checkout."""
    subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=True)


if __name__ == "__main__":
    sys.exit(main())

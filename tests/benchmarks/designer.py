"""How soon the designer answers, seen in Chromium: ``python -m tests.benchmarks.designer``.

From moving a slider to the redrawn curve with its findings, the median of twenty, for long runs (at most 50 ms), beside
a page that always gets the same answer at once; and from the command to the first picture (at most 1 s). Needs what
the tests in tests/browser need. Exit status 1 when something takes longer.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.timing import asked

BAR, FIRST_BAR = 50.0, 1000.0
CFGS = {
    "poly of 2000000 iterations": "max_batches=2000000\npolicy=poly\npower=4\n",
    "sgdr of 2000 cycles": "max_batches=2000000\npolicy=sgdr\nsgdr_cycle=1000\nsgdr_mult=1\n",
    "steps of 500000 iterations": "max_batches=500000\npolicy=steps\nsteps=400000,450000\nscales=.1,.1\n",
}
MOVE = """
const [rounds, fixed, done] = arguments;
const slider = document.querySelector("[aria-label='learning_rate, slider']");
const own = window.fetch;
const turn = () => new Promise((resolve) => {
  const channel = new MessageChannel();
  channel.port1.onmessage = resolve;
  channel.port2.postMessage(0);
});
(async () => {
  const kept = page.last, times = [];
  if (fixed) window.fetch = async () => ({ status: 200, json: async () => structuredClone(kept) });
  for (let i = 0; i < rounds; i++) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    const before = page.last, begin = performance.now();
    slider.value = 500 + (i % 2) * 40 + i;
    slider.dispatchEvent(new Event("input"));
    while (page.last === before) await turn();
    await new Promise((resolve) => requestAnimationFrame(resolve));
    await turn();
    times.push(performance.now() - begin);
  }
  window.fetch = own;
  slider.dispatchEvent(new Event("change"));
  done(times);
})();
"""


def main() -> int:
    """Measure, print, and return the exit status."""
    from tests.browser.driving import Command, Page, chromium  # noqa: PLC0415 (needs selenium)

    given = asked("designer", "The designer's answers.", rounds=20)
    good = True
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        driver = chromium(Path(folder, "profile"))
        for name, text in CFGS.items():
            path = Path(folder, "some.cfg")
            path.write_text(f"[net]\nbatch=64\nlearning_rate=0.001\n{text}")
            begin = time.perf_counter()
            command = Command(path)
            page = Page(driver, command)
            first = (time.perf_counter() - begin) * 1e3
            live, fixed = (
                statistics.median(driver.execute_async_script(MOVE, given.rounds, still)) for still in (False, True)
            )
            good &= live <= BAR and first <= FIRST_BAR
            print(
                f"{name}: slider to redraw {live:.0f} ms (at most {BAR:.0f}), with a fixed answer {fixed:.0f} ms; "
                f"command to first picture {first:.0f} ms (at most {FIRST_BAR:.0f})"
            )
            page.settled()
            command.end()
        driver.quit()
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())

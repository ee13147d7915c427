"""The command show: exact rates, where the schedule changes or at any iterations."""

import argparse
import math
from collections.abc import Iterator
from itertools import islice

from lrsched.cli import options
from lrsched.cli.options import iteration, iterations, positive
from lrsched.report import source_json
from lrsched.schedule import BLOCK, Schedule, printed_zero
from lrsched.search import first_where, zero_from
from lrsched.sources import as_schedule

EXAMPLES = """examples:
  lrsched show cfg/yolov3.cfg
  lrsched show cfg/yolov3.cfg --at 150,1000,400000
  lrsched show cfg/yolov3.cfg --every 10000 --csv
"""

MOST_MILESTONES = 20
"""More milestones than this are not listed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="CFG", help=options.SOURCE)
    options.add_cfg(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--at", type=iterations, metavar="N,N,...", help="at these iterations")
    where.add_argument("--every", type=positive, metavar="N", help="at every Nth iteration")
    parser.add_argument("--horizon", type=iteration, metavar="N", help="last iteration (default max_batches)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print comma-separated values")
    options.add_json(form)


def run(arguments: argparse.Namespace) -> int:
    source = options.read_source(arguments.source, arguments)
    schedule = as_schedule(source, ngpus=arguments.gpus)
    horizon = schedule.horizon if arguments.horizon is None else arguments.horizon
    if arguments.every is not None:
        options.need_horizon(arguments, arguments.source, source)
    rows = _rows(schedule, horizon, arguments)
    if arguments.json:
        about = source_json(None if isinstance(source, Schedule) else source, schedule, arguments.gpus)
        rates = [{"iteration": iteration, "rate": rate, "what": what} for iteration, rate, what in rows]
        options.print_json({**about, "rates": rates})
    elif arguments.csv:
        print("iteration,rate")
        for iteration_, rate, _ in rows:
            print(f"{iteration_},{rate:.9g}")  # nine digits give back every float32
    else:
        caption = str(source) if isinstance(source, Schedule) else source.caption(arguments.gpus)
        options.print_text(": ".join(dict.fromkeys((arguments.source, caption))))
        print(f"{'iteration':>10}  {'printed':>10}  {'exact':>16}")
        for iteration_, rate, what in rows:
            print(f"{iteration_:>10}  {rate:>10f}  {rate:>16.9g}  {what}".rstrip())
    return options.DONE


def _rows(schedule: Schedule, horizon: int | None, arguments: argparse.Namespace) -> Iterator[tuple[int, float, str]]:
    """Iterations with their rates and what happens there, evaluated a block at a time."""
    if arguments.every is not None:
        arguments.at = range(0, (horizon or 0) + 1, arguments.every)
    what = _key_iterations(schedule, horizon) if arguments.at is None else {}
    waiting = iter(sorted(what) if arguments.at is None else arguments.at)
    while block := list(islice(waiting, BLOCK)):
        for at, rate in zip(block, schedule(block).tolist(), strict=True):
            yield at, rate, "; ".join(what.get(at, []))


def _key_iterations(schedule: Schedule, horizon: int | None) -> dict[int, list[str]]:
    """The iterations worth a look: the first, every milestone with the iteration before it, the last."""
    last = BLOCK if horizon is None else horizon
    what: dict[int, list[str]] = {0: [], min(1, last): ["first update"]}

    def add(at: int, *words: str) -> None:
        what.setdefault(at, []).extend(words)

    milestones = list(islice(schedule.milestones(0, last), MOST_MILESTONES + 1))
    for milestone in milestones[:MOST_MILESTONES]:
        add(max(milestone - 1, 0))
        add(milestone, *_change(schedule, milestone))
    if len(milestones) > MOST_MILESTONES:
        add(milestones[MOST_MILESTONES], "more milestones follow, which are not listed")
    if schedule.warmup > 1:
        printed = first_where(schedule, 1, min(schedule.warmup, last), lambda rates: ~printed_zero(rates))
        if printed is not None and printed > 1:
            add(printed, "warm-up: printed above 0.000000 from here")
    dead = zero_from(schedule, 0, last)
    if dead is not None and dead > 0:
        add(dead, "printed as 0.000000 from here to the end")
    add(last, *([] if horizon is None else ["last iteration"]))
    return what


def _change(schedule: Schedule, milestone: int) -> Iterator[str]:
    before, after = schedule([milestone - 1, milestone]).tolist()
    if milestone == schedule.warmup:
        yield "warm-up ends"
    elif before and after and math.isfinite(after / before) and abs(after / before - 1) > 0.02:
        yield f"x {after / before:.3g}"

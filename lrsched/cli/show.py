"""The command show: exact rates, where the schedule changes or at any iterations."""

import argparse
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np

from lrsched.cli import options
from lrsched.report import source_json
from lrsched.schedule import BLOCK, Schedule, printed_zero
from lrsched.search import first_where, zero_from
from lrsched.sources import as_schedules
from lrsched.trainers import planning_of

EXAMPLES = """examples:
  lrsched show cfg/yolov3.cfg
  lrsched show cfg/yolov3.cfg --at 150,1000,400000
  lrsched show cfg/yolov3.cfg --every 10000 --csv
  lrsched show runs/train/exp --at 0,100,500     each parameter group, and momentum
"""

MOST_MILESTONES = 20  # more than these are not listed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="CFG", help=options.SOURCE)
    options.add(parser, *options.CONFIG, "--horizon")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--at", type=options.iterations, metavar="N,N,...", help="at these iterations")
    where.add_argument("--every", type=options.positive, metavar="N", help="at every Nth iteration")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print comma-separated values")
    options.add(form, "--json")


def run(arguments: argparse.Namespace) -> int:
    source = options.read_source(arguments.source, arguments)
    schedules = as_schedules(source, ngpus=arguments.gpus)
    several, schedule = len(schedules) > 1, next(iter(schedules.values()))
    horizon = schedule.horizon if arguments.horizon is None else arguments.horizon
    if arguments.every is not None:
        options.need_horizon(arguments, arguments.source, source)
    prints = isinstance(source, Schedule) or planning_of(source).terms.zero_below is not None
    rows = _rows(schedules, getattr(source, "start", 0), horizon, arguments, prints)
    if arguments.json:
        rates = [
            {"iteration": at, "rate": values[0], "what": what}
            | ({"schedules": dict(zip(schedules, values, strict=True))} if several else {})
            for at, values, what in rows
        ]
        options.print_json({**source_json(source, arguments.gpus), "rates": rates})
    elif arguments.csv:
        print(",".join(["iteration", *(schedules if several else ["rate"])]))
        for at, values, _ in rows:
            print(",".join([str(at), *(f"{value:.9g}" for value in values)]))  # nine digits give back every float32
    else:
        caption = str(source) if isinstance(source, Schedule) else source.caption(arguments.gpus)
        options.print_text(": ".join(dict.fromkeys((arguments.source, caption))))
        heads = [f"{name:>12}" for name in schedules] if several else [f"{'printed':>10}", f"{'exact':>16}"]
        print("  ".join([f"{schedule.unit:>10}", *heads]))
        for at, values, what in rows:
            shown = [f"{value:>12.6g}" for value in values] if several else [f"{values[0]:>10f}", f"{values[0]:>16.9g}"]
            print("  ".join([f"{at:>10}", *shown, what]).rstrip())
    return options.DONE


def _rows(
    schedules: Mapping[str, Schedule], start: int, horizon: int | None, arguments: argparse.Namespace, prints: bool
) -> Iterator[tuple[int, list[float], str]]:
    """Iterations with the rate of each schedule and what happens there, evaluated a block at a time."""
    if arguments.every is not None:
        arguments.at = range(start, (horizon or 0) + 1, arguments.every)
    schedule = next(iter(schedules.values()))
    what = _key_iterations(schedule, start, horizon, prints) if arguments.at is None else {}
    waiting = iter(sorted(what) if arguments.at is None else arguments.at)
    while block := list(islice(waiting, BLOCK)):
        rates = np.stack([each(block).astype(np.float64) for each in schedules.values()], axis=1)
        for at, values in zip(block, rates.tolist(), strict=True):
            yield at, values, "; ".join(what.get(at, []))


def _key_iterations(schedule: Schedule, start: int, horizon: int | None, prints: bool) -> dict[int, list[str]]:
    """The iterations worth a look: the first, every milestone with the iteration before it, the last."""
    last = BLOCK if horizon is None else horizon
    what: defaultdict[int, list[str]] = defaultdict(list, {start: []})
    if start < last:
        what[start + 1] += ["first update" if schedule.unit == "iteration" else f"second {schedule.unit}"]
    milestones = list(islice(schedule.milestones(start, last), MOST_MILESTONES + 1))
    for milestone in milestones[:MOST_MILESTONES]:
        what[max(milestone - 1, 0)] += []
        what[milestone] += _change(schedule, milestone)
    if len(milestones) > MOST_MILESTONES:
        what[milestones[MOST_MILESTONES]] += ["more milestones follow, which are not listed"]
    warmup = min(schedule.warmup, last)
    if prints and warmup > 1:
        printed = first_where(schedule, 1, warmup, lambda rates: ~printed_zero(rates))
        if printed is not None and printed > 1:
            what[printed] += ["warm-up: printed above 0.000000 from here"]
    dead = zero_from(schedule, 0, last) if prints else None
    if dead is not None and dead > 0:
        what[dead] += ["printed as 0.000000 from here to the end"]
    what[last] += [] if horizon is None else ["last iteration"]
    return what


def _change(schedule: Schedule, milestone: int) -> Iterator[str]:
    before, after = schedule([milestone - 1, milestone]).tolist()
    if milestone == schedule.warmup:
        yield "warm-up ends"
    elif before and after and math.isfinite(after / before) and abs(after / before - 1) > 0.02:
        yield f"x {after / before:.3g}"

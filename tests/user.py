"""A program of a user, which type checkers look at with lrsched installed: ``mypy --strict tests/user.py``."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

import lrsched
from lrsched import Schedule, as_schedule, get_current_rate, infer, plan, read_cfg, read_log
from lrsched.schedules import cosine, warmup
from lrsched.testing import check_schedule


def main(cfg: Path, log: Path) -> None:
    net = read_cfg(cfg)
    rate: np.float32 = get_current_rate(net, 1000)
    planned = plan(net, target=500_200)
    codes: list[str] = [finding.code for finding in planned.findings]
    schedule: Schedule = warmup(100, peak=0.1).then(cosine(peak=0.1, horizon=900))
    rates: NDArray[np.floating] = schedule(np.arange(1000))
    axes: Axes = lrsched.plot(cfg, schedule)
    found = infer(read_log(log))
    matched: int = found.matched
    again: Schedule = as_schedule(lambda t: 0.1 / (1 + t), horizon=100)
    failed: Mapping[str, str] = {each.check: each.status for each in check_schedule(again, raises=False)}
    print(rate, codes, rates, axes, matched, failed)

"""Check your own schedules: every iteration of the run is looked at, and each failure names the first that is wrong.

``check_schedule``, ``check_scheduler`` and ``parametrize_with_checks`` walk one schedule, ``check_family`` draws the
parameters of many. The first two need numpy only, the third pytest, the others Hypothesis; each is loaded when used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lrsched.testing.functions import CHECKS, check_schedule, parametrize_with_checks
from lrsched.testing.results import Result, ScheduleCheckError
from lrsched.testing.schedulers import check_scheduler

if TYPE_CHECKING:
    from lrsched.testing.family import check_family
    from lrsched.testing.strategies import schedules
    from lrsched.trainers.darknet.strategies import cfgs, from_policy

__all__ = ["CHECKS", "Result", "ScheduleCheckError"]
__all__ += ["cfgs", "check_family", "check_schedule", "check_scheduler", "from_policy"]
__all__ += ["parametrize_with_checks", "schedules"]

# these load Hypothesis, and some of them a trainer
_STRATEGIES = {
    "check_family": "lrsched.testing.family",
    "cfgs": "lrsched.trainers.darknet.strategies",
    "from_policy": "lrsched.trainers.darknet.strategies",
    "schedules": "lrsched.testing.strategies",
}


def __getattr__(name: str) -> Any:
    if name in _STRATEGIES:
        return getattr(import_module(_STRATEGIES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

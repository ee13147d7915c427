"""Check your own schedules: what can be wrong with one, each with its smallest counterexample, and what to draw.

``check_schedule`` and ``check_stateful`` need numpy only, ``parametrize_with_checks`` needs pytest, the strategies
``iterations``, ``schedules``, ``from_policy`` and ``cfgs`` need Hypothesis; each is loaded when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrsched.testing.answers import Answers
from lrsched.testing.check import CHECKS, Check, check_schedule, parametrize_with_checks
from lrsched.testing.declared import Declared
from lrsched.testing.results import Counterexample, NotJudged, Result, ScheduleCheckError
from lrsched.testing.stateful import STATEFUL_CHECKS, check_stateful
from lrsched.testing.subject import Subject, subject

if TYPE_CHECKING:
    from lrsched.testing.strategies import cfgs, from_policy, iterations, schedules

__all__ = [
    "CHECKS",
    "STATEFUL_CHECKS",
    "Answers",
    "Check",
    "Counterexample",
    "Declared",
    "NotJudged",
    "Result",
    "ScheduleCheckError",
    "Subject",
    "cfgs",
    "check_schedule",
    "check_stateful",
    "from_policy",
    "iterations",
    "parametrize_with_checks",
    "schedules",
    "subject",
]

_STRATEGIES = ("cfgs", "from_policy", "iterations", "schedules")


def __getattr__(name: str) -> Any:
    """The strategies, which load Hypothesis."""
    if name in _STRATEGIES:
        from lrsched.testing import strategies  # noqa: PLC0415 (Hypothesis may not be installed)

        return getattr(strategies, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

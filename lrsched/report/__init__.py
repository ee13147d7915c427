"""Plans and logs as text and JSON."""

from typing import Any

from lrsched.schedule import Schedule
from lrsched.trainers import planning_of

__all__ = ["source_json"]


def source_json(config: Any, schedule: Schedule, ngpus: int) -> dict[str, Any]:
    """Where rates come from: a cfg and how it is trained, or a schedule."""
    if config is None:
        return {"schedule": repr(schedule)}
    return {**planning_of(config).about(), "ngpus": ngpus}

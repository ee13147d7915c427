"""Plans and logs as text and JSON."""

from typing import Any

from lrsched.schedule import Schedule
from lrsched.trainers import Config, planning_of

__all__ = ["source_json"]


def source_json(source: Config | Schedule, ngpus: int) -> dict[str, Any]:
    """Where rates come from: a config and how it is trained, or a schedule."""
    if isinstance(source, Schedule):
        return {"schedule": repr(source)}
    return {**planning_of(source).about(), "ngpus": ngpus}

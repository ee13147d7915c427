"""Plans and logs as text and JSON."""

from typing import Any

from lrsched.schedule import Schedule

__all__ = ["source_json"]


def source_json(config: Any, schedule: Schedule, ngpus: int) -> dict[str, Any]:
    """Where rates come from: a cfg and how it is trained, or a schedule."""
    if config is None:
        return {"schedule": repr(schedule)}
    return {"cfg": config.source, "dialect": config.dialect.name, "policy": config.policy, "ngpus": ngpus}

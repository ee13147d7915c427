"""Other libraries' schedules, one module a framework: recognised, read, made. None is imported before it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from lrsched.frameworks.loading import made_by
from lrsched.schedule import Schedule

__all__ = ["SchedulerLike", "schedules_of"]


class SchedulerLike(Protocol):
    """What steps the rates of an optimizer."""

    @property
    def optimizer(self) -> Any:
        """The optimizer."""


def schedules_of(source: Any, horizon: int | None = None, target: int | None = None) -> Mapping[str, Schedule] | None:
    """Every schedule of a framework's scheduler, or of listed rates; None for anything else, which may be called.

    ``target`` is the last iteration for those that do not say where they end.
    """
    if made_by(source, "fvcore.common.param_scheduler"):
        raise TypeError(
            "a scheduler of fvcore is called with a share of the run, not with an iteration; give the function "
            "lambda t: scheduler(t / N), N being the iterations of the run"
        )
    # a command that reads a config loads none of these
    if isinstance(source, (list, tuple, np.ndarray)):
        from lrsched.frameworks.tables import from_table  # noqa: PLC0415

        return {"rate": from_table(source)}
    if not hasattr(source, "optimizer"):
        return None
    if made_by(source, "timm.scheduler"):
        from lrsched.frameworks.timm import groups_from_timm  # noqa: PLC0415

        knows = hasattr(source, "get_cycle_length")
        return groups_from_timm(source, horizon=horizon if horizon is not None or knows else target)
    if made_by(source, "torch.optim", "mmengine.optim"):
        from lrsched.frameworks.torch import groups_from_torch  # noqa: PLC0415

        return groups_from_torch(source, horizon=horizon, target=target)
    return None

"""Schedulers of timm, which are told the epoch, or the update, that comes next."""

from __future__ import annotations

from typing import Any

from lrsched.frameworks.loading import made_by
from lrsched.frameworks.torch import FOLLOWS, copied, stepped
from lrsched.numbers import whole
from lrsched.schedule import Schedule
from lrsched.schedules import combinators

__all__ = ["from_timm", "groups_from_timm"]


def from_timm(scheduler: Any, *, horizon: int | None = None, iterations_per_epoch: int | None = None) -> Schedule:
    """The rate of the first parameter group of a scheduler of timm, by the epoch it counts, or by the update.

    A copy is stepped as timm's train.py does: an epoch is trained with the rate that the step before it has set. What
    is named and what is a table, is as in :func:`lrsched.convert.from_torch`.

    Args:
        scheduler: the scheduler.
        horizon: the last epoch, or update; where it is absent the one at which its cycles end.
        iterations_per_epoch: where it counts epochs, to count iterations.

    Raises:
        ModuleNotFoundError: without torch.
        ValueError: for one that follows a metric, or an end that nobody knows.
    """
    found = groups_from_timm(scheduler, horizon=horizon, iterations_per_epoch=iterations_per_epoch)
    return next(iter(found.values()))


def groups_from_timm(
    scheduler: Any, *, horizon: int | None = None, iterations_per_epoch: int | None = None
) -> dict[str, Schedule]:
    """Every schedule of a scheduler of timm by name: ``rate``, or one for each parameter group."""
    name = type(scheduler).__name__
    if not made_by(scheduler, "timm.scheduler"):
        raise TypeError(f"from_timm: give a scheduler of timm, got {scheduler!r:.80}")
    if hasattr(scheduler, "lr_scheduler"):
        raise ValueError(f"{name} {FOLLOWS}")
    last = horizon
    if last is None and hasattr(scheduler, "get_cycle_length"):
        last = scheduler.get_cycle_length() - 1
    if last is None:
        raise ValueError(f"{name} does not say where the run ends; give horizon=N")
    made, stand = copied(scheduler)
    step = made.step if made.t_in_epochs else made.step_update
    # the first epoch is trained with the rates that it was made with
    made.update_groups(made.warmup_lr_init if getattr(made, "warmup_t", 0) else made.base_values)
    found = stepped(stand, step, name, 0, whole("horizon", last))
    if made.t_in_epochs and iterations_per_epoch is not None:
        return {key: combinators.per_epoch(each, iterations=iterations_per_epoch) for key, each in found.items()}
    return found

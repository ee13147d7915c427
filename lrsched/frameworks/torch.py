"""Schedulers of torch, and all that step an optimizer of torch in the same way: read by stepping a copy."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lrsched.frameworks.loading import needed
from lrsched.frameworks.recognition import checked, schedule_of
from lrsched.numbers import real, whole
from lrsched.schedule import Floats, Schedule

__all__ = ["copied", "from_torch", "groups_from_torch", "momentum_of", "options_of", "stepped"]

MOMENTUM = 0.9  # of an optimizer that nobody gave
ENDS = ("T_max", "total_iters")  # attributes that say where a curve ends that can be stepped further
FOLLOWS = "follows a metric of the run, so nobody knows its rates before; lrsched log reads them from a log"


def from_torch(
    scheduler: Any, optimizer: Any = None, *, lr: float | Sequence[float] | None = None, horizon: int | None = None
) -> Schedule:
    """The rate of the first parameter group of a scheduler of torch; see :func:`groups_from_torch` for all of them.

    A copy is stepped, on an optimizer that is thrown away: neither your scheduler nor your optimizer moves. A named
    schedule is given only where it agrees with the rate of *every* iteration to the rounding of float64: four units
    of the rate for each step taken, because torch multiplies the last rate, and two of the largest one. Else it is a
    table of the very rates, whose last one stays.

    ``from_torch(lambda o: StepLR(o, 30), lr=0.1, horizon=90)`` is ``step(peak=0.1, every=30, horizon=90)``.

    Args:
        scheduler: a scheduler, or a function that makes one (or a list of them) for an optimizer.
        optimizer: for a function, an optimizer whose groups and options it shall find; it is not touched.
        lr: for a function instead of an optimizer, the rate, or one for each group, of SGD with momentum 0.9.
        horizon: the last iteration; where it is absent the scheduler must say where it ends, as OneCycleLR does.

    Raises:
        ModuleNotFoundError: without torch.
        TypeError, ValueError: for what is not a scheduler, or follows a metric, or an end that nobody knows.
    """
    return next(iter(groups_from_torch(scheduler, optimizer, lr=lr, horizon=horizon).values()))


def groups_from_torch(
    scheduler: Any,
    optimizer: Any = None,
    *,
    lr: float | Sequence[float] | None = None,
    horizon: int | None = None,
    target: int | None = None,
) -> dict[str, Schedule]:
    """Every schedule of a scheduler of torch by name: ``rate``, or one for each parameter group, and ``momentum``.

    Groups with the same rates are one schedule; momentum (of Adam the first of its betas) is named where it moves.
    The arguments are those of :func:`from_torch`; ``target`` is the last iteration for one that goes on so far.
    """
    if not (callable(scheduler) or hasattr(scheduler, "step")):
        raise TypeError(f"from_torch: give a scheduler, or a function optimizer -> scheduler, got {scheduler!r}")
    if hasattr(scheduler, "optimizer"):
        if optimizer is not None or lr is not None:
            raise TypeError("from_torch: a scheduler has its own optimizer and rate; give them for a function only")
        made, stand = copied(scheduler)
    else:
        stand = _stand_in(_groups(optimizer, lr), {} if optimizer is None else optimizer.defaults)
        made = _made(scheduler, stand)
    all_made = list(made) if isinstance(made, (list, tuple)) and made else [made]
    for each in all_made:
        if not hasattr(each, "step"):
            raise TypeError(f"from_torch: the function must return a scheduler, got {each!r}")
        if hasattr(each, "num_bad_epochs"):
            raise ValueError(f"{type(each).__name__} {FOLLOWS}")
    last = horizon if horizon is not None else _own_horizon(all_made[-1], target)
    if last is None:
        raise ValueError(f"{type(all_made[-1]).__name__} does not say where the run ends; give horizon=N")

    def step(iteration: int) -> None:
        stand.step()
        for each in all_made:
            each.step()

    return stepped(stand, step, type(all_made[-1]).__name__, _taken(all_made[-1]), whole("horizon", last))


def _made(make: Callable[[Any], Any], stand: Any) -> Any:
    """What a function makes for an optimizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return make(stand)
        except Exception as why:
            raise ValueError(f"from_torch: the function makes no scheduler: {type(why).__name__}: {why}") from why


def _taken(scheduler: Any) -> int:
    """How many steps a scheduler has taken; that of mmengine has another name for it, a chain asks its parts."""
    if hasattr(scheduler, "_global_step"):
        return int(scheduler._global_step)
    parts = getattr(scheduler, "_schedulers", ())
    return int(scheduler.last_epoch) if hasattr(scheduler, "last_epoch") else _taken(parts[0]) if parts else 0


def _own_horizon(scheduler: Any, target: int | None = None) -> int | None:
    """The last iteration of a scheduler that knows where it ends, or ``target`` where it goes on; None without both."""
    inner = getattr(scheduler, "_schedulers", None)
    if inner and hasattr(scheduler, "_milestones"):  # one after another
        begun = int(scheduler._milestones[-1])
        last = _own_horizon(inner[-1], None if target is None else target - begun)
        return None if last is None else begun + last
    if inner:
        return max((end for each in inner if (end := _own_horizon(each, target)) is not None), default=None)
    if isinstance(end := getattr(scheduler, "total_steps", None), int):
        return end - 1  # it cannot be stepped much further
    ends = [getattr(scheduler, name, None) for name in ENDS]
    return max((int(end) for end in (*ends, target) if isinstance(end, (int, float))), default=None)


# --- a copy that is stepped -------------------------------------------------------------------------------------------


def _stand_in(groups: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> Any:
    """An optimizer with these options, one group each, that trains nothing."""
    with needed("torch"):
        import torch  # noqa: PLC0415 (loaded only by those who have it)

    class StandIn(torch.optim.Optimizer):  # type: ignore[misc]
        def step(self, closure: Any = None) -> None:
            """Move nothing."""

    own = [{**copy.deepcopy(dict(group)), "params": [torch.zeros(1, requires_grad=True)]} for group in groups]
    return StandIn(own, dict(defaults) or {key: value for key, value in own[0].items() if key != "params"})


def _groups(optimizer: Any, lr: float | Sequence[float] | None) -> list[dict[str, Any]]:
    """The options of each group of an optimizer, or of one with these rates."""
    if (optimizer is None) == (lr is None):
        raise TypeError("from_torch: a function needs the rate that it begins from; give lr=... or optimizer=...")
    if optimizer is not None:
        return options_of(optimizer)
    given: Any = lr
    rates = list(given) if np.ndim(given) == 1 and len(given) else [given]
    return [{"lr": real("lr", each), "momentum": MOMENTUM} for each in rates]


def options_of(optimizer: Any) -> list[dict[str, Any]]:
    """What the groups of an optimizer say, without the weights."""
    groups = getattr(optimizer, "param_groups", None)
    if not groups:
        raise TypeError(f"expected an optimizer of torch, got {optimizer!r:.80}")
    return [{key: value for key, value in group.items() if key not in ("params", "param_names")} for group in groups]


def copied(scheduler: Any) -> tuple[Any, Any]:
    """A copy of a scheduler, and the optimizer it steps, which has no weights."""
    optimizer = scheduler.optimizer
    stand = _stand_in(options_of(optimizer), getattr(optimizer, "defaults", {}))
    return copy.deepcopy(scheduler, {id(optimizer): stand}), stand


def stepped(stand: Any, step: Callable[[int], object], name: str, first: int, last: int) -> dict[str, Schedule]:
    """What the groups of an optimizer are set to at each iteration ``first..last``, ``step`` coming before each."""
    if last < first:
        raise ValueError(f"{name} has already taken {first} steps, so horizon must not be below {first}, got {last}")
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for iteration in range(first, last + 1):
            if iteration > first:
                _once(step, iteration, name)
            rows.append([(float(group["lr"]), momentum_of(group)) for group in stand.param_groups])
    table: Floats = np.array(rows, np.float64)
    names = [str(group.get("name", f"group {number}")) for number, group in enumerate(stand.param_groups)]
    found: dict[str, Schedule] = {}
    for which, word in enumerate(("rate", "momentum")):
        values = table[:, :, which]
        if word == "momentum" and (np.isnan(values).any() or (values == values[0]).all()):
            continue
        same = (values == values[:, :1]).all()
        for number, each in enumerate(names[:1] if same else names):
            own = word if same else each if word == "rate" else f"{word} of {each}"
            found[own] = schedule_of(checked(name, values[:, number], first), first=first)
    return found


def _once(step: Callable[[int], object], iteration: int, name: str) -> None:
    try:
        step(iteration)
    except (ArithmeticError, IndexError, ValueError) as why:
        raise ValueError(
            f"{name} cannot be stepped to iteration {iteration}: {why}; give horizon={iteration - 1} or less"
        ) from why


def momentum_of(group: Mapping[str, Any]) -> float:
    """The momentum of a parameter group, of Adam the first of its betas; NaN where it has none."""
    found = group.get("momentum", group.get("betas", (np.nan,))[0])
    return float(found)

"""Anything that has rates as a scheduler of torch, and as what a Trainer of transformers takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lrsched.frameworks.loading import needed
from lrsched.frameworks.torch import momentum_of, options_of
from lrsched.schedule import Schedule
from lrsched.sources import Source, as_schedules
from lrsched.text import joined

__all__ = ["to_torch", "to_transformers"]

NO_OPTION = ("accumulate", "weight decay", "batch")  # what runs schedule and no optimizer knows by this name


def to_torch(source: Source, optimizer: Any, *, last_epoch: int = -1, **options: Any) -> Any:
    """A scheduler of torch that sets the rates of an optimizer: after k steps to those of iteration k, exactly.

    Its ``state_dict`` holds plain numbers, loads with ``torch.load(..., weights_only=True)``, and resumes exactly. The
    rate that the optimizer was made with does not matter. ``source`` may be a mapping:

    - one rate is that of all parameter groups; several are those of the groups, in their order, or by the name that a
      group has (``"name"``, else ``"group 0"``, ``"group 1"``);
    - ``"momentum"`` is that of all groups (in Adam the first of the betas), and so is any other option of the groups,
      such as ``"weight_decay"``; ``"momentum of group 1"`` is that of one.

    Two examples are ``to_torch("yolov3.cfg", optimizer)`` and ``to_torch({"rate": run, "momentum": two}, optimizer)``.

    Args:
        source: what :func:`lrsched.as_schedule` takes, or a mapping of such by name.
        optimizer: the optimizer whose groups it sets.
        last_epoch: the last iteration that was trained, as torch counts; needs ``initial_lr`` in the groups, as torch.
        options: those of :func:`lrsched.as_schedule`.

    Raises:
        ModuleNotFoundError: without torch.
        OSError, TypeError, ValueError: for what is not a schedule, or does not fit the groups of the optimizer.
    """
    curves = _curves(as_schedules(source, **options), options_of(optimizer))
    return __getattr__("Scheduler")(optimizer, curves, last_epoch)


def to_transformers(
    source: Source, model: Any = None, arguments: Any = None, *, optimizer: Any = None, **options: Any
) -> tuple[Any, Any]:
    """The optimizer and the scheduler that a Trainer of transformers takes as ``optimizers=``.

    The optimizer is the one the Trainer would make for its model and TrainingArguments, or your own. The Trainer steps
    the scheduler once for each update, with any number of processes; ``learning_rate``, ``lr_scheduler_type`` and the
    warm-up of the arguments no longer matter.

    ``Trainer(model, arguments, optimizers=to_transformers(run, model, arguments))`` trains with it.

    Raises:
        ModuleNotFoundError: without torch, or, where it makes the optimizer, transformers.
        OSError, TypeError, ValueError: as :func:`to_torch`.
    """
    if (optimizer is None) == (model is None or not hasattr(arguments, "output_dir")):
        raise TypeError("to_transformers: give the model and the TrainingArguments, or optimizer=...")
    if optimizer is None:
        with needed("transformers"):
            from transformers import Trainer  # noqa: PLC0415 (loaded only by those who have it)

        optimizer = Trainer(model=model, args=arguments).create_optimizer()
    return optimizer, to_torch(source, optimizer, **options)


def _curves(
    schedules: Mapping[str, Schedule], groups: Sequence[Mapping[str, Any]]
) -> tuple[tuple[int, str, Schedule], ...]:
    """For each schedule the numbers of the groups, and the option, that it sets."""
    names = [str(group.get("name", f"group {number}")) for number, group in enumerate(groups)]
    everywhere, options, rates = range(len(groups)), {key for group in groups for key in group}, {}
    curves: list[tuple[int, str, Schedule]] = []
    for key, schedule in schedules.items():
        option, _, group = key.partition(" of ")
        if group and option in (*options, "momentum"):
            if group not in names:
                raise ValueError(f"{key}: there is no such parameter group; there are {joined(names)}")
            curves.append((names.index(group), option, schedule))
        elif key == "momentum" or (key in options and key != "lr"):
            curves += ((number, key, schedule) for number in everywhere)
        elif key in NO_OPTION:
            raise ValueError(f"no parameter group has such a value as {key}; leave that schedule out")
        else:
            rates[key] = schedule
    if len(rates) == 1:
        curves += ((number, "lr", next(iter(rates.values()))) for number in everywhere)
    elif set(rates) == set(names):
        curves += ((names.index(key), "lr", schedule) for key, schedule in rates.items())
    elif len(rates) == len(groups):
        curves += ((number, "lr", schedule) for number, schedule in enumerate(rates.values()))
    elif rates:
        raise ValueError(
            f"the optimizer has {len(groups)} parameter groups ({joined(names)}), the schedules are {joined(rates)}: "
            "give one rate, or one for each group, in their order"
        )
    for number, option, _ in curves:
        there: Any = momentum_of(groups[number]) if option == "momentum" else groups[number].get(option)
        number_there = type(there) in (int, float) and not math.isnan(there)
        if not (number_there or hasattr(there, "fill_")):
            raise ValueError(f"the optimizer has no number as {option} in {names[number]}; leave that schedule out")
    return tuple(curves)


def _set_option(group: dict[str, Any], option: str, value: float) -> None:
    """Write an option of a parameter group; the momentum of Adam is the first of its betas."""
    if option == "momentum" and "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    elif hasattr(group.get(option), "fill_"):
        group[option].fill_(value)  # a compiled step reads this very tensor
    else:
        group[option] = value


def __getattr__(name: str) -> Any:
    """The class ``Scheduler``, made when it is first asked for: by :func:`to_torch`, or by pickle."""
    if name != "Scheduler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needed("torch"):
        from torch.optim.lr_scheduler import LRScheduler  # noqa: PLC0415 (loaded only by those who have it)

    class Scheduler(LRScheduler):  # type: ignore[misc]
        """Sets the rates, and other options, of an optimizer to what schedules say."""

        def __init__(self, optimizer: Any, curves: Any, last_epoch: int = -1) -> None:
            self.curves = curves
            super().__init__(optimizer, last_epoch)

        def get_lr(self) -> list[float]:
            rates = {number: schedule for number, option, schedule in self.curves if option == "lr"}
            groups = enumerate(self.optimizer.param_groups)
            return [float(rates[n](self.last_epoch)) if n in rates else group["lr"] for n, group in groups]

        _get_closed_form_lr = get_lr

        def step(self, epoch: int | None = None) -> None:
            super().step(epoch)
            self._set()

        def _set(self, *, rates: bool = False) -> None:
            for number, option, schedule in self.curves:
                if rates or option != "lr":
                    _set_option(self.optimizer.param_groups[number], option, float(schedule(self.last_epoch)))
            self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

        def state_dict(self) -> dict[str, Any]:
            return {key: getattr(self, key) for key in ("last_epoch", "_step_count", "_last_lr")}

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            if not (isinstance(state_dict, dict) and {"last_epoch", "_step_count"} <= set(state_dict)):
                raise ValueError(f"this is not the state of a scheduler: {state_dict!r:.80}")
            self.__dict__.update({key: state_dict[key] for key in ("last_epoch", "_step_count")})
            self._set(rates=True)  # in whatever order the optimizer is loaded

    Scheduler.__qualname__ = "Scheduler"
    globals()["Scheduler"] = Scheduler
    return Scheduler

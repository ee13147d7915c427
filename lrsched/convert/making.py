"""Anything that has rates as a scheduler of torch, a function for optax, and what a Trainer of transformers takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lrsched.frameworks.loading import needed
from lrsched.frameworks.optax import function_of
from lrsched.frameworks.torch import scheduler_of
from lrsched.sources import Source, as_schedule, as_schedules

__all__ = ["to_optax", "to_torch", "to_transformers"]


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
        OSError, TypeError, ValueError: for what is no schedule, or as many as fit to no optimizer with such groups.
    """
    return scheduler_of(as_schedules(source, **options), optimizer, last_epoch)


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


def to_optax(source: Source | Mapping[str, Any], *, horizon: int | None = None, **options: Any) -> Callable[[Any], Any]:
    """A function of the count of updates for optax: it can be compiled, mapped and injected as a hyper-parameter.

    The rates of all iterations up to the horizon are listed once, in float64, and looked up by the count, so that each
    is the exact rate rounded to float32 (or not at all, where jax keeps float64). Between two counts, if a count is not
    whole, lies a straight line. After the horizon the last rate stays where that of the schedule does; else the rate is
    NaN, because compiled code cannot raise: give ``horizon`` as far as you train.

    ``optax.sgd(to_optax("yolov3.cfg"))`` trains with the rates of darknet.

    Args:
        source: what :func:`lrsched.as_schedule` takes.
        horizon: the last iteration; the schedule's own when absent.
        options: those of :func:`lrsched.as_schedule`.

    Raises:
        ModuleNotFoundError: without jax.
        OSError, TypeError, ValueError: for what is no schedule, or one without a horizon.
    """
    return function_of(as_schedule(source, **options), horizon)

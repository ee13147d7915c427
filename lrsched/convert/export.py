"""Any schedule as code of a framework: its class where that has the rates, else a function; or as a cfg of darknet."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lrsched.convert.classes import call, keras_class, known, optax_call, torch_call, transformers_call
from lrsched.convert.source import Language, function_text, known_horizon
from lrsched.schedule import Schedule
from lrsched.sources import Source, as_schedule
from lrsched.text import did_you_mean
from lrsched.trainers.darknet.dialects import Dialect
from lrsched.trainers.darknet.nearest import Fit, nearest

__all__ = ["TARGETS", "export_source", "fit_cfg"]

PER_EPOCH = "make it lrsched.schedules.per_epoch(schedule, iterations=N) first, with the iterations of an epoch"

WIDTH = 90  # a longer call is written on several lines


def export_source(source: Source, to: str, *, horizon: int | None = None, **options: Any) -> str:
    """The text of a module with a schedule: ``"torch"``, ``"transformers"``, ``"optax"``, ``"keras"`` or ``"python"``.

    Where a class or a function of the framework has the rates of the whole run, it stands there; else the function of
    :func:`to_source` in what the framework steps. Neither needs lrsched.

    >>> from lrsched.schedules import cosine
    >>> print(export_source(cosine(peak=0.1, horizon=20_000), "torch"))
    from torch.optim.lr_scheduler import CosineAnnealingLR
    <BLANKLINE>
    LEARNING_RATE = 0.1  # of the optimizer
    <BLANKLINE>
    <BLANKLINE>
    def make_scheduler(optimizer):
        ...
        return CosineAnnealingLR(optimizer, T_max=20000, eta_min=0.0)
    <BLANKLINE>

    Raises:
        OSError, TypeError, ValueError: for what has no rate, or neither a formula nor a horizon.
    """
    if to not in TARGETS:
        raise ValueError(f"to must be one of {', '.join(map(repr, TARGETS))}, got {to!r}{did_you_mean(to, TARGETS)}")
    schedule = as_schedule(source, horizon=horizon, **options)
    last = schedule.horizon if horizon is None else horizon
    if schedule.unit != "iteration" and to not in ("torch", "python"):
        raise ValueError(f"{to} counts steps, the schedule {schedule.unit}s; {PER_EPOCH}")
    return TARGETS[to](schedule, last)


def fit_cfg(
    source: Source, horizon: int | None = None, *, steps: int = 12, dialect: str | Dialect = "alexeyab", **options: Any
) -> Fit:
    """The cfg of darknet whose rates are nearest to those of anything that has a schedule.

    Every policy is tried with and without a burn-in, and the best possible ``steps``. The cfg returned has the smallest
    largest relative error of the rate over iterations 1 to the horizon (see :class:`Fit`). Rates below a thousandth of
    the peak count as that thousandth.

    >>> from lrsched.schedules import linear, multi_step
    >>> print(fit_cfg(multi_step(peak=0.1, milestones=[8000, 9000], horizon=10_000, warmup=500)))
    [net]
    batch=64
    subdivisions=16
    learning_rate=0.1
    burn_in=500
    max_batches=10000
    policy=steps
    power=1
    steps=8000,9000
    scales=0.1,0.1
    >>> print(fit_cfg(linear(peak=0.1, final=0.001, horizon=10_000), steps=4).sentence)
    The rate of the cfg is off by at most 59.1 %, at iteration 6050: 0.0252 in place of 0.04011.

    ``horizon`` is the schedule's own when absent; ``options`` are those of :func:`lrsched.as_schedule`.

    Raises:
        OSError, TypeError, ValueError: for what has no rate; for rates that are negative or not finite, with the
            iteration; for a run without an end, or longer than 2**24 iterations.
    """
    schedule = as_schedule(source, horizon=horizon, **options)
    return nearest(schedule, known_horizon(schedule, horizon), steps, dialect)


def _laid_out(code: str, indent: str = "") -> str:
    """A call on one line, or, where that is long, each of its arguments on its own."""
    tree = ast.parse(code, mode="eval").body
    if len(indent) + len(code) > WIDTH and isinstance(tree, (ast.Call, ast.List)):
        parts = tree.elts if isinstance(tree, ast.List) else [*tree.args, *tree.keywords]
        deeper = f"{indent}    "
        begin, end = ("[", "]") if isinstance(tree, ast.List) else (f"{ast.unparse(tree.func)}(", ")")
        lines = (ast.unparse(part) for part in parts)
        texts = (
            line if isinstance(part, ast.keyword) else _laid_out(line, deeper)
            for line, part in zip(lines, parts, strict=True)
        )
        return "\n".join([begin, *(f"{deeper}{text}," for text in texts), f"{indent}{end}"])
    return code


def _scheduler(schedule: Schedule, horizon: int | None, library: str, code: str | None) -> str:
    """A function that makes a scheduler: by a call of a library, or torch's LambdaLR with the function of the rates."""
    imports = functions = ""
    if code is None:
        imports, functions = _split(schedule, horizon, "python")
        library, code = "torch.optim.lr_scheduler", "LambdaLR(optimizer, lambda t: learning_rate(t) / LEARNING_RATE)"
    head = "\n\n".join(filter(None, [imports, f"from {library} import {code.partition('(')[0]}"]))
    rate_line = f"LEARNING_RATE = {_base(schedule, horizon)!r}  # of the optimizer"
    about = f'    """A scheduler to step after every {schedule.unit}, of an optimizer with lr=LEARNING_RATE."""'
    function = f"def make_scheduler(optimizer):\n{about}\n    return {_laid_out(code, '    ')}\n"
    return "\n".join([head, "", rate_line, "", "", *([functions, ""] if functions else []), function])


def _torch(schedule: Schedule, horizon: int | None) -> str:
    return _scheduler(schedule, horizon, "torch.optim.lr_scheduler", torch_call(schedule, horizon))


def _transformers(schedule: Schedule, horizon: int | None) -> str:
    text = _scheduler(schedule, horizon, "transformers", transformers_call(schedule, horizon))
    return f"{text}\n\n# Trainer(..., optimizers=(optimizer, make_scheduler(optimizer)))\n"


def _split(schedule: Schedule, horizon: int | None, language: Language) -> tuple[str, str]:
    """The imports and the functions of a text."""
    text = function_text(schedule, horizon, language)
    head, _, code = text.partition("\n\n\n") if not text.startswith("def ") else ("", "", text)
    return head, code


def _base(schedule: Schedule, horizon: int | None) -> float:
    """The rate that an optimizer is made with: the one that people write, or the largest of the run."""
    policy, hyp = getattr(schedule, "policy", schedule), getattr(schedule, "hyp", None)
    _, a = known(policy, horizon)
    written = a.get("peak") or a.get("rate") or getattr(policy, "learning_rate", 0.0) or getattr(hyp, "lr0", 0.0)
    if written:
        return float(written)
    rates = np.asarray(schedule(np.linspace(0, known_horizon(schedule, horizon), 1000).astype(np.int64)), np.float64)
    return float(rates.max()) if rates.max() > 0 else 1.0


def _optax(schedule: Schedule, horizon: int | None) -> str:
    code = optax_call(schedule, horizon)
    if code is None:
        return function_text(schedule, horizon, "jax")
    return f"import optax\n\nlearning_rate = {_laid_out(code)}\n"


KERAS_CLASS = '''

class LearningRate(schedules.LearningRateSchedule):
    """The rate of every step, for an optimizer: SGD(LearningRate())."""

    def __call__(self, step):
        return learning_rate(step)

    def get_config(self):
        return {}
'''


def _keras(schedule: Schedule, horizon: int | None) -> str:
    found = keras_class(schedule, horizon)
    if found is not None:
        name, first, others = found
        code = call(f"schedules.{name}", repr(first), **others)
        return f"from keras.optimizers import schedules\n\nlearning_rate = {_laid_out(code)}\n"
    imports, functions = _split(schedule, horizon, "keras")
    head = "\n".join(filter(None, [imports, "from keras.optimizers import schedules"]))
    return f"{head}\n\n\n{functions}{KERAS_CLASS}"


TARGETS: Mapping[str, Callable[[Schedule, int | None], str]] = {
    "torch": _torch,
    "transformers": _transformers,
    "optax": _optax,
    "keras": _keras,
    "python": lambda schedule, horizon: function_text(schedule, horizon, "python"),
}
"""What writes the code, by the name of the framework."""

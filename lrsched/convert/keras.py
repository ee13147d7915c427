"""Anything that has rates as a LearningRateSchedule of keras: one of keras' own classes where it is one, else ours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lrsched.convert.classes import keras_class
from lrsched.convert.optax import listed
from lrsched.frameworks.keras import compiles, rates_in_keras
from lrsched.frameworks.loading import needed
from lrsched.frameworks.recognition import SINGLE, schedule_of
from lrsched.schedule import Floats, Schedule
from lrsched.schedules import Named
from lrsched.serialize import KIND, from_dict, to_dict
from lrsched.sources import Source, as_schedule

__all__ = ["keras_objects", "to_keras"]

DROPS = 100  # so many drops of an endless schedule are compared with those of keras' own class
MOST_RATES = 2**22  # so many rates are compared where keras compiles
MOST_CALLS = 10_000  # so many where each is a call


def to_keras(source: Source, *, horizon: int | None = None, **options: Any) -> Any:
    """A LearningRateSchedule of keras with these rates, in float32.

    Where one of keras' own classes has every rate, to the rounding of float32, it is that class, and a saved model
    loads without lrsched. Else it is a class of lrsched that looks the rates up, as :func:`to_optax` does; to load a
    model with it, pass ``custom_objects=lrsched.convert.keras_objects()``.

    ``keras.optimizers.SGD(to_keras("yolov3.cfg"))`` trains with the rates of darknet.

    Args:
        source: what :func:`lrsched.as_schedule` takes.
        horizon: the last iteration; the schedule's own when absent.
        options: those of :func:`lrsched.as_schedule`.

    Raises:
        ModuleNotFoundError: without keras.
        OSError, TypeError, ValueError: for what is not a schedule, or has no horizon.
    """
    schedule = as_schedule(source, **options)
    with needed("keras"):
        from keras.optimizers import schedules  # noqa: PLC0415 (loaded only by those who have it)

    # darknet's own rates are float32 numbers, which only a table has to the bit
    found = keras_class(schedule, horizon) if isinstance(schedule, Named) else None
    own = None if found is None else getattr(schedules, found[0])(found[1], **found[2])
    if own is not None and _agree(own, schedule, horizon):
        return own
    rates, after = listed(schedule, horizon)
    return _class()(_stored(schedule, rates), horizon=rates.size - 1, stays=not math.isnan(after))


def _agree(own: Any, schedule: Schedule, horizon: int | None) -> bool:
    """Whether a schedule of keras has the rates of ours at every iteration, and where the next 100 rules begin."""
    last = horizon if horizon is not None else schedule.horizon or 1
    for bend, _ in zip(schedule.milestones(last + 1, 2**24), range(DROPS), strict=False):
        last = bend
    most = MOST_RATES if compiles() else MOST_CALLS
    t = np.arange(last + 2) if last < most else np.unique(np.linspace(0, last + 1, most).astype(np.int64))
    rates = schedule(t)
    return bool((np.abs(rates_in_keras(own, t) - rates) <= SINGLE * rates.max()).all())


def _stored(schedule: Schedule, rates: Floats) -> dict[str, Any]:
    """The schedule as data that names nothing to import; as a table where there is no other way."""
    try:
        data = to_dict(schedule)
    except ValueError:
        data = {KIND: "as_schedule"}
    if _imports(data):
        data = to_dict(schedule_of(rates, np.zeros_like(rates)))
    return data


def _imports(data: Any) -> bool:
    """Whether stored data names a function or a class to import."""
    if isinstance(data, Mapping):
        named = str(data.get(KIND, ""))
        return ":" in named or named == "as_schedule" or any(map(_imports, data.values()))
    return isinstance(data, list) and any(map(_imports, data))


def keras_objects() -> dict[str, Any]:
    """The class that :func:`to_keras` makes, as ``custom_objects`` for ``keras.models.load_model``."""
    return {"lrsched>Listed": _class()}


def _class() -> Any:
    """The class, made when it is first needed, because it is derived from one of keras."""
    if "Listed" in globals():
        return globals()["Listed"]
    with needed("keras"):
        import keras  # noqa: PLC0415 (loaded only by those who have it)

    class Listed(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        """The rates of a schedule of lrsched, looked up by the step."""

        def __init__(self, schedule: Mapping[str, Any], horizon: int, stays: bool, name: str = "lrsched") -> None:
            super().__init__()
            if _imports(schedule):
                raise ValueError("a saved schedule may not name a function to import")
            self.config = {"schedule": dict(schedule), "horizon": horizon, "stays": stays, "name": name}
            self._rates, _ = listed(from_dict(schedule), horizon)
            self._after = float(self._rates[-1]) if stays else math.nan

        def __call__(self, step: Any) -> Any:
            ops, last = keras.ops, self._rates.size - 1
            at = ops.cast(step, "int32")
            rates = ops.convert_to_tensor(self._rates.astype(keras.config.floatx()))
            rate = ops.take(rates, ops.clip(at, 0, last))
            return ops.where(at > last, ops.cast(self._after, rate.dtype), rate)

        def get_config(self) -> dict[str, Any]:
            return dict(self.config)

    Listed.__qualname__ = "Listed"
    globals()["Listed"] = keras.saving.register_keras_serializable("lrsched")(Listed)
    return globals()["Listed"]

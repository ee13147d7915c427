"""What each version of the trainers does with the same numbers: one frozen value per era; they differ nowhere else.

All of them step torch's ``LambdaLR`` once an epoch, and overwrite the rates of each iteration while it warms up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.text import joined
from lrsched.trainers.yaml import ConfigError

__all__ = ["DECAY_KEYS", "ERAS", "NEWEST", "Decay", "Era", "era_named", "era_of"]

Integers: TypeAlias = NDArray[np.int64]


class Decay(NamedTuple):
    """How the factor of the rate falls."""

    name: str  #: what people call it
    formula: Callable[[int, int, float], float]  #: of x, epochs and lrf, in Python's floats as the trainers have them
    captured: bool = False  #: whether it keeps the epochs it was made with, also where a fine-tune adds some


def linear(x: int, epochs: int, lrf: float) -> float:
    """``(1 - x/epochs)(1 - lrf) + lrf``, negative from x = epochs/(1 - lrf) on.

    >>> linear(0, 100, 0.01), round(linear(99, 100, 0.01), 6), linear(102, 100, 0.01) < 0
    (1.0, 0.0199, True)
    """
    return (1 - x / epochs) * (1.0 - lrf) + lrf


def clamped(x: int, epochs: int, lrf: float) -> float:
    """As ``linear``, but no lower than lrf."""
    return max(1 - x / epochs, 0) * (1.0 - lrf) + lrf


def to_the_last(x: int, epochs: int, lrf: float) -> float:
    """As ``linear``, but lrf is reached at the last epoch, not after it; a run of one epoch divides by zero."""
    return (1 - x / (epochs - 1)) * (1.0 - lrf) + lrf if epochs > 1 else math.nan


def cosine(x: int, epochs: int, lrf: float) -> float:
    """``((1 + cos(pi x/epochs))/2)(1 - lrf) + lrf``: the early way to write ``one_cycle``."""
    return ((1 + math.cos(x * math.pi / epochs)) / 2) * (1 - lrf) + lrf


def one_cycle(x: int, epochs: int, lrf: float) -> float:
    """``((1 - cos(pi x/epochs))/2)(lrf - 1) + 1``, which rises again after the last epoch."""
    return ((1 - math.cos(x * math.pi / epochs)) / 2) * (lrf - 1) + 1


def flat_cosine(x: int, epochs: int, lrf: float) -> float:
    """1 over the first half of the epochs, ``one_cycle`` over the second."""
    half = epochs // 2
    return ((1 - math.cos((x - half) * math.pi / half)) / 2) * (lrf - 1) + 1 if x > half else 1


def fixed(x: int, epochs: int, lrf: float) -> float:
    """1 in every epoch."""
    return 1.0


# the options that choose a decay, where an era has them; the first that is set counts
DECAY_KEYS = ("cos_lr", "linear_lr", "flat_cos_lr", "fixed_lr")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Era:
    """Versions of a trainer that compute the same rates; there is one value of each."""

    name: str  #: how it is asked for
    title: str  #: the versions, as people call them
    decays: Mapping[str, Decay]  #: each by the option that chooses it; the one without an option is the default
    bias: int = 0  #: which parameter group holds the biases
    floor: int = 100  #: the fewest iterations of the warm-up
    always_warms: bool = True  #: whether the floor holds with ``warmup_epochs: 0`` as well
    capped: bool = False  #: whether the warm-up is at most one epoch shorter than the run
    inclusive: bool = True  #: whether the last iteration of the warm-up (``ni == nw``) is part of it
    lags: bool = True  #: whether epoch e has the factor of e - 1: the scheduler is stepped after it, and set back
    fixed: Mapping[str, float] = field(default_factory=dict)  #: numbers of the code, whatever a config says
    auto: bool = False  #: whether it knows ``optimizer: auto``
    resume_reads: str = "opt.yaml"  #: where ``resume`` takes the epochs from, whatever the command line says
    lrf: float = 0.01  #: its default

    def __repr__(self) -> str:
        return f"ERAS[{self.name!r}]"

    def __reduce__(self) -> tuple[Callable[[str], Era], tuple[str]]:
        return era_named, (self.name,)

    def decay(self, option: str) -> Decay:
        """The decay that an option chooses."""
        return self.decays[option if option in self.decays else ""]

    def warmup(self, warmup_epochs: float, epochs: int, nb: Any) -> Integers:
        """nw, the length of the warm-up in iterations, for a number (or many) of iterations per epoch.

        >>> [int(era.warmup(0, 300, 10)) for era in (ERAS["yolov5-v6.1"], ERAS["yolov5-v6.2"], ERAS["ultralytics"])]
        [1000, 100, -1]
        """
        if warmup_epochs <= 0 and not self.always_warms:
            return np.full(np.shape(nb), -1)
        length = min(warmup_epochs, epochs - 1) if self.capped else warmup_epochs
        return np.maximum(np.rint(length * np.asarray(nb)), self.floor).astype(np.int64)

    def last_warm(self, nw: Any) -> Any:
        """The last iteration that a warm-up of nw writes."""
        return nw if self.inclusive else nw - 1


LINEAR, CLAMPED = Decay("linear", linear), Decay("linear", clamped)
COSINE = Decay("cosine", one_cycle, captured=True)
CHOICE = {"": LINEAR, "cos_lr": COSINE}
FLAT, FIXED = Decay("flat, then cosine", flat_cosine, captured=True), Decay("fixed", fixed)

# what several eras have in common
BEFORE_6_2: dict[str, Any] = {"bias": 2, "floor": 1000}
BEFORE_4: dict[str, Any] = {**BEFORE_6_2, "decays": {"": Decay("cosine", cosine)}}
BEFORE_3_1 = {"warmup_epochs": 3.0, "warmup_bias_lr": 0.1, "warmup_momentum": 0.9}
VERSION_5: dict[str, Any] = {**BEFORE_6_2, "decays": {"": COSINE, "linear_lr": Decay("linear", to_the_last)}}
NOW: dict[str, Any] = {"auto": True, "resume_reads": "the checkpoint"}
LATER: dict[str, Any] = {**NOW, "decays": {"": CLAMPED, "cos_lr": COSINE}, "always_warms": False, "lags": False}

_ERAS = (
    Era(name="yolov5-v1", title="YOLOv5 v1.0", fixed={**BEFORE_3_1, "lrf": 0.1}, **BEFORE_4),
    Era(name="yolov5-v2", title="YOLOv5 v2.0 and v3.0", fixed={**BEFORE_3_1, "lrf": 0.2}, **BEFORE_4),
    Era(name="yolov5-v3.1", title="YOLOv5 v3.1", lrf=0.2, **BEFORE_4),
    Era(name="yolov5-v4", title="YOLOv5 v4.0", decays={"": COSINE}, lrf=0.2, **BEFORE_6_2),
    Era(name="yolov5-v5", title="YOLOv5 v5.0 and v6.0", lrf=0.2, **VERSION_5),
    Era(name="yolov5-v6.1", title="YOLOv5 v6.1", decays=CHOICE, **BEFORE_6_2),
    Era(name="yolov5-v6.2", title="YOLOv5 v6.2 and v7.0", decays=CHOICE),
    Era(name="yolov7", title="YOLOv7", lrf=0.1, **VERSION_5),
    Era(name="yolov9", title="YOLOv9", decays={**CHOICE, "flat_cos_lr": FLAT, "fixed_lr": FIXED}),
    Era(name="ultralytics-8.0", title="Ultralytics 8.0", decays=CHOICE, **NOW),
    Era(name="ultralytics-8.3", title="Ultralytics 8.2 and 8.3", **LATER),
    Era(name="ultralytics", title="Ultralytics", floor=0, capped=True, inclusive=False, **LATER),
)

ERAS: Mapping[str, Era] = {era.name: era for era in _ERAS}
"""Every era by its name, in the order of time."""

NEWEST = "ultralytics"


def era_named(name: str) -> Era:
    """The era of that name.

    Raises:
        ConfigError: for a name that no era has.
    """
    if name not in ERAS:
        raise ConfigError(f"no era is called {name!r}; write {joined(ERAS, 'or')}.")
    return ERAS[name]


# the first whose keys are all there; a key with a leading "-" must not be there
_SIGNS: tuple[tuple[str, str], ...] = (
    ("flat_cos_lr", "yolov9"),
    ("min_items", "yolov9"),
    ("nbs copy_paste_mode", "ultralytics-8.3"),
    ("nbs", "ultralytics-8.0"),
    ("task mode", "ultralytics-8.0"),
    ("cos_lr seed", "yolov5-v6.2"),
    ("cos_lr", "yolov5-v6.1"),
    ("loss_ota", "yolov7"),
    ("v5_metric", "yolov7"),
    ("linear_lr", "yolov5-v5"),
    ("noval", "yolov5-v5"),
    ("warmup_epochs copy_paste", "yolov5-v6.2"),
    ("warmup_epochs project", "yolov5-v4"),
    ("warmup_epochs epochs", "yolov5-v3.1"),
    ("warmup_epochs", "yolov5-v6.2"),
    ("giou optimizer", "yolov5-v1"),
    ("giou", "yolov5-v2"),
)


def era_of(keys: Collection[str]) -> Era:
    """The era whose files have these keys; the newest where they do not tell.

    >>> era_of({"lr0", "lrf", "warmup_epochs", "epochs", "linear_lr"}).title
    'YOLOv5 v5.0 and v6.0'
    """
    return ERAS[next((name for signs, name in _SIGNS if set(signs.split()) <= set(keys)), NEWEST)]

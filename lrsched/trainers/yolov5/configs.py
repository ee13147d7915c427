"""What the configs of this family are to the rest of lrsched: how one is read, and what knows its keys."""

from __future__ import annotations

from functools import partial

from lrsched.rules import Configs
from lrsched.schedule import Schedule
from lrsched.shaping import Points, Shaping
from lrsched.trainers.yolov5.eras import era_named
from lrsched.trainers.yolov5.hyp import Accumulate, Curve, GroupRate, Hyp, Momentum
from lrsched.trainers.yolov5.reading import GIVEN, read_config
from lrsched.trainers.yolov5.rules import Planning

__all__ = ["CONFIGS"]


def hyp_of(schedule: Schedule) -> Hyp | None:
    """The numbers that a curve of this family is made of."""
    return schedule.hyp if isinstance(schedule, Curve) else None


CONFIGS = Configs(
    read=read_config,
    options=GIVEN,
    schedules=(GroupRate, Momentum, Accumulate, Hyp, era_named),
    config_of=hyp_of,
    planning=Planning,
    shaping=partial(Shaping, points=Points("lr0", "warmup_epochs", "lrf", "epochs")),
)

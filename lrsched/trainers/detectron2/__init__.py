"""detectron2: config.yaml and metrics.json."""

from functools import partial

from lrsched.log import TrainerLogs
from lrsched.rules import Configs
from lrsched.shaping import Points, Shaping
from lrsched.trainers.detectron2.log import begins, fitted, parse
from lrsched.trainers.detectron2.planning import Planning
from lrsched.trainers.detectron2.solver import Solver, read_config

__all__ = ["CONFIGS", "LOGS", "Solver", "read_config"]

LOGS = TrainerLogs(
    begins=begins,
    parse=parse,
    names=("metrics.json",),
    config_names=("config.yaml",),
    read_config=read_config,
    fitted=fitted,
)

CONFIGS = Configs(
    read=read_config,
    planning=Planning,
    shaping=partial(Shaping, points=Points("base_lr", "warmup_iters", "base_lr_end", "max_iter")),
)

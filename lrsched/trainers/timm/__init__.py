"""timm: the args.yaml and the summary.csv of its train.py."""

from functools import partial

from lrsched.log import TrainerLogs
from lrsched.rules import Configs
from lrsched.shaping import Points, Shaping
from lrsched.trainers.timm.args import Args, EpochRate, read_config
from lrsched.trainers.timm.log import begins, parse
from lrsched.trainers.timm.planning import Planning

__all__ = ["CONFIGS", "LOGS", "Args", "read_config"]

LOGS = TrainerLogs(
    begins=begins,
    parse=parse,
    names=("summary.csv",),
    config_names=("args.yaml",),
    read_config=read_config,
)

CONFIGS = Configs(
    read=read_config,
    schedules=(EpochRate, Args),
    planning=Planning,
    shaping=partial(Shaping, points=Points("lr", "warmup_epochs", "min_lr", "epochs")),
)

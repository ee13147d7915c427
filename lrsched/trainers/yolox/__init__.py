"""YOLOX: train_log.txt, with the table of its experiment."""

from functools import partial

from lrsched.log import TrainerLogs
from lrsched.rules import Configs
from lrsched.shaping import Points, Shaping
from lrsched.trainers.yolox.experiment import Experiment
from lrsched.trainers.yolox.log import begins, fitted, parse
from lrsched.trainers.yolox.planning import Planning

__all__ = ["CONFIGS", "LOGS", "Experiment"]

LOGS = TrainerLogs(
    begins=begins,
    parse=parse,
    names=("train_log.txt",),
    fitted=fitted,
)

CONFIGS = Configs(
    read=Experiment,  # an experiment is Python, of which only its table is read
    planning=Planning,
    shaping=partial(Shaping, points=Points("basic_lr_per_img", "warmup_epochs", "min_lr_ratio", "max_epoch")),
)

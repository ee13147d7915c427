"""YOLOX: train_log.txt, with the table of its experiment."""

from lrsched.log import TrainerLogs
from lrsched.trainers.yolox.experiment import Experiment
from lrsched.trainers.yolox.log import begins, clocks, fitted, parse

__all__ = ["LOGS", "Experiment"]

LOGS = TrainerLogs(
    begins=begins,
    parse=parse,
    clocks=clocks,
    names=("train_log.txt",),
    fitted=fitted,
)

"""The log.txt of research code by FAIR and of what grew from it: DeiT, MAE, DETR, BEiT and many more."""

from lrsched.log import TrainerLogs
from lrsched.trainers.fair.log import begins, clocks, fitted, parse
from lrsched.trainers.fair.mean import epoch_mean

__all__ = ["LOGS", "epoch_mean"]

LOGS = TrainerLogs(
    begins=begins,
    parse=parse,
    clocks=clocks,
    names=("log.txt",),
    fitted=fitted,
)

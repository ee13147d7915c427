"""YOLOv5 and its family: YOLOv5, YOLOv7, YOLOv9, Ultralytics."""

from lrsched.trainers.yaml import ConfigError
from lrsched.trainers.yolov5.eras import ERAS, Decay, Era
from lrsched.trainers.yolov5.hyp import Accumulate, GroupRate, Hyp, Momentum
from lrsched.trainers.yolov5.reading import parse_config, read_config

__all__ = ["ERAS", "Accumulate", "ConfigError", "Decay", "Era", "GroupRate", "Hyp", "Momentum"]
__all__ += ["parse_config", "read_config"]

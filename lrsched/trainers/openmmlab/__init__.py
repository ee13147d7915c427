"""OpenMMLab: mmcv (mmdetection 2, mmsegmentation 0, mmclassification 0) and mmengine, on which the later ones stand."""

from lrsched.log import TrainerLogs
from lrsched.trainers.openmmlab.config import CONFIGS, RunConfig, config_of, read_config
from lrsched.trainers.openmmlab.reading import begins, clocks, parse, readings
from lrsched.trainers.yaml import ConfigError

__all__ = ["CONFIGS", "LOGS", "ConfigError", "RunConfig", "config_of", "read_config"]

LOGS = TrainerLogs(
    begins=begins,
    parse=parse,
    clocks=clocks,
    names=("*.log", "*.log.json", "vis_data/scalars.json", "scalars.json", "*/vis_data/scalars.json"),
    starts=lambda path: None,
    config_names=("config.py", "*.py"),
    read_config=read_config,
    readings=readings,
)

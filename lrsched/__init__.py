"""lrsched: see, check and mend a learning-rate schedule before the GPU-days are spent."""

from lrsched.darknet import CfgError, Net, get_current_rate, read_cfg
from lrsched.schedule import Schedule, as_schedule

__all__ = ["CfgError", "Net", "Schedule", "as_schedule", "get_current_rate", "read_cfg"]

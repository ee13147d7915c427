"""lrsched: see, check and mend a learning-rate schedule before the GPU-days are spent."""

from lrsched.darknet import CfgError, Net, get_current_rate, read_cfg
from lrsched.description import Comparison, Description, compare, describe
from lrsched.planner import Extension, Finding, Plan, Suggestion, design, plan, suggest
from lrsched.schedule import Schedule, as_schedule

__version__ = "0.1.0"

__all__ = [
    "CfgError",
    "Comparison",
    "Description",
    "Extension",
    "Finding",
    "Net",
    "Plan",
    "Schedule",
    "Suggestion",
    "as_schedule",
    "compare",
    "describe",
    "design",
    "get_current_rate",
    "plan",
    "read_cfg",
    "suggest",
]

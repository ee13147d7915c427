"""darknet's learning rate: its cfg, its policies, its forks."""

from lrsched.darknet.arithmetic import Arithmetic
from lrsched.darknet.burn_in import BurnIn
from lrsched.darknet.cfg import CfgError, Entry, Section, cfg_value, read_sections, with_values
from lrsched.darknet.clock import Clock, Turn
from lrsched.darknet.dialects import ALEXEYAB, DIALECTS, HANK_AI, PJREDDIE, Dialect, as_dialect
from lrsched.darknet.net import Net, cfg_text, get_current_rate, parse_cfg, read_cfg
from lrsched.darknet.policies import (
    POLICIES,
    Constant,
    Exp,
    Poly,
    Random,
    Sgdr,
    Sigmoid,
    Step,
    Steps,
)
from lrsched.darknet.policy import Policy

__all__ = [
    "ALEXEYAB",
    "DIALECTS",
    "HANK_AI",
    "PJREDDIE",
    "POLICIES",
    "Arithmetic",
    "BurnIn",
    "CfgError",
    "Clock",
    "Constant",
    "Dialect",
    "Entry",
    "Exp",
    "Net",
    "Policy",
    "Poly",
    "Random",
    "Section",
    "Sgdr",
    "Sigmoid",
    "Step",
    "Steps",
    "Turn",
    "as_dialect",
    "cfg_text",
    "cfg_value",
    "get_current_rate",
    "parse_cfg",
    "read_cfg",
    "read_sections",
    "with_values",
]

"""darknet's learning rate: its cfg, its policies, its forks."""

from lrsched.darknet.arithmetic import Arithmetic
from lrsched.darknet.cfg import CfgError, Entry, Section, read_sections
from lrsched.darknet.dialects import ALEXEYAB, DIALECTS, HANK_AI, PJREDDIE, Dialect, as_dialect
from lrsched.darknet.net import Net, get_current_rate, parse_cfg, read_cfg
from lrsched.darknet.policies import (
    POLICIES,
    BurnIn,
    Constant,
    Exp,
    Policy,
    Poly,
    Random,
    Sgdr,
    Sigmoid,
    Step,
    Steps,
)

__all__ = [
    "ALEXEYAB",
    "DIALECTS",
    "HANK_AI",
    "PJREDDIE",
    "POLICIES",
    "Arithmetic",
    "BurnIn",
    "CfgError",
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
    "as_dialect",
    "get_current_rate",
    "parse_cfg",
    "read_cfg",
    "read_sections",
]

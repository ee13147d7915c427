"""darknet's learning rate: its cfg, its policies, its forks."""

from lrsched.trainers.darknet.arithmetic import Arithmetic
from lrsched.trainers.darknet.cfg import CfgError, Entry, Section, cfg_text, read_sections
from lrsched.trainers.darknet.clock import Clock, Turn
from lrsched.trainers.darknet.dialects import ALEXEYAB, DIALECTS, HANK_AI, PJREDDIE, Dialect, as_dialect
from lrsched.trainers.darknet.edit import with_values
from lrsched.trainers.darknet.net import Net, get_current_rate, net_of, parse_cfg, read_cfg
from lrsched.trainers.darknet.policies import POLICIES, Constant, Exp, Poly, Random, Sgdr, Sigmoid, Step, Steps
from lrsched.trainers.darknet.policy import BurnIn, Policy
from lrsched.trainers.darknet.usual import usual_net
from lrsched.trainers.darknet.weights import WeightsFile, read_weights

__all__ = ["ALEXEYAB", "DIALECTS", "HANK_AI", "PJREDDIE", "POLICIES"]
__all__ += ["Arithmetic", "BurnIn", "CfgError", "Clock", "Constant", "Dialect", "Entry", "Exp", "Net", "Policy", "Poly"]
__all__ += ["Random", "Section", "Sgdr", "Sigmoid", "Step", "Steps", "Turn", "WeightsFile"]
__all__ += ["as_dialect", "cfg_text", "get_current_rate", "net_of", "parse_cfg", "read_cfg"]
__all__ += ["read_sections", "read_weights", "usual_net", "with_values"]

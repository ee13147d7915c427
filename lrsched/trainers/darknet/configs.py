"""What darknet's cfgs are to the rest of lrsched: how one is read, and what knows its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lrsched.rules import Configs
from lrsched.text import did_you_mean
from lrsched.trainers.darknet.arithmetic import Arithmetic
from lrsched.trainers.darknet.cfg import cfg_text, read_sections
from lrsched.trainers.darknet.dialects import ALEXEYAB, Dialect, as_dialect
from lrsched.trainers.darknet.edit import with_values
from lrsched.trainers.darknet.net import Net, net_of, parse_cfg
from lrsched.trainers.darknet.policies import POLICIES
from lrsched.trainers.darknet.policy import BurnIn
from lrsched.trainers.darknet.solving import Planning

if TYPE_CHECKING:
    from lrsched.trainers.darknet.shaping import Shaping

__all__ = ["CONFIGS", "read"]


def read(source: Any, changes: Mapping[str, Any], dialect: str | Dialect = ALEXEYAB) -> Net:
    """Read a cfg as if it had lines with these keys in ``[net]``."""
    fork = as_dialect(dialect)
    text, name = cfg_text(source)
    known = fork.all_keys()
    for key, value in changes.items():
        if key not in known:
            raise ValueError(f"--set {key}={value}: [net] has no key {key}{did_you_mean(key, known)}")
    if changes:
        text = with_values(text, read_sections(text, fork, name), changes)
    return parse_cfg(text, fork, source=name)


def _shaping(net: Net) -> Shaping:
    from lrsched.trainers.darknet.shaping import Shaping  # noqa: PLC0415 (no command but the designer loads it)

    return Shaping(net)


CONFIGS = Configs(
    read=read,
    options=frozenset({"dialect"}),
    schedules=(*POLICIES, BurnIn, Arithmetic),
    config_of=net_of,
    planning=Planning,
    shaping=_shaping,
)

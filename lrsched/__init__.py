"""lrsched: inspect, check and fix a learning-rate schedule before you spend GPU time."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrsched import convert, schedules, testing
    from lrsched.description import compare, describe
    from lrsched.designer.notebook import design
    from lrsched.logs import audit, diagnose, infer, read_log
    from lrsched.planner import plan, suggest
    from lrsched.plotting import plot
    from lrsched.scanning import scan
    from lrsched.schedule import Schedule
    from lrsched.sources import as_schedule
    from lrsched.trainers.darknet import CfgError, Net, get_current_rate, parse_cfg, read_cfg

__version__ = "1.0.0"

__all__ = ["CfgError", "Net", "Schedule"]
__all__ += ["as_schedule", "audit", "compare", "convert", "describe", "design", "diagnose", "get_current_rate", "infer"]
__all__ += ["parse_cfg", "plan", "plot", "read_cfg", "read_log", "scan", "schedules", "suggest", "testing"]

_MODULES = {
    "description": ("compare", "describe"),
    "designer.notebook": ("design",),
    "logs": ("audit", "diagnose", "infer", "read_log"),
    "planner": ("plan", "suggest"),
    "plotting": ("plot",),
    "scanning": ("scan",),
    "schedule": ("Schedule",),
    "sources": ("as_schedule",),
    "trainers.darknet": ("CfgError", "Net", "get_current_rate", "parse_cfg", "read_cfg"),
}


def __getattr__(name: str) -> Any:
    """A public name, loaded when it is first used, so that importing lrsched costs nothing."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"lrsched.{module}"), name)
    if name in __all__:
        return import_module(f"lrsched.{name}")
    raise AttributeError(f"module 'lrsched' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

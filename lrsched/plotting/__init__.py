"""Pictures of learning rates: schedules, plans and logs in, matplotlib Axes out. ``curve`` gives the bare points."""

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrsched.plotting.curves import curve
    from lrsched.plotting.pictures import plot, save
    from lrsched.plotting.verdicts import plot_verdict

__all__ = ["curve", "plot", "plot_verdict", "save"]


def __getattr__(name: str) -> Any:
    if name == "curve":
        return import_module("lrsched.plotting.curves").curve
    if name in __all__:
        _load_matplotlib()
        home = "verdicts" if name == "plot_verdict" else "pictures"
        return getattr(import_module(f"lrsched.plotting.{home}"), name)
    raise AttributeError(f"module 'lrsched.plotting' has no attribute {name!r}")


def _load_matplotlib() -> None:
    """Import matplotlib whatever MPLBACKEND says: notebooks name a backend that other processes may not have."""
    if "matplotlib" in sys.modules or "MPLBACKEND" not in os.environ:
        return
    backend = os.environ.pop("MPLBACKEND")
    try:
        with suppress(ValueError):  # matplotlib knows no such backend
            import_module("matplotlib").rcParams["backend"] = backend
    finally:
        os.environ["MPLBACKEND"] = backend

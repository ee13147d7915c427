"""Optimizers and models of torch that train nothing much, and the rates that a loop trains with."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

__all__ = ["Line", "optimizer", "schedulers_of_timm", "stepped"]


class Line(torch.nn.Linear):  # type: ignore[misc]
    """A model that a Trainer of transformers trains."""

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": ((super().forward(x) - labels) ** 2).mean()}


def optimizer(lr: float = 0.1) -> Any:
    """SGD of one weight."""
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)


def stepped(made: Any, step: Callable[[int], object], count: int) -> list[float]:
    """The rate of each update; ``step`` gets its number, and comes after it."""
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is deprecated
        for number in range(count):
            rates.append(float(made.param_groups[0]["lr"]))
            made.step()
            step(number)
    return rates


def schedulers_of_timm() -> Any:
    """The package timm.scheduler alone, which needs torch and nothing else of what timm loads."""
    if "timm" not in sys.modules:
        found = importlib.util.find_spec("timm")
        assert found is not None
        assert found.origin is not None
        bare = types.ModuleType("timm")
        bare.__path__ = [str(Path(found.origin).parent)]
        sys.modules["timm"] = bare
        try:
            return importlib.import_module("timm.scheduler")
        finally:
            del sys.modules["timm"]
    return importlib.import_module("timm.scheduler")

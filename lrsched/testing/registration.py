"""What Hypothesis calls when it starts, so that ``from_type`` and annotations find schedules."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lrsched.schedule import Schedule
from lrsched.trainers import TRAINERS

__all__ = ["register"]


def register() -> None:
    """Let Hypothesis draw schedules for annotations; Hypothesis calls this through its entry point."""
    from hypothesis import strategies as st  # noqa: PLC0415 (only Hypothesis itself comes here)

    # strategies are imported when the first is drawn: they import Hypothesis, which is still starting
    st.register_type_strategy(Schedule, lambda _: import_module("lrsched.testing").schedules())
    for trainer in (each for each in TRAINERS if each.strategies):

        def drawn(kind: Any, strategies: str = trainer.strategies) -> Any:
            return import_module(strategies).from_policy(kind)

        for kind in vars(import_module(f"lrsched.trainers.{trainer.name}")).values():
            if isinstance(kind, type) and issubclass(kind, Schedule):
                st.register_type_strategy(kind, drawn)

"""What Hypothesis is told when it starts, so that ``from_type`` and annotations find schedules."""

from __future__ import annotations

from typing import Any

__all__ = ["register"]


def register() -> None:
    """Register schedules and policies; Hypothesis calls this through its entry point, and nobody else needs to."""
    from hypothesis import strategies as st  # noqa: PLC0415 (only Hypothesis itself comes here)

    from lrsched.schedule import Schedule  # noqa: PLC0415 (as above)
    from lrsched.trainers.darknet import POLICIES, BurnIn, Policy  # noqa: PLC0415 (as above)

    def drawn(kind: Any) -> Any:
        from lrsched.testing import strategies  # noqa: PLC0415 (loaded when the first one is drawn)

        if kind is Schedule:
            return strategies.schedules()
        if kind is Policy:
            return st.one_of([strategies.from_policy(policy) for policy in POLICIES])
        return strategies.from_policy(kind)

    kinds: tuple[Any, ...] = (Schedule, Policy, BurnIn, *POLICIES)
    for kind in kinds:
        st.register_type_strategy(kind, drawn)

"""What the planner knows of timm's arguments: when a plateau lowers the rate depends on the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lrsched.rules import Finding, Rule, Run, note, rule
from lrsched.rules import Planning as AnyPlanning
from lrsched.text import number

__all__ = ["Planning"]


@rule("follows-a-metric", hides="never-decays", notes=True)
def follows_a_metric(run: Run) -> Iterator[Finding]:
    """A plateau waits for the metric of the run, so a plan has the rates before the first drop."""
    args = run.config
    if args.sched == "plateau" and not args.metric:
        yield note(
            f"The rate is multiplied by decay_rate {number(args.decay_rate)} each time {args.eval_metric} is no better "
            f"for more than {args.patience_epochs} epochs, which no plan knows; these are the rates without a drop."
        )


class Planning(AnyPlanning):
    """Arguments as the planner sees them."""

    rules: ClassVar[tuple[Rule, ...]] = (follows_a_metric,)

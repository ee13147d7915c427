"""What the planner knows of SOLVER: drops that never come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lrsched.rules import Finding, Rule, Run, Terms, rule, warning
from lrsched.rules import Planning as AnyPlanning
from lrsched.text import joined

__all__ = ["Planning"]


@rule("steps-beyond-run", hides="never-decays")
def steps_beyond_run(run: Run) -> Iterator[Finding]:
    """STEPS of another MAX_ITER: detectron2 says so in one line among many, and goes on.

    Source: facebookresearch/detectron2#161, #497.
    """
    used = run.config.scaled(run.ngpus)
    late = [at for at in used.steps if at >= used.max_iter]
    if late and used.lr_scheduler_name == "WarmupMultiStepLR":
        usual = f"({used.max_iter * 2 // 3}, {used.max_iter * 8 // 9})"
        lie = "lies" if len(late) == 1 else "lie"
        message = f"STEPS {joined(late)} {lie} beyond MAX_ITER {used.max_iter}, so the rate does not drop there"
        yield warning(f"{message}; write STEPS: {usual}, the usual 2/3 and 8/9 of the run.", used.max_iter)


class Planning(AnyPlanning):
    """SOLVER as the planner sees it."""

    terms: ClassVar[Terms] = Terms(horizon="MAX_ITER: ")
    rules: ClassVar[tuple[Rule, ...]] = (steps_beyond_run,)

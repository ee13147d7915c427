"""What the planner knows of an experiment: whether its lengths leave a decay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lrsched.rules import Finding, Rule, Run, rule, warning
from lrsched.rules import Planning as AnyPlanning
from lrsched.text import number

__all__ = ["Planning"]


@rule("no-epoch-for-the-cosine", hides="warmup-covers-run")
def no_epoch_for_the_cosine(run: Run) -> Iterator[Finding]:
    """Only max_epoch was changed: the 5 epochs to warm up and the 15 without mosaic stay what they were.

    Source: Megvii-BaseDetection/YOLOX#377, #584.
    """
    used = run.config
    lengths = used.warmup_epochs + used.no_aug_epochs
    if used.scheduler == "yoloxwarmcos" and lengths >= used.max_epoch:
        low = number(used.lr * used.min_lr_ratio)
        yield warning(
            f"warmup_epochs {number(used.warmup_epochs)} and no_aug_epochs {number(used.no_aug_epochs)} take all of "
            f"max_epoch {used.max_epoch}, so there is no cosine: after the warm-up the rate is {low} at once; write "
            f"max_epoch above {number(lengths)}, or no_aug_epochs below {number(used.max_epoch - used.warmup_epochs)}.",
            min(int(used.warmup_epochs * used.iterations_per_epoch) + 1, run.last or 0),
        )


class Planning(AnyPlanning):
    """An experiment as the planner sees it."""

    rules: ClassVar[tuple[Rule, ...]] = (no_epoch_for_the_cosine,)

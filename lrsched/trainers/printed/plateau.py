"""ReduceLROnPlateau replayed: which of its settings lower the rate where a log shows it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrsched.fitting import Guess
from lrsched.log import Floats, Integers
from lrsched.schedule import Schedule
from lrsched.schedules import clamped, multi_step

__all__ = ["Plateau", "plateau"]

MARGINS = (1e-4, 0.0, 1e-3, 1e-5, 1e-2, 5e-4, 1e-6)
MOST_PATIENCE = 100
MOST_COOLDOWN = 20


@dataclass(frozen=True, kw_only=True)
class Plateau:
    """The settings of a ReduceLROnPlateau, under the names that Keras gives them.

    ``torch`` is PyTorch's: it waits one epoch longer, and ``min_delta`` is a share of the best value.
    """

    monitor: str
    factor: float
    patience: int
    min_delta: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0
    torch: bool = False

    @property
    def rises(self) -> bool:
        """Whether a larger value of what is watched is better."""
        return "acc" in self.monitor or "auc" in self.monitor

    def drops(self, values: Floats) -> Iterator[int]:
        """The rows after which the rate is lowered.

        >>> rule = Plateau(monitor="val_loss", factor=0.5, patience=2)
        >>> list(rule.drops([1.0, 0.9, 0.95, 0.92, 0.91, 0.93, 0.8]))
        [3, 5]
        """
        waited, cooling = 0, 0
        for row, better in self._better(values):
            if cooling:
                cooling, waited = cooling - 1, 0
            if better:
                waited = 0
            elif not cooling:
                waited += 1
                if waited >= self.patience + self.torch:
                    yield row
                    waited, cooling = 0, self.cooldown

    def waited(self, values: Floats) -> int:
        """The epochs at the end of these that are no better, where the rate was not lowered yet."""
        count = 0
        for _, better in self._better(values):
            count = 0 if better else count + 1
        return count

    def _better(self, values: Floats) -> Iterator[tuple[int, bool]]:
        """The rows that have a value, and whether it is better than all before."""
        best = np.inf
        for row, value in enumerate((-np.asarray(values) if self.rises else np.asarray(values)).tolist()):
            if not math.isnan(value):
                margin = self.min_delta * abs(best) if self.torch and best < np.inf else self.min_delta
                yield row, value < best - margin
                best = value if value < best - margin else best


def plateau(step: Integers, rate: Floats, slack: Floats, monitors: Mapping[str, Floats]) -> Guess | None:
    """The simplest settings that lower the rate exactly where it falls; None where none do, or nothing falls.

    There is one row an epoch; of ``monitors`` the likeliest is first.
    """
    falls = np.flatnonzero(np.abs(np.diff(rate)) > slack[1:] + slack[:-1])
    if not falls.size or (np.diff(rate)[falls] >= 0).any():
        return None
    found = _factor(rate, slack, falls)
    if found is None:
        return None
    factor, floor = found
    tried = itertools.product(monitors, (False, True))
    rules = (_settings(monitors[monitor], monitor, factor, floor, torch, falls) for monitor, torch in tried)
    rule = next(filter(None, rules), None)
    return None if rule is None else _guess(step[falls + 1].tolist(), _plain(float(rate[0]), float(slack[0])), rule)


def _factor(rate: Floats, slack: Floats, falls: Integers) -> tuple[float, float] | None:
    """The factor of all drops, and the lowest rate where the last of them ends there."""
    ratios = rate[falls + 1] / rate[falls]
    rough = slack[falls + 1] / rate[falls] + 1e-6
    for digits in range(1, 7):
        factor = float(f"{ratios[0]:.{digits - 1}e}")
        if abs(ratios[0] - factor) <= rough[0]:
            same = np.abs(ratios - factor) <= rough
            if same.all():
                return factor, 0.0
            if same[:-1].all() and len(ratios) > 1 and ratios[-1] > factor:
                return factor, _plain(float(rate[-1]), float(slack[-1]))
    return None


def _settings(
    values: Floats, monitor: str, factor: float, floor: float, torch: bool, falls: Integers
) -> Plateau | None:
    """The settings with the first margin and cooldown that explain the drops."""
    wanted = falls.tolist()
    for cooldown, margin in itertools.product(range(MOST_COOLDOWN if len(wanted) > 1 else 1), MARGINS):
        rule = Plateau(
            monitor=monitor, factor=factor, patience=0, min_delta=margin, cooldown=cooldown, min_lr=floor, torch=torch
        )
        # before the first drop nothing but the patience counts, so that drop tells it
        rule = replace(rule, patience=rule.waited(values[: wanted[0] + 1]) - torch)
        if not 1 - torch <= rule.patience <= MOST_PATIENCE:
            continue
        # the last row is written before the rate falls, and at the lowest rate nothing falls any more
        drops = (row for row in rule.drops(values) if row < len(values) - 1)
        seen = itertools.islice(drops, len(wanted) if floor else None)
        if all(one == other for one, other in itertools.zip_longest(seen, wanted)):
            return rule
    return None


def _plain(rate: float, slack: float) -> float:
    """The number with the fewest digits that may have been logged as this rate."""
    rounded = (float(f"{rate:.{digits}e}") for digits in range(16))
    return next((number for number in rounded if abs(number - rate) <= slack), rate)


def _guess(milestones: list[int], peak: float, rule: Plateau) -> Guess:
    curve: Schedule = multi_step(peak=peak, milestones=milestones, factor=rule.factor)
    if rule.min_lr:
        curve = clamped(curve, low=rule.min_lr)
    told: dict[str, Any] = {key: getattr(rule, key) for key in ("monitor", "factor", "patience", "min_delta")}
    told |= {key: getattr(rule, key) for key in ("cooldown", "min_lr") if getattr(rule, key)}
    told |= {"threshold_mode": "rel"} if rule.torch else {}
    call = f"ReduceLROnPlateau({', '.join(f'{key}={value!r}' for key, value in told.items())})"
    left = {"further milestones": f"{call} made these; where the next one falls depends on {rule.monitor}"}
    parameters = {"peak": peak, "milestones": milestones, **told}
    return Guess(curve=curve, family="plateau", parameters=parameters, open=left)

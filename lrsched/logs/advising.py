"""Advice on loss curves made concrete: keys with new values, tried on the schedule of the run by the planner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrsched.curves import Advice, Verdict
from lrsched.log import Log
from lrsched.logged import Audit, Inference
from lrsched.logs.fitted import Fitted, FittedPlanning, fitted_config
from lrsched.logs.inferring import infer
from lrsched.logs.judging import audit
from lrsched.planner.fixing import extensions
from lrsched.planner.rules import find, serious
from lrsched.rules import Changes, Run
from lrsched.text import counted, number
from lrsched.trainers import planning_of

__all__ = ["advised"]

ENDED = 0.98  # a run that has done this share of its iterations counts as finished
EXACT = 0.05  # how far off, as a share, the rate may be from what the advice says
USUAL_DROP = 0.8  # where a usual decay drops first, as a share of the run
WARMUP, MOST_WARMUP = 0.05, 1000  # a longer warm-up: this share of the run, up to so many iterations, or twice as long


def advised(
    verdict: Verdict,
    log: Log,
    config: Any = None,
    ngpus: int = 1,
    *,
    inferred: Inference | None = None,
    audited: Audit | None = None,
) -> Verdict:
    """The verdict with its advice as changes of the config, or else of the schedule that explains the rates.

    A change is only given when the plan of the changed schedule has no finding that that of the run has not. What was
    ``inferred`` from the log, or ``audited``, is not inferred or compared again.
    """
    if not any(one.changes for one in verdict.advice):
        return verdict
    rated, as_planned, known = bool(np.isfinite(log.rate).any()), True, None
    with suppress(ValueError):  # a config that cannot be planned
        as_planned = config is None or not rated or (audited or audit(log, config, ngpus)).ok
    with suppress(ValueError):  # a log without rates
        known = _known(log, config if as_planned else None, ngpus, inferred)
    advice = [offer for one in verdict.advice for offer in ([one] if known is None else known.offers(one))]
    if not as_planned:
        text = f"The rates are not those that {config.source} plans: see to that first, then judge the schedule."
        advice.insert(0, Advice(text=text, action="check"))
    return replace(verdict, advice=tuple(advice))


def _known(log: Log, config: Any, ngpus: int, inferred: Inference | None) -> Known | None:
    """The run that was logged, as the planner sees it: of its config, where that has keys, else as inferred."""
    if hasattr(config, "with_values") and planning_of(config).terms.kept:
        per = config.nb if log.unit == "epoch" else 1
        rates = next(iter(config.schedules(ngpus).values()))
        return Known(Run(schedule=rates, config=config, planning_of=planning_of, ngpus=ngpus), log, per)
    fitted = fitted_config(log, inferred or infer(log))
    if fitted is None:
        return None
    return Known(Run(schedule=fitted.schedules()["rate"], config=fitted, planning_of=FittedPlanning), log)


@dataclass(frozen=True)
class Known:
    """The run that was logged; one logged step counts ``per`` iterations of its schedule."""

    run: Run
    log: Log
    per: int = 1

    def offers(self, advice: Advice) -> list[Advice]:
        """The advice with the changes that do what it says, or as it is where none can be verified."""
        found = getattr(self, f"_{advice.action}")(advice) if advice.changes else ()
        first, *others = {str(dict(one.changes)): one for one in found if one is not None}.values() or [advice]
        return [first, *(replace(one, text=one.text.removeprefix(advice.text).strip()) for one in others)]

    def _verified(self, advice: Advice, changes: Changes | None, words: str, rates: str = "") -> Advice | None:
        """The advice with changes of the config, where these bring no new finding."""
        with suppress(ValueError):
            if changes and not self._new(self.run.changed(changes)):
                return self._written(advice, changes, words, rates)
        return None

    def _new(self, changed: Run) -> bool:
        return bool(serious(find(changed, notes=False)) - serious(find(self.run, notes=False)))

    def _written(self, advice: Advice, changes: Changes, words: str, rates: str) -> Advice:
        lines = ", ".join(self.run.planning.lines(changes))
        return replace(advice, text=f"{advice.text} {words}: {lines}{rates}.", changes=dict(changes), verified=True)

    @property
    def _unit(self) -> str:
        return self.log.unit if self.per == 1 else "iteration"

    def _iteration(self, step: float | None) -> int:
        return round(step or 0) * self.per

    def _stop(self, advice: Advice) -> Iterator[Advice | None]:
        end = self._iteration(advice.step)
        if self.run.schedule.warmup < end < (self.run.horizon or 0):
            offer = self.run.planning.stretched(end)
            yield self._verified(advice, offer and offer.changes, "A run planned to end there")

    def _extend(self, advice: Advice) -> Iterator[Advice]:
        run, last, target = self.run, self._iteration(float(self.log.iteration[-1])), self._iteration(advice.step)
        # the last record is that of the epoch or interval before the end
        interval = int(np.diff(self.log.iteration[-2:]).max(initial=0)) * self.per
        if run.horizon and last + interval < ENDED * run.horizon:
            text = (
                f"The run is at {self.log.unit} {last // self.per} of {run.horizon // self.per}: let it go on to its "
                f"end, where the rate is {number(run.rate(run.horizon))}, before you extend it: {advice.why}."
            )
            yield replace(advice, text=text, step=run.horizon // self.per, changes={}, verified=not self._new(run))
            return
        # a run that ended at its horizon is extended from the last iteration that has a rate
        for option in extensions(replace(run, start=min(last, (run.horizon or last) - 1), target=target)):
            if option.trains and not self._new(option.run):
                rates = f" (rate {number(option.before)} before, {number(option.after)} after the switch, "
                rates += f"{number(option.rate_at_target)} at the end)"
                yield self._written(advice, option.changes, f"Option {option.name}, {option.text}", rates)

    def _lower(self, advice: Advice) -> Iterator[Advice]:
        """The rate multiplied, with a longer warm-up where the config has one."""
        run, factor = self.run, advice.factor or 1.0
        rate, warmup = self._scaled(factor), run.schedule.warmup
        wanted = max(2 * warmup, min(round(WARMUP * run.length), MOST_WARMUP), 1)
        longer = run.planning.warmed(10 * wanted) or {}  # a tenth of a run is what usually warms up
        for changes in ({**rate, **longer}, rate) if rate else ():
            with suppress(ValueError):
                changed = run.changed(changes)
                exact = abs(changed.peak[0] / (run.peak[0] * factor) - 1) < EXACT
                after = changed.schedule.warmup
                warmed = f" (warm-up {warmup} to {counted(after, self._unit)})" if after > warmup else ""
                if exact and (warmed or changes == rate):
                    found = self._verified(advice, changes, "Write", warmed)
                    if found is not None:
                        yield found
                        return

    def _scaled(self, factor: float) -> dict[str, Any]:
        """The key of the rate, multiplied."""
        kept, config = self.run.terms.kept, self.run.config
        value = (config.keys if isinstance(config, Fitted) else vars(config)).get(kept)
        return {kept: float(f"{value * factor:.4g}")} if isinstance(value, float) and value > 0 else {}

    def _earlier(self, advice: Advice) -> Iterator[Advice | None]:
        """The same curve, or a usual decay, over a shorter run, so that the rate drops where the advice says."""
        run, first = self.run, self._iteration(advice.step)
        at = _first_drop(run)
        if not run.horizon or (at is not None and at <= first):
            return
        horizon = round(first / USUAL_DROP if at is None else run.horizon * first / at)
        offer = run.planning.stretched(horizon)
        changes = {**(offer.changes if offer else {}), **((at is None and run.planning.decaying(horizon)) or {})}
        with suppress(ValueError):
            drop = _first_drop(run.changed(changes))
            if changes and drop is not None and drop <= 1.5 * first:
                text = f" (the rate is halved or less from {self._unit} {drop}, {run.rate(drop):g} there so far)"
                yield self._verified(advice, changes, "Write", text)

    def _resume(self, advice: Advice) -> Iterator[Advice | None]:
        at, wanted = self._iteration(advice.step), advice.changes["rate"]
        changes = self._scaled(wanted / (self.run.rate(at) or 1.0))
        with suppress(ValueError):
            exact = abs(self.run.changed(changes).rate(at) / wanted - 1) < EXACT
            if changes and exact:  # pragma: no branch - the rate is a multiple of its key in all schedules known so far
                yield self._verified(advice, changes, "Write", f" (rate {number(wanted)} at {at})")


def _first_drop(run: Run) -> int | None:
    """The first iteration after the peak at which the rate is at most half of it."""
    curve, (peak, top) = run.curve, run.peak
    low = (curve.rates <= peak / 2) & (curve.iterations > max(top, run.schedule.warmup))
    return int(curve.iterations[low.argmax()]) if low.any() else None

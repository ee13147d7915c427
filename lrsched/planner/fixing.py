"""From findings to suggestions, whose offers are tried on the run; and options for extending a run past its horizon."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from lrsched.planner.printed import extension_text, suggestion_text
from lrsched.planner.rules import RULES, find, serious
from lrsched.rules import Changes, Finding, Offer, Run

__all__ = ["Extension", "Suggestion", "extensions", "suggestions"]

MOST_WASTED = 0.5  # an extension with a larger share at a rate of zero is not offered
MOST_STEPS = 8  # more offers than this are not put together to one change
KINDS = 2  # offers shown for one finding: they differ in the keys they change

Known: TypeAlias = tuple[frozenset[str], frozenset[str]]
"""The codes of what may be serious after a change: in the run, and in its file alone."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """Keys with new values that were written into the config, read again, and tried on the exact rates.

    Attributes:
        changes: key -> value; None deletes the key.
        text: what the values do, in a few words.
        fixes: the codes of the findings that are gone then; empty for a rate of the user's own.
        rate_at_target: the exact rate at the target with these values; None where the run does not get there.
        target: the iteration to stop at, when the change only makes sense then.
        exact: key -> the value that just does it, where ``changes`` has a rounder one.
        run: the run with these values.
    """

    changes: Mapping[str, Any]
    text: str
    fixes: tuple[str, ...] = field(default=(), repr=False)
    rate_at_target: float | None
    target: int | None = field(default=None, repr=False)
    exact: Mapping[str, Any] = field(default_factory=dict, repr=False)
    run: Run = field(repr=False, compare=False)

    def __str__(self) -> str:
        return suggestion_text(self)

    @classmethod
    def of(cls, offer: Offer, run: Run, first: Suggestion | None = None, fixes: tuple[str, ...] = ()) -> Suggestion:
        """An offer written into the config of a run, and read again; ``first`` are changes the run already has.

        Raises:
            ValueError: when the trainer would not run with it.
        """
        changes, text, target, exact = offer
        run = run.changed(changes, target=run.target if target is None else target)
        if first is not None:
            changes, exact = {**first.changes, **changes}, {**first.exact, **exact}
            text = "; ".join(dict.fromkeys([*first.text.split("; "), text]))
            fixes = first.fixes + fixes
            target = first.target if target is None else target
        there = run.last_rate if run.last == run.goal and math.isfinite(run.last_rate) else None
        return cls(
            changes=changes, text=text, fixes=fixes, rate_at_target=there, target=target, exact={**exact}, run=run
        )

    @cached_property
    def found(self) -> tuple[Finding, ...]:
        """What is found in the run, but for mere notes."""
        return find(self.run, notes=False)

    @cached_property
    def found_in_file(self) -> list[tuple[Finding, Run]]:
        """What is found in the file alone, where the change has to make sense without the target as well."""
        if self.run.target is None or self.target is not None:
            return []
        alone = self.run.of_file()
        return [(one, alone) for one in find(alone, notes=False)]

    def left(self, known: Known) -> list[tuple[Finding, Run]]:
        """What is serious and not known, with the run it is found in; first without, then with the target forgotten."""
        found = [(one, self.run) for one in self.found if one.serious and one.code not in known[0]]
        return found or [both for both in self.found_in_file if both[0].serious and both[0].code not in known[1]]


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One option for extending a run.

    Attributes:
        name: ``stretch``, ``continuous``, ``hold`` or ``restart``.
        changes: key -> value.
        text: what becomes of the curve.
        before: the rate at the switch with the config as written.
        after: the rate at the switch with the changes; a restart begins again at iteration 0.
        rate_at_target: the exact rate at the target with the changes.
        run: the run with the changes; a restart counts from 0 again.
    """

    name: str
    changes: Mapping[str, Any]
    text: str
    before: float
    after: float
    rate_at_target: float
    run: Run = field(repr=False)

    def __str__(self) -> str:
        return extension_text(self)

    @property
    def trains(self) -> bool:
        """Whether the rate counts as more than zero over most of the added iterations."""
        return sum(last - first + 1 for first, last in self.run.zeros) < MOST_WASTED * self.run.length

    @property
    def jump(self) -> float:
        """How many times larger the rate is after the switch; infinite from a rate of 0."""
        if self.before == 0:
            return 1.0 if self.after == 0 else math.inf
        return self.after / self.before if math.isfinite(self.before) else math.nan


def suggestions(run: Run, findings: tuple[Finding, ...]) -> tuple[Suggestion, ...]:
    """What to change: everything at once where that takes several offers, then finding by finding."""
    if run.config is None:
        return ()
    aimed = serious(findings)
    known = aimed, aimed if run.target is None else aimed | serious(find(run.of_file(), notes=False))
    single: list[Suggestion] = []
    for finding in findings:
        kinds: dict[frozenset[str], Suggestion] = {}
        for one in _fixed(run, finding, known):
            kinds.setdefault(frozenset(one.changes), one)
            if len(kinds) == KINDS:
                break
        single += kinds.values()
    fixed = {code for one in single for code in one.fixes}
    whole = _completed(single[0], (aimed - fixed, known[1])) if len(aimed) > 1 and aimed & fixed else None
    if whole and len(whole.fixes) > 1:
        single.insert(0, replace(whole, text="all changes that this run needs"))
    return tuple({repr((sorted(one.changes.items()), one.target)): one for one in reversed(single)}.values())[::-1]


def _fixed(run: Run, finding: Finding, known: Known) -> Iterator[Suggestion]:
    """The offers after which a finding is gone by a margin and nothing serious is new.

    Where no offer manages alone, what each newly brings is fixed with it.
    """
    incomplete: list[Suggestion] = []
    alone = False
    for one in _tries(run, finding):
        if one.left(known):
            incomplete.append(one)
        else:
            alone = True
            yield one
    for one in () if alone else incomplete:
        if whole := _completed(one, known):
            yield replace(whole, fixes=(finding.code,))


def _completed(first: Suggestion, known: Known) -> Suggestion | None:
    """A suggestion with what is left beside it fixed as well, one finding after the other and none of them twice.

    Of the offers for a finding the first that brings nothing new is taken, and where there is none each is followed.
    """
    known = (known[0].difference(first.fixes), known[1])
    left = first.left(known)
    if not left:
        return first
    if len(first.fixes) == MOST_STEPS or any(one.code in first.fixes for one, _ in left):
        return None
    old = {one.code for one, _ in left}
    for finding, where in left:
        steps: list[Suggestion] = []
        for step in _tries(first.run, finding, where, first):
            if {one.code for one, _ in step.left(known)} < old:
                steps = [step]
                break
            steps.append(step)
        if steps:
            return next(filter(None, (_completed(step, known) for step in steps)), None)
    return None


def _tries(
    run: Run, finding: Finding, where: Run | None = None, first: Suggestion | None = None
) -> Iterator[Suggestion]:
    """Every offer that fixes a finding: those for the run it was found in, written upon the changes made before."""
    rules = [rule.fixes for rule in (*run.planning.rules, *RULES) if rule.code_in(run.terms) == finding.code]
    own = run.planning.fixes.get(finding.code, ())
    for fix in dict.fromkeys(fix for fixes in (*rules, own) for fix in fixes):
        for offer in fix(where or run, finding):
            with suppress(ValueError):
                one = Suggestion.of(offer, run, first, (finding.code,))
                # what is known of the curve after the first question is there for the second
                if not (finding.code in serious(one.found) or find(one.run.strictly(), finding.code)):
                    yield one


def extensions(run: Run) -> tuple[Extension, ...]:
    """Options for a started run whose target is past its horizon; none for a schedule without a config."""
    start, horizon, target = run.start, run.horizon, run.target
    if run.config is None or horizon is None or target is None or not 0 < start < target or target <= horizon:
        return ()
    known, left = run.planning, target - start
    longer, anew = known.stretched(target), known.stretched(left)
    continued, held = known.continued(start, target, run.ngpus), known.held(run.rate(start), target, run.ngpus)
    again = {**(anew.changes if anew else {}), **(known.warmed(left) or {})}
    new = f"{run.terms.again}: a new {run.terms.warmup}, then the whole curve over the {left} iterations left"
    return (
        *_option(run, "stretch", longer and longer.changes, "the same curve over the longer run"),
        *_option(run, "continuous", continued, "the rate continues from where it is"),
        *_option(run, "hold", held, "the rate stays where it is"),
        *_option(run, "restart", again, new, start=0, target=left),
    )


def _option(run: Run, name: str, changes: Changes | None, text: str, **others: int) -> Iterator[Extension]:
    with suppress(ValueError):
        changed = run.changed(changes or {}, **others)
        if changes and np.isfinite(changed.curve.rates).all():
            rates = {"before": run.rate(run.start), "after": changed.rate(changed.start)}
            yield Extension(
                name=name, changes=changes, text=text, **rates, rate_at_target=changed.last_rate, run=changed
            )

"""From findings to suggestions, whose offers are tried on the run; and options for extending a run past its horizon."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from lrsched.planner.rules import RULES, find
from lrsched.rules import MARGIN, Finding, Offer, Run

__all__ = ["Extension", "Suggestion", "extensions", "serious", "suggestion", "suggestions"]

MOST_WASTED = 0.5
"""An extension with a larger share at a rate of zero is not offered."""

MOST_STEPS = 12
"""More offers than this are not put together to one change."""

KINDS = 2
"""Offers shown for one finding: they differ in the keys they change."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """Keys with new values that were tried on the exact rates and work.

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
    fixes: tuple[str, ...] = ()
    rate_at_target: float | None
    target: int | None = None
    exact: Mapping[str, Any] = field(default_factory=dict)
    run: Run = field(repr=False, compare=False)


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
    run: Run

    @property
    def jump(self) -> float:
        """How many times larger the rate is after the switch; infinite from a rate of 0."""
        if self.before == 0:
            return 1.0 if self.after == 0 else math.inf
        return self.after / self.before if math.isfinite(self.before) else math.nan


Known: TypeAlias = tuple[frozenset[str], frozenset[str]]
"""The codes of what is serious before a change: about the run, and about its file alone."""


def serious(findings: Iterable[Finding]) -> frozenset[str]:
    """The codes of the findings that are more than notes."""
    return frozenset(finding.code for finding in findings if finding.serious)


def suggestion(offer: Offer, run: Run, *fixes: str) -> Suggestion:
    """An offer that was tried, with the run it leads to."""
    rate = math.nan if run.goal is None or run.goal > (run.horizon or run.goal) else run.rate(run.goal)
    known = rate if math.isfinite(rate) else None
    changes, text, target, exact = offer
    return Suggestion(
        changes=changes, text=text, target=target, exact={**exact}, fixes=fixes, rate_at_target=known, run=run
    )


def suggestions(run: Run, findings: tuple[Finding, ...]) -> tuple[Suggestion, ...]:
    """What to change: everything at once where that takes several offers, then finding by finding."""
    if run.config is None:
        return ()
    known, single, first = _known(run, findings), list[Suggestion](), list[tuple[str, Offer, Run]]()
    for finding in findings:
        kinds: dict[frozenset[str], Suggestion] = {}
        for offer, changed in _fixed(run, finding, known):
            first += [(finding.code, offer, changed)] if finding.serious and not first else []
            kinds.setdefault(frozenset(offer.changes), suggestion(offer, changed, finding.code))
            if len(kinds) == KINDS:
                break
        single += kinds.values()
    every = [*_together(run, *first), *single] if first and len(known[0]) > 1 else single
    return tuple({repr((sorted(one.changes.items()), one.target)): one for one in reversed(every)}.values())[::-1]


def _together(run: Run, step: tuple[str, Offer, Run] | None) -> Iterator[Suggestion]:
    """One change that fixes all that can be fixed, when that takes more than the first offer."""
    whole, codes = Offer({}, "all changes that this run needs"), list[str]()
    while step is not None and len(codes) < MOST_STEPS:
        code, offer, changed = step
        codes.append(code)
        whole = _merged(whole, offer)._replace(text=whole.text)
        findings = find(changed, notes=False)
        known = _known(changed, findings)
        tried = ((f.code, *one) for f in findings if f.serious for one in _fixed(changed, f, known))
        step = next(tried, None)
    if len(codes) > 1:
        with suppress(ValueError):
            changed = run.changed(whole.changes, target=changed.target)
            if serious(find(changed, notes=False)).isdisjoint(codes):
                yield suggestion(whole, changed, *dict.fromkeys(codes))


def _fixed(run: Run, finding: Finding, known: Known) -> Iterator[tuple[Offer, Run]]:
    """The offers after which a finding is gone by a margin and nothing serious is new, with the runs they lead to.

    Where no offer manages alone, what each newly brings is fixed with it.
    """
    alone, tried = False, []
    for offer, changed, new in _tried_offers(run, finding, known):
        if new is None:
            alone = True
            yield offer, changed
        tried.append(offer)
    for offer in () if alone else tried:
        yield from _completed(run, offer, finding.code, known)


def _completed(run: Run, offer: Offer, code: str, known: Known) -> Iterator[tuple[Offer, Run]]:
    """An offer with what it newly brings fixed as well, one finding after the other."""
    for _ in range(MOST_STEPS):
        changed = _tried(run, offer, code)
        if changed is None:
            return
        new = _new(changed, offer, known)
        if new is None:
            yield offer, changed
            return
        beside, context = new
        better: Offer | None = None
        for more, _, left in _tried_offers(context, beside, known):
            better = more if better is None or left is None else better
            if left is None:
                break
        if better is None:
            return
        offer = _merged(offer, better)


def _tried_offers(run: Run, finding: Finding, known: Known) -> Iterator[tuple[Offer, Run, tuple[Finding, Run] | None]]:
    """Every offer that fixes a finding, with the run it leads to and what is new about that."""
    rules = [rule.fixes for rule in (*run.planning.rules, *RULES) if rule.code_in(run.terms) == finding.code]
    own = run.planning.fixes.get(finding.code, ())
    for fix in dict.fromkeys(fix for fixes in (*rules, own) for fix in fixes):
        for offer in fix(run, finding):
            changed = _tried(run, offer, finding.code)
            if changed is not None:
                yield offer, changed, _new(changed, offer, known)


def _tried(run: Run, offer: Offer, code: str) -> Run | None:
    """The run with an offer written and read again; None when it cannot be, or when the finding is still there."""
    try:
        changed = run.changed(offer.changes, target=run.target if offer.target is None else offer.target)
    except ValueError:
        return None
    return None if find(replace(changed, margin=MARGIN), code) else changed


def _new(run: Run, offer: Offer, known: Known) -> tuple[Finding, Run] | None:
    """What is serious and was not there before, with the run it is found in: also when the target is forgotten."""
    aimed = offer.target is None and run.target is not None
    for context, allowed in ((run, known[0]), *(((_file_alone(run), known[1]),) if aimed else ())):
        for finding in find(context, notes=False):
            if finding.serious and finding.code not in allowed:
                return finding, context
    return None


def _known(run: Run, findings: Iterable[Finding]) -> Known:
    aimed = serious(findings)
    return aimed, aimed if run.target is None else aimed | serious(find(_file_alone(run), notes=False))


def _file_alone(run: Run) -> Run:
    """The run of the file, without what the user said about it."""
    return replace(run, target=None, classes=None, images=None)


def _merged(first: Offer, second: Offer) -> Offer:
    return Offer(
        {**first.changes, **second.changes},
        f"{first.text}; {second.text}" if first.changes else first.text,
        first.target if second.target is None else second.target,
        {**first.exact, **second.exact},
    )


def extensions(run: Run) -> tuple[Extension, ...]:
    """Options for a started run whose target is past its horizon; none for a schedule without a config.

    An option whose rate counts as zero over most of its iterations is left out, as are those that keep such a rate.
    """
    horizon, target = run.horizon, run.target
    if run.config is None or horizon is None or target is None or not 0 < run.start < target or target <= horizon:
        return ()
    return tuple(option for option in _options(run, run.start, target) if _trains(option))


def _options(run: Run, start: int, target: int) -> Iterator[Extension]:
    known, rate, left = run.planning, run.rate(start), target - start
    longer, anew = known.stretched(target), known.stretched(left)
    yield from _option(run, "stretch", longer and longer.changes, "the same curve over the longer run")
    if math.isfinite(rate) and not run.is_zero(np.array([rate]))[0]:
        continued = known.continued(start, target, run.ngpus)
        yield from _option(run, "continuous", continued, "the rate continues from where it is")
        yield from _option(run, "hold", known.held(rate, target, run.ngpus), "the rate stays where it is")
    text = (
        f"count from 0 again (-clear): a new {run.terms.warmup}, then the whole curve over the {left} iterations left"
    )
    again = {**(anew.changes if anew else {}), **(known.warmed(left) or {})}
    yield from _option(run, "restart", again, text, start=0, target=left)


def _option(run: Run, name: str, changes: Mapping[str, Any] | None, text: str, **others: int) -> Iterator[Extension]:
    with suppress(ValueError):
        changed = run.changed(changes or {}, **others)
        before, after, rate = run.rate(run.start), changed.rate(changed.start), changed.rate(changed.goal or 0)
        if changes:
            yield Extension(
                name=name, changes=changes, text=text, before=before, after=after, rate_at_target=rate, run=changed
            )


def _trains(option: Extension) -> bool:
    """Whether most of the added iterations have a rate that counts."""
    run = option.run
    wasted = sum(last - first + 1 for first, last in run.zeros)
    return bool(np.isfinite(run.curve.rates).all()) and wasted < MOST_WASTED * run.length

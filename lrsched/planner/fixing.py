"""From findings to suggestions: the offers of a rule are tried on the run, and those that fix it are kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from lrsched.planner.rules import RULES, find
from lrsched.rules import MARGIN, Finding, Offer, Run

__all__ = ["Suggestion", "serious", "suggestion", "suggestions"]

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
        rate_at_target: the exact rate at the target with these values; None where the run has no end.
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


class Known(NamedTuple):
    """The codes of what is serious before a change: about the run, and about its file alone."""

    aimed: frozenset[str]
    alone: frozenset[str]


class Step(NamedTuple):
    """An offer that fixes the finding of a code, and the run it leads to."""

    code: str
    offer: Offer
    changed: Run


def serious(findings: Iterable[Finding]) -> frozenset[str]:
    """The codes of the findings that are more than notes."""
    return frozenset(finding.code for finding in findings if finding.serious)


def suggestion(offer: Offer, run: Run, *fixes: str) -> Suggestion:
    """An offer that was tried, with the run it leads to."""
    rate = math.nan if run.goal is None else run.rate(run.goal)
    exact = {**offer.exact}
    known = rate if math.isfinite(rate) else None
    return Suggestion(**offer._replace(exact=exact)._asdict(), fixes=fixes, rate_at_target=known, run=run)


def suggestions(run: Run, findings: tuple[Finding, ...]) -> tuple[Suggestion, ...]:
    """What to change: everything at once where that takes several offers, then finding by finding."""
    if run.config is None:
        return ()
    known, single, first = _known(run, findings), list[Suggestion](), list[Step]()
    for finding in findings:
        kinds: dict[frozenset[str], Suggestion] = {}
        for offer, changed in _fixed(run, finding, known):
            first += [Step(finding.code, offer, changed)] if finding.serious and not first else []
            kinds.setdefault(frozenset(offer.changes), suggestion(offer, changed, finding.code))
            if len(kinds) == KINDS:
                break
        single += kinds.values()
    every = [*_together(run, *first), *single] if first else single
    return tuple({repr((sorted(one.changes.items()), one.target)): one for one in reversed(every)}.values())[::-1]


def _together(run: Run, step: Step | None) -> Iterator[Suggestion]:
    """One change that fixes all that can be fixed, when that takes more than the first offer."""
    whole, codes = Offer({}, "all changes that this run needs"), list[str]()
    while step is not None and len(codes) < MOST_STEPS:
        code, offer, changed = step
        codes.append(code)
        whole = _merged(whole, offer)._replace(text=whole.text)
        findings = find(changed, notes=False)
        known = _known(changed, findings)
        tried = (Step(f.code, *one) for f in findings if f.serious for one in _fixed(changed, f, known))
        step = next(tried, None)
    if len(codes) > 1:
        with suppress(ValueError):
            changed = run.changed(whole.changes, target=changed.target)
            if serious(find(changed, notes=False)).isdisjoint(codes):
                yield suggestion(_without_idle(run, whole, changed), changed, *dict.fromkeys(codes))


def _without_idle(run: Run, offer: Offer, changed: Run) -> Offer:
    """An offer without the keys that are not written, as the policy of the changed config does not read them."""
    for key in offer.changes:
        fewer = offer._replace(changes={k: v for k, v in offer.changes.items() if k != key})
        with suppress(ValueError):
            config = run.config.with_values(fewer.changes)
            if (config, config.text) == (changed.config, changed.config.text):
                offer = fewer
    return offer


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
    for context, allowed in ((run, known.aimed), *(((_file_alone(run), known.alone),) if aimed else ())):
        for finding in find(context, notes=False):
            if finding.serious and finding.code not in allowed:
                return finding, context
    return None


def _known(run: Run, findings: Iterable[Finding]) -> Known:
    aimed = serious(findings)
    return Known(aimed, aimed if run.target is None else aimed | serious(find(_file_alone(run), notes=False)))


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

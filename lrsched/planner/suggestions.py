"""Which numbers to write instead: each suggestion is evaluated again on the exact rates before it is offered."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lrsched.darknet import BurnIn, CfgError, Dialect, Net, Poly, Sgdr, Step, Steps, read_cfg
from lrsched.planner.facts import Facts, Finding, facts_of
from lrsched.planner.findings import find
from lrsched.planner.levers import changes_of, levers, round_number, settings
from lrsched.planner.rules_cfg import meant_number
from lrsched.planner.run import Run, checked_iteration
from lrsched.schedule import PRINTED_ZERO_BELOW, Schedule, as_schedule, params, printed_zero

if TYPE_CHECKING:
    from lrsched.planner.plan import Plan

__all__ = ["Suggestion", "cures", "suggest"]

USUAL_DECAY = 100
USUAL_SHARES = (0.8, 0.9)
USUAL_BURN_IN = 1000
"""Steps at 80 % and 90 % of a run (313 of 423 cfgs found in the wild), burn_in=1000 (397 of 492), decay by 100."""


ROUNDING = 1e-6
"""Rates that differ by less are the same but for their rounding to float32."""

MISREAD = frozenset({"unknown-policy", "value-not-a-number", "steps-scales-mismatch"})
"""A cfg with one of these errors is not the cfg that was meant."""

CURED_AS_NOTES = frozenset({"rate-reaches-zero"})
"""What is cured even where it is only worth knowing: people ask for it by name."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """cfg keys with new values that were evaluated and work.

    Attributes:
        changes: cfg key -> value.
        why: what the values do.
        rate_at_target: the exact rate at the target with these values.
        cures: the code of the finding that is gone then; empty for a wish of the user's own.
        written: the run as its cfg is written, aimed at the same target.
    """

    changes: Mapping[str, Any]
    why: str
    rate_at_target: float
    cures: str = ""
    written: Run = field(repr=False, compare=False)

    @property
    def run(self) -> Run:
        """The run with these values."""
        return self.written.with_keys(self.changes)

    @property
    def plan(self) -> Plan:
        """The plan of the changed cfg, written and read again."""
        from lrsched.planner.plan import plan_run  # noqa: PLC0415 (a plan holds suggestions, these lead to plans)

        return plan_run(self.written.rewritten(self.changes))


def cures(facts: Facts, findings: tuple[Finding, ...]) -> tuple[Suggestion, ...]:
    """What to write instead, for every finding that numbers can cure."""
    offered: dict[str, Suggestion] = {}
    misread = [f.code for f in findings if f.severity == "error" and f.code in MISREAD]
    if misread:
        # what else is found may be gone once the right numbers stand there
        findings = tuple(f for f in findings if f.code in misread)
    codes = dict.fromkeys(f.code for f in findings if f.severity != "note" or f.code in CURED_AS_NOTES)
    if "ends-before-target" in codes and "rate-reaches-zero" not in codes:
        codes["rate-reaches-zero"] = None
    for code in codes:
        for suggestion in CURES.get(code, _nothing)(facts):
            offered.setdefault(repr(sorted(suggestion.changes.items())), suggestion)
    return tuple(offered.values())


def suggest(
    source: str | os.PathLike[str] | Net | Schedule,
    target: int | None = None,
    *,
    end_rate: float | None = None,
    decay: float = USUAL_DECAY,
    keep: str = "learning_rate",
    start: int = 0,
    ngpus: int = 1,
    dialect: str | Dialect = "alexeyab",
) -> tuple[Suggestion, ...]:
    """Values for people who know what they want: a rate at the target.

    Args:
        source: a cfg's path, a Net or a Schedule of darknet.
        target: the iteration the rate is wanted at; max_batches when None.
        end_rate: the rate wanted there; the peak divided by ``decay`` when None.
        decay: how many times smaller than the peak the rate should be there.
        keep: a key that must keep its value.
        start: the iteration the run begins at.
        ngpus: the number of GPUs (a cfg or Net only).
        dialect: the fork that reads the cfg (a path only).

    >>> from lrsched.darknet import Poly
    >>> story = Poly(learning_rate=0.01, power=4.0, max_batches=392480)
    >>> [dict(s.changes) for s in suggest(story, 592480, end_rate=0.0001)]
    [{'max_batches': 866488}, {'max_batches': 870000}]

    Raises:
        CfgError, OSError: for a cfg that cannot be read.
        TypeError, ValueError: for a target, rate or decay that cannot be.
    """
    run = make_run(source, target, start=start, ngpus=ngpus, dialect=dialect)
    goal, policy = run.goal, run.policy
    if goal is None or policy is None:
        raise ValueError("suggest needs a darknet schedule and a target; give target=")
    wanted = abs(policy.learning_rate) / decay if end_rate is None else end_rate
    if not wanted > 0:
        raise ValueError(f"the rate wanted at the end must be above 0, got {wanted}")
    long_enough = _reaching(run, goal)
    return tuple(
        _offer(replace(run, target=goal), changes, f"the rate at {goal} becomes {wanted:g} or just above", "")
        for changes in _raised(run, long_enough, goal, wanted, lambda rate: rate >= wanted)
        if keep not in changes
    )


def make_run(
    source: Any,
    target: int | None,
    *,
    start: int = 0,
    ngpus: int = 1,
    dialect: str | Dialect = "alexeyab",
    classes: int | None = None,
    images: int | None = None,
) -> Run:
    """Put a run together from whatever the user has: a path, a Net, a Schedule, a callable.

    Raises:
        CfgError, OSError: for a cfg that cannot be read.
        TypeError, ValueError: for a start, target or ngpus that cannot be, or a callable without target.
    """
    start = checked_iteration("start", start)
    target = None if target is None else checked_iteration("target", target)
    if isinstance(source, (str, os.PathLike)):
        source = read_cfg(source, dialect)
    if isinstance(source, Net):
        schedule = source.schedule(ngpus)
        return Run(
            schedule=schedule, net=source, start=start, target=target, ngpus=ngpus, classes=classes, images=images
        )
    if ngpus != 1:
        raise ValueError(f"ngpus={ngpus} needs a cfg or a Net; a schedule already gives the rates of the run")
    run = Run(
        schedule=as_schedule(source), net=None, start=start, target=target, ngpus=1, classes=classes, images=images
    )
    if run.end is None:
        raise ValueError(f"{run.schedule!r} does not say where it ends; give target=")
    return run


def _nothing(_: Facts) -> Iterator[Suggestion]:
    return iter(())


def _reaching(run: Run, goal: int) -> Run:
    """The run with ``goal`` as its target, lengthened to it when it ends before."""
    aimed = replace(run, target=goal)
    if run.max_batches is not None and run.max_batches < goal and run.policy is not None:
        return aimed.with_keys(_longer(run, goal))
    return aimed


def _longer(run: Run, goal: int) -> dict[str, Any]:
    changes: dict[str, Any] = {"max_batches": goal}
    if isinstance(run.policy, Steps) and run.max_batches:
        moved = tuple(step * goal // run.max_batches if step > 0 else step for step in run.policy.steps)
        changes["steps"] = moved
    return changes


def _raised(
    run: Run, reaching: Run, goal: int, wanted: float, enough: Callable[[float], bool]
) -> Iterator[dict[str, Any]]:
    """Changes with which the size of the rate at ``goal`` is enough: one lever after the other, exact then round."""
    policy = reaching.policy
    if policy is None:
        return
    base = _longer(run, goal) if reaching.max_batches != run.max_batches else {}
    if base and abs(reaching.rate(goal)) >= wanted * (1 - ROUNDING):
        yield base
        return
    for lever in levers(policy, goal, wanted, reaching.max_batches):
        for setting in settings(reaching, lever, lambda tried: enough(abs(tried.rate(goal)))):
            yield base | changes_of(reaching, setting.key, setting.value)


def _offer(run: Run, changes: dict[str, Any], why: str, code: str) -> Suggestion:
    changed = run.with_keys(changes)
    goal = changed.goal
    rate = changed.rate(goal) if goal is not None else float("nan")
    return Suggestion(changes=changes, why=why, rate_at_target=rate, cures=code, written=run)


def _proven(run: Run, changes: dict[str, Any], why: str, code: str) -> Iterator[Suggestion]:
    """Offer a change when its finding is gone after it."""
    try:
        suggestion = _offer(run, changes, why, code)
        changed = run.rewritten(changes) if code in MISREAD else suggestion.run
    except (CfgError, ValueError):
        return
    if not find(facts_of(changed, search_zero=False), code):
        yield suggestion


def _alive_at_target(facts: Facts) -> Iterator[Suggestion]:
    run = facts.run
    goal = run.goal
    if goal is None or run.policy is None or (run.max_batches or goal) < run.start:
        return
    too_short = run.max_batches is not None and run.max_batches < goal
    code = "ends-before-target" if too_short else "rate-reaches-zero"
    aimed, reaching = replace(run, target=goal), _reaching(run, goal)
    if printed_zero(reaching.rate(goal)):
        why = "the rate at the target is not printed as zero"
        for changes in _raised(run, reaching, goal, PRINTED_ZERO_BELOW, lambda rate: not printed_zero(rate)):
            yield _offer(aimed, changes, why, code)
    elif too_short:
        yield _offer(aimed, _longer(run, goal), "the run reaches the target", code)
        if isinstance(run.policy, Steps) and len(run.policy.steps):
            changes = {"max_batches": goal, "steps": usual_steps(goal, len(run.policy.steps))}
            yield _offer(aimed, changes, "the run reaches the target, its steps where they usually are", code)
    if isinstance(run.policy, Poly):
        wanted = abs(run.policy.learning_rate) / USUAL_DECAY
        if wanted > PRINTED_ZERO_BELOW:
            for changes in _raised(run, reaching, goal, wanted, lambda rate: rate >= wanted):
                if list(changes) == ["max_batches"]:
                    yield _offer(aimed, changes, f"the target gets learning_rate/{USUAL_DECAY}", code)


def usual_steps(end: int, count: int) -> tuple[int, ...]:
    """Where steps usually are: at 80 % and 90 % of the run, each further one halfway to the end.

    >>> usual_steps(20_000, 1), usual_steps(20_000, 2), usual_steps(20_000, 3)
    ((16000,), (16000, 18000), (16000, 18000, 19000))
    """
    return tuple(end - end // (5 * 2**i) for i in range(count))


def _start_again(facts: Facts) -> Iterator[Suggestion]:
    run = facts.run
    if run.max_batches is None or run.policy is None:
        return
    code = "already-finished"
    for end, why in (
        (run.start + 1, "the smallest value with which training goes on at all"),
        (run.start + run.max_batches, "as many iterations again"),
    ):
        yield from _proven(replace(run, target=None), {"max_batches": end}, why, code)


def _give_an_end(facts: Facts) -> Iterator[Suggestion]:
    needed = max(6000, 2000 * (facts.run.classes or 0), facts.run.images or 0)
    end = facts.run.target or needed
    yield from _proven(facts.run, {"max_batches": end}, "the trainer gets an end to reach", "max-batches-missing")


def _move_steps(facts: Facts) -> Iterator[Suggestion]:
    run, end = facts.run, facts.end
    if end is None:
        return
    code = "step-never-reached"
    policy = run.policy
    if isinstance(policy, Step):
        yield from _proven(run, {"step": max(end // 3, 1)}, "three drops in the run", code)
    if not isinstance(policy, Steps):
        return
    count = len(policy.steps)
    last = max(policy.steps)
    if last > 0:
        moved = tuple(max(step * end * 9 // (last * 10), 1) if step > 0 else step for step in policy.steps)
        yield from _proven(run, {"steps": moved}, "the steps in proportion, the last at 90% of the run", code)
    yield from _proven(run, {"steps": usual_steps(end, count)}, "the steps where they usually are", code)
    if run.max_batches is not None and last >= run.max_batches:
        longer = replace(run, target=None)
        yield from _proven(longer, {"max_batches": last + 1}, "the smallest run that reaches every step", code)
        rounded = round_number(last * 10 // 9)
        yield from _proven(longer, {"max_batches": rounded}, "a run with the last step at about 90%", code)


def _sort_steps(facts: Facts) -> Iterator[Suggestion]:
    policy = facts.run.policy
    if isinstance(policy, Steps):
        pairs = sorted(zip(policy.steps, policy.scales, strict=True))
        changes = {"steps": tuple(s for s, _ in pairs), "scales": tuple(c for _, c in pairs)}
        yield from _proven(facts.run, changes, "every drop at its own iteration", "steps-unsorted")


def _match_scales(facts: Facts) -> Iterator[Suggestion]:
    net, code = facts.run.net, "steps-scales-mismatch"
    if net is not None:
        given = [scale for scale in net.scales if scale] or [0.1]
        padded = (tuple(given) + (given[-1],) * len(net.steps))[: len(net.steps)]
        yield from _proven(facts.run, {"scales": padded}, "one scale per step", code)


def _shorten_burn_in(code: str) -> Callable[[Facts], Iterator[Suggestion]]:
    def cure(facts: Facts) -> Iterator[Suggestion]:
        run, end = facts.run, facts.end
        if end is None or not isinstance(run.schedule, BurnIn):
            return
        bound = run.policy.first_cycle if isinstance(run.policy, Sgdr) and code.endswith("cycle") else end
        short = min(USUAL_BURN_IN, round_number(bound // 10, up=False, digits=1))
        yield from _proven(run, {"burn_in": short}, "a warm-up of at most a tenth", code)

    return cure


def _end_a_cycle(facts: Facts) -> Iterator[Suggestion]:
    run, end, policy, code = facts.run, facts.end, facts.run.policy, "sgdr-ends-mid-cycle"
    if end is None or not isinstance(policy, Sgdr):
        return
    near = min((n for n in range(1, 65) if end % n == 0), key=lambda n: abs(end // n - policy.first_cycle))
    why = f"{near} cycles of one length, the last ends at {end}" if near > 1 else f"one cycle that ends at {end}"
    yield from _proven(run, {"sgdr_cycle": end // near, "sgdr_mult": 1}, why, code)
    factor = policy.sgdr_mult
    for cycles in range(6, 1, -1) if factor > 1 else ():
        total = (factor**cycles - 1) // (factor - 1)
        if end % total == 0:
            yield from _proven(run, {"sgdr_cycle": end // total}, f"{cycles} cycles, the last ends at {end}", code)
    start, size = list(policy.cycles(end, end))[-1]
    if run.target is None or start + size > run.target:
        longer = replace(run, target=None)
        yield from _proven(longer, {"max_batches": start + size}, "the run lasts until its last cycle ends", code)


def _lift_early_decay(facts: Facts) -> Iterator[Suggestion]:
    """Values with which the rate is at 1 % of its peak only at the end, instead of before half of the run."""
    run, end, policy, code = facts.run, facts.end, facts.run.policy, "decays-early"
    if end is None or policy is None:
        return
    wanted = abs(policy.learning_rate) / USUAL_DECAY
    if isinstance(policy, Steps):
        yield from _proven(
            run, {"steps": usual_steps(end, len(policy.steps))}, "the steps where they usually are", code
        )
    for changes in _raised(run, replace(run, target=end), end, wanted, lambda rate: rate >= wanted * (1 - ROUNDING)):
        yield from _proven(replace(run, target=end), changes, f"the end gets learning_rate/{USUAL_DECAY}", code)


def _batch(code: str) -> Callable[[Facts], Iterator[Suggestion]]:
    def cure(facts: Facts) -> Iterator[Suggestion]:
        net = facts.run.net
        if net is None:
            return
        if code == "batch-one":
            changes: dict[str, Any] = {"batch": 64, "subdivisions": 16}
            why = "the batch detectors are trained with"
        elif code == "subdivisions-exceed-batch":
            changes, why = {"subdivisions": max(net.batch, 1)}, "one image per part, the batch as written"
        else:
            fitting = next(n for n in range(abs(net.subdivisions), abs(net.batch) + 1) if net.batch % n == 0)
            changes, why = {"subdivisions": fitting}, "the whole batch counts"
        yield from _proven(facts.run, changes, why, code)

    return cure


def _meant_values(facts: Facts) -> Iterator[Suggestion]:
    net = facts.run.net
    if net is None or net.section is None:
        return
    changes: dict[str, Any] = {}
    for key in params(Net):
        entry, value = net.section.first(key), getattr(net, key)
        if entry is None or entry.value is None or isinstance(value, tuple):
            continue
        meant = meant_number(entry.value.partition("#")[0])
        if meant is None or meant == value:
            continue
        if not isinstance(value, int):
            changes[key] = meant
        elif meant == int(meant):
            changes[key] = int(meant)
    if changes:
        yield from _proven(facts.run, changes, "the numbers that were meant", "value-not-a-number")


def _known_policy(facts: Facts) -> Iterator[Suggestion]:
    import difflib  # noqa: PLC0415 (only for a misspelt policy)

    net = facts.run.net
    entry = net.section.first("policy") if net is not None and net.section is not None else None
    if net is None or entry is None or entry.value is None:
        return
    written = entry.value.partition("#")[0].lower()
    for near in difflib.get_close_matches(written, sorted(net.dialect.policies), 1):
        yield from _proven(facts.run, {"policy": near}, "the policy that was meant", "unknown-policy")


def _more_iterations(facts: Facts) -> Iterator[Suggestion]:
    run, code = facts.run, "too-few-iterations"
    needed = max(6000, 2000 * (run.classes or 0), run.images or 0)
    changes: dict[str, Any] = {"max_batches": needed}
    if isinstance(run.policy, Steps):
        changes["steps"] = usual_steps(needed, len(run.policy.steps))
    if run.policy is not None:
        yield from _proven(replace(run, target=needed), changes, "as many iterations as the field takes", code)


CURES: dict[str, Callable[[Facts], Iterator[Suggestion]]] = {
    "already-finished": _start_again,
    "max-batches-missing": _give_an_end,
    "rate-reaches-zero": _alive_at_target,
    "step-never-reached": _move_steps,
    "steps-unsorted": _sort_steps,
    "steps-scales-mismatch": _match_scales,
    "burn-in-covers-run": _shorten_burn_in("burn-in-covers-run"),
    "burn-in-long": _shorten_burn_in("burn-in-long"),
    "burn-in-hides-first-cycle": _shorten_burn_in("burn-in-hides-first-cycle"),
    "sgdr-ends-mid-cycle": _end_a_cycle,
    "decays-early": _lift_early_decay,
    "batch-one": _batch("batch-one"),
    "batch-not-divisible": _batch("batch-not-divisible"),
    "subdivisions-exceed-batch": _batch("subdivisions-exceed-batch"),
    "value-not-a-number": _meant_values,
    "unknown-policy": _known_policy,
    "too-few-iterations": _more_iterations,
}
